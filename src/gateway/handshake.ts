import { isIP } from "node:net";
import type { TlsWire } from "../model/context.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Handshake } from "../model/preflight.ts";
import { Secret } from "../model/secret.ts";
import type { ReadyTarget } from "../model/target.ts";
import { attempt } from "./attempt.ts";
import { dial } from "./dial.ts";

/** How long the gateway may take to close its side too. */
const GOODBYE_MS = 500;

/**
 * Connects to a target as far as TLS goes and hangs up: name, port, versions and the server's certificate chain,
 * without a byte of MQTT or HTTP. No ALPN is offered, which every kind of domain takes, and no client certificate.
 * Never throws; nothing is left open.
 */
export async function handshake(
  target: ReadyTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Handshake> {
  const tls = tlsOf(target);
  let isDone = false;
  const input = {
    target,
    wire: { kind: "https", tls, path: new Secret("/"), headers: {} },
    secrets: [],
    topics: [],
    leaveIfSessionPresent: false,
    timeoutMs,
    signal,
  } as const;
  const outcome = await attempt(input, async (each) => {
    const socket = await dial(target, tls, each);
    if (socket === null) return;
    isDone = true;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    // In good order: cut off now, the gateway would not even see the handshake end.
    socket.end();
    await each.atMost(GOODBYE_MS, closed);
    each.settle({ kind: "closed", reason: null });
  });
  return isDone ? done(outcome) : failed(outcome);
}

function tlsOf({ endpoint }: ReadyTarget): TlsWire {
  return {
    serverName: isIP(endpoint) === 0 ? endpoint : null,
    alpn: [],
    clientCertificate: null,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    groups: "X25519:P-256",
  };
}

function done(outcome: Outcome): Handshake {
  if (outcome.kind === "skipped") throw new Error("a handshake is never skipped");
  return { kind: "done", transport: outcome.transport };
}

function failed(outcome: Outcome): Handshake {
  if (outcome.kind !== "unreachable" && outcome.kind !== "broken") {
    throw new Error(`a handshake alone was ${outcome.kind}`);
  }
  const { cause, reason, tlsAlert, transport } = outcome;
  return { kind: "failed", cause, reason, tlsAlert, transport };
}
