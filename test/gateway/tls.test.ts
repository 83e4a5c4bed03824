import { once } from "node:events";
import { createServer as createTcp, type Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import type { TlsWire } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import { PROTOCOLS } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { inputOf, targetOf, wireOf } from "../support/gateway-input.ts";
import { startOpensslServer } from "../support/gateway-openssl.ts";
import { type Peer, tlsPeer } from "../support/gateway-peers.ts";
import { type KeyPair, makePki, type Pki } from "../support/gateway-pki.ts";

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

interface Seen {
  /** false: the client sent none. */
  readonly serverName: unknown;
  readonly resumed: boolean;
  readonly clientName: unknown;
}

/** Accepts MQTT 3.1.1 by hand and tells what the handshake showed. */
async function broker(
  keys: KeyPair,
  options: TlsOptions = {},
): Promise<Peer & { readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const peer = await tlsPeer(
    keys,
    (socket) => {
      seen.push({
        serverName: (socket as { servername?: unknown }).servername,
        resumed: socket.isSessionReused(),
        clientName: socket.getPeerCertificate().subject?.CN,
      });
      socket.once("data", () => {
        socket.write(Buffer.from([0x20, 2, 0, 0]));
        socket.once("data", () => socket.end());
      });
    },
    options,
  );
  return Object.assign(peer, { seen });
}

const run = (peer: Peer, tls: Partial<TlsWire> = {}, target: Partial<ReadyTarget> = {}): Promise<Outcome> =>
  probe(inputOf(targetOf(pki, peer.port, target), wireOf("mqtt", tls)));

test("a certificate without DNS names among its alternative names is held to its subject", async () => {
  await using peer = await broker(pki.namedBySubject);
  expect(await run(peer)).toMatchObject({ kind: "accepted" });
  expect(await run(peer, { serverName: "other.test" })).toMatchObject({
    kind: "unreachable",
    cause: "SERVER_CERTIFICATE_NAME",
  });
});

test("a certificate that changes under one name is held to the name each time", async () => {
  await using good = await broker(pki.good);
  await using wrong = await broker(pki.wrongName);
  for (const _round of [1, 2]) {
    expect(await run(good)).toMatchObject({ kind: "accepted" });
    expect(await run(good, { serverName: "other.test" })).toMatchObject({
      cause: "SERVER_CERTIFICATE_NAME",
    });
    expect(await run(wrong)).toMatchObject({ cause: "SERVER_CERTIFICATE_NAME" });
    expect(await run(wrong, { serverName: "other.test" })).toMatchObject({ kind: "accepted" });
  }
});

describe.each(PROTOCOLS)("over %s, a bad server certificate", (protocol) => {
  test.each([
    ["expired", "SERVER_CERTIFICATE_EXPIRED"],
    ["wrongName", "SERVER_CERTIFICATE_NAME"],
    ["selfSigned", "SERVER_CERTIFICATE_UNTRUSTED"],
  ] as const)("(%s) is named, its expiry kept, and nothing is sent", async (kind, cause) => {
    let received = 0;
    await using peer = await tlsPeer(pki[kind], (socket) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
    });
    const outcome = await probe(inputOf(targetOf(pki, peer.port), wireOf(protocol)));
    expect(outcome).toMatchObject({
      kind: "unreachable",
      cause,
      tlsAlert: false,
      transport: { certificateExpiresAtMs: expect.any(Number), tls: { version: "TLSv1.3" } },
    });
    const expiry = outcome.kind === "skipped" ? 0 : (outcome.transport.certificateExpiresAtMs ?? 0);
    expect(expiry < Date.now()).toBe(kind === "expired");
    const [connection] = peer.connections as [Socket];
    if (!connection.closed) await once(connection, "close");
    expect(received).toBe(0);
  });
});

