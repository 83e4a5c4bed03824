import { once } from "node:events";
import { beforeAll, describe, expect, test } from "vitest";
import { handshake } from "../../src/gateway/handshake.ts";
import { targetOf } from "../support/gateway-input.ts";
import { tcpPeer, tlsPeer } from "../support/gateway-peers.ts";
import { type KeyPair, makePki, type Pki } from "../support/gateway-pki.ts";

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

const NEVER = new AbortController().signal;
const MOST_MS = 10_000;

describe("a handshake alone", () => {
  test("shows connection and certificate, sends nothing and hangs up", async () => {
    let received = 0;
    const ended = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    await using peer = await tlsPeer(
      pki.good,
      (socket) => {
        seen.push((socket as { servername?: unknown }).servername, socket.alpnProtocol);
        socket.on("data", (chunk) => {
          received += chunk.length;
        });
        socket.once("close", () => ended.resolve());
      },
      { ALPNProtocols: ["mqtt"] },
    );
    const answer = await handshake(targetOf(pki, peer.port), MOST_MS, NEVER);
    await ended.promise;
    expect(answer).toMatchObject({
      kind: "done",
      transport: { address: "127.0.0.1", tls: { version: "TLSv1.3", alpn: null } },
    });
    expect(answer.transport.certificateExpiresAtMs).toBeGreaterThan(Date.now());
    expect({ received, seen, connections: peer.connections.length }).toEqual({
      received: 0,
      seen: ["gateway.test", false],
      connections: 1,
    });
  });

  test.each<[keyof Pki, string]>([
    ["expired", "SERVER_CERTIFICATE_EXPIRED"],
    ["wrongName", "SERVER_CERTIFICATE_NAME"],
    ["selfSigned", "SERVER_CERTIFICATE_UNTRUSTED"],
  ])("tells what is wrong with a certificate: %s", async (kind, cause) => {
    await using peer = await tlsPeer(pki[kind] as KeyPair, () => {});
    const answer = await handshake(targetOf(pki, peer.port), MOST_MS, NEVER);
    expect(answer).toMatchObject({ kind: "failed", cause, tlsAlert: false });
  });

  test("a close within the handshake is a failure, and so is silence", async () => {
    await using closing = await tcpPeer((socket) => socket.once("data", () => socket.end()));
    expect(await handshake(targetOf(pki, closing.port), MOST_MS, NEVER)).toMatchObject({
      kind: "failed",
      cause: "GATEWAY_RESET",
    });
    await using silent = await tcpPeer(() => {});
    expect(await handshake(targetOf(pki, silent.port), 100, NEVER)).toMatchObject({
      kind: "failed",
      cause: "GATEWAY_TIMEOUT",
    });
  });

  test("an alert is told from other failures", async () => {
    await using strict = await tlsPeer(pki.good, () => {}, {
      ciphers: "ECDHE-RSA-AES128-SHA",
      maxVersion: "TLSv1.2",
    });
    expect(await handshake(targetOf(pki, strict.port), MOST_MS, NEVER)).toMatchObject({
      kind: "failed",
      cause: "TLS_FAILED",
      tlsAlert: true,
    });
  });

  test("nobody listens, no such name: told, and the name apart", async () => {
    const peer = await tcpPeer(() => {});
    const { port } = peer;
    await peer[Symbol.asyncDispose]();
    expect(await handshake(targetOf(pki, port), MOST_MS, NEVER)).toMatchObject({ cause: "TCP_REFUSED" });
    const unknown = targetOf(pki, port, { address: null, endpoint: "no-such-host.invalid" });
    expect(await handshake(unknown, MOST_MS, NEVER)).toMatchObject({
      cause: "DNS_FAILED",
      transport: { address: null },
    });
  });

  test("an abort ends it", async () => {
    const stop = new AbortController();
    await using peer = await tcpPeer((socket) => {
      void once(socket, "data").then(() => stop.abort());
    });
    expect(await handshake(targetOf(pki, peer.port), MOST_MS, stop.signal)).toMatchObject({
      kind: "failed",
      cause: "INTERRUPTED",
    });
  });
});
