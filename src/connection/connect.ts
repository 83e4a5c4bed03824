import { monotonicMs } from "../lib/clock.ts";
import type { Check } from "../model/check.ts";
import type { DeviceContext } from "../model/context.ts";
import type { GuardRecord } from "../model/guard.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Pacer, ProbeFn } from "../model/ports.ts";
import type { TopicTest } from "../model/proof.ts";
import type { ReadyTarget } from "../model/target.ts";

/** What a gateway connection needs from outside. */
export interface ConnectionPorts {
  readonly pacer: Pacer;
  readonly probe: ProbeFn;
}

/** Times: monotonic, of the connection. */
export interface Connected {
  readonly outcome: Outcome;
  readonly guard: GuardRecord | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Connects to the gateway as the device, unless a live device may be using its client id. */
export async function connect(
  check: Check,
  context: DeviceContext,
  target: ReadyTarget,
  tests: readonly TopicTest[],
  ports: ConnectionPorts,
  signal: AbortSignal,
): Promise<Connected> {
  if (check.profile.identity === "device") {
    const reason = "identity is `device`: a live device may be connected with this client id";
    return leftAlone({ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED", reason }, null);
  }
  return { ...(await pacedProbe(context, target, tests, ports, signal)), guard: null };
}

/** One connection, when the account's budget and the client id's rest allow it. */
export async function pacedProbe(
  { wire, secrets }: DeviceContext,
  target: ReadyTarget,
  topics: readonly TopicTest[],
  { pacer, probe }: ConnectionPorts,
  signal: AbortSignal,
  leaveIfSessionPresent = false,
): Promise<Omit<Connected, "guard">> {
  const clientId = wire.kind === "https" ? null : wire.connect.clientId;
  const release = await pacer.connect(target, clientId, signal);
  const startedAtMs = monotonicMs();
  try {
    const timeoutMs = target.timeouts.probeMs;
    const outcome = await probe({ target, wire, secrets, topics, leaveIfSessionPresent, timeoutMs, signal });
    return { outcome, startedAtMs, endedAtMs: monotonicMs() };
  } finally {
    release();
  }
}

/** Nothing was connected. */
export function leftAlone(outcome: Outcome, guard: GuardRecord | null): Connected {
  const now = monotonicMs();
  return { outcome, guard, startedAtMs: now, endedAtMs: now };
}