describe("trust", () => {
  test("is the target's CA and nothing else", async () => {
    await using peer = await broker(pki.good);
    const outcome = await run(peer, {}, { ca: pki.selfSigned.cert });
    expect(outcome).toMatchObject({ kind: "unreachable", cause: "SERVER_CERTIFICATE_UNTRUSTED" });
  });

  test("is the system's roots without one", async () => {
    await using peer = await broker(pki.good);
    expect(await run(peer, {}, { ca: null })).toMatchObject({ cause: "SERVER_CERTIFICATE_UNTRUSTED" });
  });

  test.each([
    ["none", "a comment"],
    ["a broken one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("a CA file with %s is our side's fault", async (_name, ca) => {
    await using peer = await broker(pki.good);
    expect(await run(peer, {}, { ca })).toMatchObject({ kind: "broken", cause: "TESTER_ERROR" });
    expect(peer.connections).toHaveLength(0);
  });
});

describe("SNI", () => {
  test("is the wire's server name, and the certificate must be for it", async () => {
    await using peer = await broker(pki.wrongName);
    expect(await run(peer, { serverName: "other.test" })).toMatchObject({ kind: "accepted" });
    expect(peer.seen.map(({ serverName }) => serverName)).toEqual(["other.test"]);
  });

  test("is left out when there is none, and the certificate must be for the endpoint", async () => {
    await using peer = await broker(pki.good);
    expect(await run(peer, { serverName: null })).toMatchObject({ kind: "accepted" });
    expect(peer.seen.map(({ serverName }) => serverName)).toEqual([false]);
    await using other = await broker(pki.wrongName);
    expect(await run(other, { serverName: null })).toMatchObject({ cause: "SERVER_CERTIFICATE_NAME" });
  });

  test("is left out when the endpoint is an address, which no server name can be", async () => {
    await using peer = await broker(pki.good);
    const outcome = await run(peer, { serverName: "127.0.0.1" }, { endpoint: "127.0.0.1" });
    expect(outcome).toMatchObject({ cause: "SERVER_CERTIFICATE_NAME" });
  });

  test("refused by an alert is a TLS failure with an alert", async () => {
    const SNICallback: TlsOptions["SNICallback"] = (_name, done) => done(new Error("unknown name"));
    await using peer = await broker(pki.good, { SNICallback });
    expect(await run(peer)).toMatchObject({ kind: "unreachable", cause: "GATEWAY_RESET" });
    // A server without any certificate for it answers with handshake_failure (40).
    await using bare = await broker({ cert: "", key: "" } as KeyPair, { cert: undefined, key: undefined });
    expect(await run(bare, { serverName: null })).toMatchObject({
      kind: "unreachable",
      cause: "TLS_FAILED",
      tlsAlert: true,
      reason: expect.stringContaining("alert"),
    });
  });
});

describe("ALPN", () => {
  test("is kept when the gateway picks one", async () => {
    await using peer = await broker(pki.good, { ALPNProtocols: ["x-amzn-mqtt-ca", "mqtt"] });
    const outcome = await run(peer, { alpn: ["mqtt"] });
    expect(outcome).toMatchObject({ kind: "accepted", transport: { tls: { alpn: "mqtt" } } });
  });

  test("is null when the gateway ignores it, and the connection goes on", async () => {
    await using peer = await broker(pki.good);
    const outcome = await run(peer, { alpn: ["mqtt"] });
    expect(outcome).toMatchObject({ kind: "accepted", transport: { tls: { alpn: null } } });
  });

  test("is left out when there is none", async () => {
    const offered: unknown[] = [];
    const ALPNCallback: TlsOptions["ALPNCallback"] = ({ protocols }) => {
      offered.push(protocols);
      return protocols[0];
    };
    await using peer = await broker(pki.good, { ALPNCallback });
    expect(await run(peer, { alpn: [] })).toMatchObject({
      kind: "accepted",
      transport: { tls: { alpn: null } },
    });
    expect(offered).toEqual([]);
  });

  test("without a common one ends in the gateway's alert", async () => {
    await using peer = await broker(pki.good, { ALPNProtocols: ["mqtt"] });
    expect(await run(peer, { alpn: ["x-amzn-mqtt-ca"] })).toMatchObject({
      kind: "unreachable",
      cause: "TLS_FAILED",
      tlsAlert: true,
      reason: "the gateway sent a TLS alert: tlsv1 alert no application protocol",
    });
  });
});

describe("versions and groups", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "%s alone is negotiated when it is all that is offered",
    async (version) => {
      await using peer = await broker(pki.good);
      const outcome = await run(peer, { minVersion: version, maxVersion: version });
      expect(outcome).toMatchObject({ kind: "accepted", transport: { tls: { version } } });
    },
  );

  test("a version the gateway does not speak ends in its alert", async () => {
    await using peer = await broker(pki.good, { minVersion: "TLSv1.3" });
    expect(await run(peer, { maxVersion: "TLSv1.2" })).toMatchObject({ cause: "TLS_FAILED", tlsAlert: true });
  });

  test("a group the gateway does not speak ends in its alert", async () => {
    await using peer = await broker(pki.good, { ecdhCurve: "P-384" });
    expect(await run(peer, { groups: "X25519:P-256" })).toMatchObject({
      cause: "TLS_FAILED",
      tlsAlert: true,
    });
    expect(await run(peer, { groups: "P-384" })).toMatchObject({ kind: "accepted" });
  });

  test("a group nobody knows is our side's fault", async () => {
    await using peer = await broker(pki.good);
    expect(await run(peer, { groups: "no-such-group" })).toMatchObject({
      kind: "broken",
      cause: "TESTER_ERROR",
    });
  });

  test("no session is resumed", async () => {
    await using peer = await broker(pki.good);
    await run(peer);
    await run(peer);
    expect(peer.seen.map(({ resumed }) => resumed)).toEqual([false, false]);
  });
});

