import { monotonicMs } from "../lib/clock.ts";
import { CONNECT } from "../lib/pacing.ts";
import type { Check } from "../model/check.ts";
import type { DeviceContext, Wire } from "../model/context.ts";
import type { GuardRecord } from "../model/guard.ts";
import type { Outcome } from "../model/outcome.ts";
import type { ConnectionStateFn, Pacer, ProbeFn } from "../model/ports.ts";
import type { TopicTest } from "../model/proof.ts";
import type { ReadyTarget } from "../model/target.ts";
import { guarded, objection, unstatedSession } from "./guard.ts";

/** What a gateway connection needs from outside. */
export interface ConnectionPorts {
  readonly pacer: Pacer;
  readonly probe: ProbeFn;
  readonly connectionState: ConnectionStateFn;
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
  if (check.profile.identity === "device") return connectAsLiveDevice(check, context, target, ports, signal);
  return { ...(await pacedProbe(context, target, tests, ports, signal)), guard: null };
}

/** One connection, when the account's budget and the client id's rest allow it. */
export async function pacedProbe(
  { wire, secrets }: DeviceContext,
  target: ReadyTarget,
  topics: readonly TopicTest[],
  { pacer, probe }: Pick<ConnectionPorts, "pacer" | "probe">,
  signal: AbortSignal,
): Promise<Omit<Connected, "guard">> {
  const clientId = wire.kind === "https" ? null : wire.connect.clientId;
  const release = await pacer.connect(target, clientId, signal);
  const startedAtMs = monotonicMs();
  try {
    const timeoutMs = target.timeouts.probeMs;
    const once = { target, wire, secrets, timeoutMs, signal };
    const outcome = await probe({ ...once, topics, leaveIfSessionPresent: false });
    slowDownIfThrottled(outcome, target, pacer);
    return { outcome, startedAtMs, endedAtMs: monotonicMs() };
  } finally {
    release();
  }
}

/** Somebody else spends from the same quota: the next connections give way. */
function slowDownIfThrottled(outcome: Outcome, target: ReadyTarget, pacer: Pacer): void {
  if (outcome.kind === "unreachable" && outcome.cause === "GATEWAY_THROTTLED")
    pacer.throttled(target, CONNECT);
}

type MqttWire = Exclude<Wire, { readonly kind: "https" }>;

/**
 * A client id that a live device may use is left alone, unless the run lifts the guard for this check and AWS says
 * that the device is offline. Then it is connected without a will, no topic is touched, and a session that is
 * present is left at once, nothing of it acknowledged.
 */
async function connectAsLiveDevice(
  { profile, guardLifted }: Check,
  { wire, secrets }: DeviceContext,
  target: ReadyTarget,
  ports: ConnectionPorts,
  signal: AbortSignal,
): Promise<Connected> {
  if (!guardLifted || wire.kind === "https") {
    return leftAlone(guarded("identity is `device`: a live device may be using this client id"), null);
  }
  const unstated = unstatedSession(profile);
  if (unstated !== null) {
    const state = { kind: "unknown", reason: "not asked" } as const;
    return leftAlone(guarded(unstated), { state, connected: false, sessionPresent: null });
  }
  const { clientId } = wire.connect;
  // The turn comes first: it may take long, and what AWS says must not be old when it is acted upon.
  const release = await ports.pacer.connect(target, clientId, signal);
  try {
    const state = await ports.connectionState(target, clientId, signal);
    const skipped = objection(profile, state);
    if (skipped !== null) return leftAlone(skipped, { state, connected: false, sessionPresent: null });
    // The token that came with the turn is old by now: used late, it would bunch up with others.
    await ports.pacer.take(target, CONNECT, signal);
    const startedAtMs = monotonicMs();
    const timeoutMs = target.timeouts.probeMs;
    const once = { target, wire: withoutWill(wire), secrets, timeoutMs, signal };
    const outcome = await ports.probe({ ...once, topics: [], leaveIfSessionPresent: true });
    slowDownIfThrottled(outcome, target, ports.pacer);
    const sessionPresent = outcome.kind === "accepted" ? outcome.sessionPresent : null;
    const guard = { state, connected: true, sessionPresent };
    return { outcome, guard, startedAtMs, endedAtMs: monotonicMs() };
  } finally {
    release();
  }
}

/** Should our own process die before it says goodbye, the device's will must not go out. */
function withoutWill(wire: MqttWire): MqttWire {
  return { ...wire, connect: { ...wire.connect, will: null } };
}

/** Nothing was connected. */
export function leftAlone(outcome: Outcome, guard: GuardRecord | null): Connected {
  const now = monotonicMs();
  return { outcome, guard, startedAtMs: now, endedAtMs: now };
}
