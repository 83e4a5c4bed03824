import { Buffer } from "node:buffer";
import { getEventListeners, once } from "node:events";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import { PROTOCOLS, type Protocol } from "../../src/model/profile.ts";
import { inputOf, targetOf, wireOf } from "../support/gateway-input.ts";
import {
  flood,
  frame,
  type Peer,
  readRequest,
  reset,
  tcpPeer,
  tlsPeer,
  upgradeAnswer,
} from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

const MEGABYTE = 1024 * 1024;
/** What loopback's socket buffers can swallow after the reader is gone, with room to spare. */
const KERNEL_BUFFERS = 16 * MEGABYTE;

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

/** Runs `then` when the device has said all it says before it waits for the verdict. */
const AFTER_REQUEST: Readonly<
  Record<Protocol, (socket: TLSSocket, then: (send: (bytes: Buffer) => void) => void) => void>
> = {
  mqtt: (socket, then) => {
    socket.once("data", () => then((bytes) => socket.write(bytes)));
  },
  wss: (socket, then) => {
    readRequest(socket, (request) => {
      socket.write(upgradeAnswer(request, "mqtt"));
      socket.once("data", () => {
        then((bytes) => socket.write(frame(2, bytes)));
        // Whatever comes next is a goodbye.
        socket.once("data", () => socket.end());
      });
    });
  },
  https: (socket, then) => readRequest(socket, () => then((bytes) => socket.write(bytes))),
};

const ACCEPT: Readonly<Record<Protocol, string | readonly number[]>> = {
  mqtt: [0x20, 2, 0, 0],
  wss: [0x20, 2, 0, 0],
  https: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
};

/** The first half of an acceptance. */
const HALF: Readonly<Record<Protocol, string | readonly number[]>> = {
  mqtt: [0x20, 2, 0],
  wss: [0x20, 2, 0],
  https: "HTTP/1.1 200 OK\r\ncontent-",
};

const bytesOf = (text: string | readonly number[]): Buffer =>
  typeof text === "string" ? Buffer.from(text) : Buffer.from([...text]);