describe("a client certificate", () => {
  const pair = ({ cert, key }: KeyPair) => ({ cert: new Secret(cert), key: new Secret(key) });

  test("is presented", async () => {
    await using peer = await broker(pki.good, { ca: pki.ca, requestCert: true });
    expect(await run(peer, { clientCertificate: pair(pki.client) })).toMatchObject({ kind: "accepted" });
    expect(peer.seen.map(({ clientName }) => clientName)).toEqual(["device-1"]);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "that is demanded and missing ends in an alert in %s",
    async (version) => {
      await using peer = await broker(pki.good, { ca: pki.ca, requestCert: true, rejectUnauthorized: false });
      await using strict = await strictBroker(version);
      expect(await run(strict, { minVersion: version, maxVersion: version })).toMatchObject({
        kind: "unreachable",
        cause: "TLS_FAILED",
        tlsAlert: true,
      });
      expect(await run(peer)).toMatchObject({ kind: "accepted" });
    },
  );

  test.each<[string, (made: Pki) => KeyPair]>([
    [
      "a key that is none",
      ({ client }) => ({ ...client, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" }),
    ],
    ["a certificate that is none", ({ client }) => ({ ...client, cert: "certificate" })],
    ["another certificate's key", ({ client, good }) => ({ cert: client.cert, key: good.key })],
  ])("with %s is unavailable, and nothing is dialled", async (_name, choose) => {
    await using peer = await broker(pki.good);
    const outcome = await run(peer, { clientCertificate: pair(choose(pki)) });
    expect(outcome).toMatchObject({ kind: "broken", cause: "CREDENTIAL_UNAVAILABLE" });
    expect(peer.connections).toHaveLength(0);
  });
});

/** OpenSSL's own server: Node's closes without an alert where a client certificate is missing. */
function strictBroker(version: "TLSv1.2" | "TLSv1.3"): Promise<Peer> {
  return startOpensslServer(pki, [
    "-Verify",
    "1",
    "-verify_return_error",
    version === "TLSv1.2" ? "-tls1_2" : "-tls1_3",
  ]);
}

test.each([4, "any"] as const)("a name is resolved to one address of family %s", async (addressFamily) => {
  await using peer = await broker(pki.good);
  const outcome = await run(peer, {}, { address: "localhost", addressFamily });
  if (addressFamily === 4)
    expect(outcome).toMatchObject({ kind: "accepted", transport: { address: "127.0.0.1" } });
  // Whichever address came first, nothing else was tried.
  else
    expect(outcome).toMatchObject({ transport: { address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) } });
  expect(peer.connections.length).toBeLessThanOrEqual(1);
});

test("the port is the target's", async () => {
  const server = createTcp((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const seen = once(server, "connection");
  await probe(inputOf(targetOf(pki, port), wireOf("mqtt")));
  await seen;
  await new Promise((resolve) => server.close(resolve));
});