/** Keeps the event loop, which the peer shares, from doing anything else. */
function standStill(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

function transportOf(outcome: Outcome): Transport {
  if (outcome.kind === "skipped") throw new Error("skipped");
  const { transport } = outcome;
  const sum = Object.values(transport.phasesMs).reduce((total, each) => total + each, 0);
  expect(sum).toBeCloseTo(transport.durationMs, 6);
  return transport;
}

async function expectEnd(outcome: Promise<Outcome>, expected: Partial<Outcome>): Promise<Outcome> {
  const seen = await outcome;
  expect(seen).toMatchObject(expected);
  transportOf(seen);
  return seen;
}

describe.each(PROTOCOLS)("the %s prober", (protocol) => {
  const run = (peer: Peer, overrides = {}): Promise<Outcome> =>
    probe(inputOf(targetOf(pki, peer.port), wireOf(protocol), overrides));

  test("accepts what the gateway accepts, and keeps the evidence", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytesOf(ACCEPT[protocol]))),
    );
    const before = Date.now();
    const outcome = await run(peer);
    expect(outcome).toMatchObject({ kind: "accepted", code: protocol === "https" ? 200 : 0 });
    const transport = transportOf(outcome);
    expect(transport.address).toBe("127.0.0.1");
    expect(transport.tls).toEqual({ version: "TLSv1.3", cipher: expect.stringMatching(/^TLS_/), alpn: null });
    expect(transport.certificateExpiresAtMs).toBeGreaterThan(before + 29 * 86_400_000);
    expect(transport.startedAtMs).toBeGreaterThanOrEqual(before);
    const last = { mqtt: ["connack"], wss: ["upgrade", "connack"], https: ["response"] }[protocol];
    expect(Object.keys(transport.phasesMs)).toEqual(["dns", "tcp", "tls", ...last]);
    expect(peer.connections).toHaveLength(1);
  });

  test("says by how much our own event loop may have delayed what it saw", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => {
        standStill(300);
        send(bytesOf(ACCEPT[protocol]));
      }),
    );
    const outcome = await run(peer);
    expect(outcome.kind).toBe("accepted");
    expect(transportOf(outcome).delayMs).toBeGreaterThanOrEqual(300);
  });

  test("gives the gateway back the time in which our own event loop stood still", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => {
        standStill(1500);
        send(bytesOf(ACCEPT[protocol]));
      }),
    );
    expect(await run(peer, { timeoutMs: 1000 })).toMatchObject({ kind: "accepted" });
  });

  test("that stood still before it could ask anything says so, and blames nobody", async () => {
    await using peer = await tcpPeer(() => standStill(1500));
    expect(await run(peer, { timeoutMs: 1000 })).toMatchObject({
      kind: "broken",
      cause: "TESTER_ERROR",
      reason: expect.stringMatching(/stood still for \d\.\d s/),
    });
  });

  test("has the connection closed when it answers", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytesOf(ACCEPT[protocol]))),
    );
    await run(peer);
    const [socket] = peer.connections as [Socket];
    if (!socket.closed) await once(socket, "close");
  });

  test("TCP refused is unreachable", async () => {
    const peer = await tcpPeer(() => {});
    await peer[Symbol.asyncDispose]();
    await expectEnd(run(peer), { kind: "unreachable", cause: "TCP_REFUSED" });
  });

  test("a name that does not resolve is unreachable", async () => {
    // A label of more than 63 characters is refused by the resolver itself: nothing goes to a network.
    const target = targetOf(pki, 1, { address: `${"x".repeat(64)}.test` });
    const outcome = probe(inputOf(target, wireOf(protocol)));
    const seen = await expectEnd(outcome, { kind: "unreachable", cause: "DNS_FAILED" });
    expect(transportOf(seen).address).toBeNull();
  });

  test("a server that accepts TCP and never speaks costs the timeout", async () => {
    await using peer = await tcpPeer(() => {});
    const seen = await expectEnd(run(peer, { timeoutMs: 100 }), {
      kind: "unreachable",
      cause: "GATEWAY_TIMEOUT",
    });
    expect(seen).toMatchObject({ reason: expect.stringContaining("TLS handshake") });
  });

  test("a TLS server that never speaks costs the timeout", async () => {
    await using peer = await tlsPeer(pki.good, (socket) => void socket.resume());
    const seen = await expectEnd(run(peer, { timeoutMs: 300 }), {
      kind: "unreachable",
      cause: "GATEWAY_TIMEOUT",
    });
    expect(seen).not.toMatchObject({ reason: expect.stringContaining("TLS handshake") });
  });

  test("one byte a moment of a good answer costs the timeout", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytesOf(HALF[protocol]).subarray(0, 1))),
    );
    await expectEnd(run(peer, { timeoutMs: 300 }), { kind: "unreachable", cause: "GATEWAY_TIMEOUT" });
  });

  test("a reset right after TCP accept is unreachable", async () => {
    await using peer = await tcpPeer((socket) => socket.resetAndDestroy());
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET" });
  });

  test("a reset inside the TLS handshake is unreachable", async () => {
    await using peer = await tcpPeer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET", tlsAlert: false });
  });

  test("a close inside the TLS handshake is unreachable", async () => {
    await using peer = await tcpPeer((socket) => socket.once("data", () => socket.end()));
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET" });
  });

  test("a reset right after the TLS handshake is unreachable", async () => {
    await using peer: Peer = await tlsPeer(pki.good, () => reset(peer));
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET" });
  });

  test("a reset after everything was sent is unreachable, not a refusal", async () => {
    await using peer: Peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, () => reset(peer)),
    );
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET" });
  });

  test("a reset in the middle of the answer is unreachable", async () => {
    await using peer: Peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => {
        send(bytesOf(HALF[protocol]));
        setImmediate(() => reset(peer));
      }),
    );
    await expectEnd(run(peer), { kind: "unreachable", cause: "GATEWAY_RESET" });
  });

  test("something that is no TLS is a TLS failure without an alert of the peer's", async () => {
    await using peer = await tcpPeer((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    await expectEnd(run(peer), { kind: "unreachable", cause: "TLS_FAILED", tlsAlert: false });
  });

  test.each([
    ["zeros", Buffer.alloc(64)],
    ["0xff", Buffer.alloc(64, 0xff)],
    ["another protocol's greeting", Buffer.from("220 mail.test ESMTP\r\n")],
  ])("garbage is a protocol violation: %s", async (_name, bytes) => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytes)),
    );
    await expectEnd(run(peer), { kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
  });

  test("an endless answer is cut off, and little of it is read", async () => {
    let sent = (): number => 0;
    // MQTT: a CONNACK packet of 256 MB; HTTPS: a body without end.
    const chunk = Buffer.alloc(64 * 1024 - 1);
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => {
        send(
          protocol === "https"
            ? Buffer.from("HTTP/1.1 200 OK\r\n\r\n")
            : Buffer.from([0x20, 0xff, 0xff, 0xff, 0x7f]),
        );
        sent = flood(socket, protocol === "wss" ? frame(2, chunk) : chunk);
      }),
    );
    await expectEnd(run(peer), { kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
    expect(sent()).toBeLessThan(KERNEL_BUFFERS);
  });

  test("an endless stream before anything was asked is cut off", async () => {
    let sent = (): number => 0;
    await using peer = await tlsPeer(pki.good, (socket) => {
      sent = flood(socket, Buffer.alloc(64 * 1024, 0x41));
    });
    await expectEnd(run(peer), { kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
    expect(sent()).toBeLessThan(KERNEL_BUFFERS);
  });

  test("an abort ends it at once, wherever it stands", async () => {
    const abort = new AbortController();
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, () => abort.abort()),
    );
    await expectEnd(run(peer, { signal: abort.signal }), { kind: "broken", cause: "INTERRUPTED" });
  });

  test("the caller's signal, which outlives it, keeps no listener of it", async () => {
    const { signal } = new AbortController();
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytesOf(ACCEPT[protocol]))),
    );
    await run(peer, { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("what is aborted before it begins dials nothing", async () => {
    await using peer = await tcpPeer(() => {});
    const outcome = run(peer, { signal: AbortSignal.abort() });
    await expectEnd(outcome, { kind: "broken", cause: "INTERRUPTED" });
    expect(peer.connections).toHaveLength(0);
  });

  test("a thousandth of a second is not enough, and still ends in order", async () => {
    await using peer = await tcpPeer(() => {});
    await expectEnd(run(peer, { timeoutMs: 1 }), { kind: "unreachable", cause: "GATEWAY_TIMEOUT" });
  });

  test("twenty at once do not disturb each other", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      AFTER_REQUEST[protocol](socket, (send) => send(bytesOf(ACCEPT[protocol]))),
    );
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => run(peer)));
    expect(outcomes.map((each) => each.kind)).toEqual(Array(20).fill("accepted"));
  });
});
