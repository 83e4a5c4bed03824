import { errorMessage } from "../lib/errors.ts";
import { SAMPLED_CLIENT_IDS } from "../lib/pacing.ts";
import type { Check } from "../model/check.ts";
import type { ConnectionState } from "../model/guard.ts";
import type { ConnectionStateFn } from "../model/ports.ts";
import type { RunPlan } from "../model/run-plan.ts";
import type { ReadyTarget, Target } from "../model/target.ts";
import { Draw } from "./draw.ts";

export interface SamplePorts {
  /** null: the target's endpoint is not known, so that nothing can be connected either. */
  readonly resolve: (target: string, signal: AbortSignal) => Promise<ReadyTarget | null>;
  readonly connectionState: ConnectionStateFn;
  /** Is it a connection of ours, of another run? */
  readonly isConnecting: (target: Target, clientId: string) => boolean | Promise<boolean>;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface SampleReport {
  /** Of dedicated client ids that somebody else is connected with; any entry refuses the run. */
  readonly notes: readonly string[];
  /** Of what could not be checked. */
  readonly remarks: readonly string[];
}

/** A run waits no longer than this for what AWS says of them. */
const MOST_MS = 10_000;
const LATE = `no answer within ${MOST_MS / 1000} s`;

/**
 * Looks a random few of each target's dedicated client ids up before anything is connected: if somebody is connected
 * with one, the profile is wrong, and our connection would throw a device out. Connections of other runs of this
 * process do not count. Where AWS does not say, that is a remark. Never throws but the signal's reason.
 */
export async function lookForOthers(
  checks: AsyncIterable<Check>,
  ports: SamplePorts,
  signal: AbortSignal,
): Promise<SampleReport> {
  const drawn = await drawClientIds(checks, ports.random);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(LATE)), MOST_MS);
  const ending = AbortSignal.any([signal, late.signal]);
  try {
    const reports = await Promise.all(
      [...drawn].map(([target, clientIds]) => lookAtTarget(target, clientIds, ports, ending)),
    );
    signal.throwIfAborted();
    return {
      notes: reports.flatMap(({ notes }) => notes),
      remarks: reports.flatMap(({ remarks }) => remarks),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** A plan whose client ids are somebody else's holds no checks: nothing is connected, and there is no go. */
export function refuseIfUsed(plan: RunPlan, { notes, remarks }: SampleReport): RunPlan {
  return {
    ...plan,
    notes: [...plan.notes, ...notes],
    remarks: [...plan.remarks, ...remarks],
    checks: notes.length > 0 ? nothing() : plan.checks,
  };
}

async function* nothing(): AsyncGenerator<Check> {}

async function drawClientIds(
  checks: AsyncIterable<Check>,
  random: () => number,
): Promise<Map<string, readonly string[]>> {
  const draws = new Map<string, Draw<string>>();
  for await (const { profile, protocol } of checks) {
    const { identity, clientId, target } = profile;
    // An empty client id stands for one that the gateway makes up.
    if (identity !== "dedicated" || protocol === "https" || !clientId) continue;
    const draw = draws.get(target) ?? new Draw<string>(SAMPLED_CLIENT_IDS, random);
    draws.set(target, draw);
    draw.offer(clientId, 0);
  }
  return new Map([...draws].map(([target, draw]) => [target, [...new Set(draw.drawn())]]));
}

async function lookAtTarget(
  name: string,
  [first, ...rest]: readonly string[],
  ports: SamplePorts,
  ending: AbortSignal,
): Promise<SampleReport> {
  const target = await ports.resolve(name, ending);
  if (target === null || first === undefined) return { notes: [], remarks: [] };
  const answers = [await lookUp(target, first, ports, ending)];
  // What is not said of one is not said of the others either: a permission is missing, or nobody answers.
  const isHopeless = answers.every(({ state }) => state.kind === "unknown");
  if (!isHopeless) {
    answers.push(...(await Promise.all(rest.map((each) => lookUp(target, each, ports, ending)))));
  }
  return {
    notes: answers.flatMap(({ clientId, state }) => inUse(name, clientId, state)),
    remarks: notChecked(name, answers, isHopeless),
  };
}

interface LookedUp {
  readonly clientId: string;
  /** `ours`: it is another run of this process that is connected. */
  readonly state: ConnectionState | { readonly kind: "ours" };
}

async function lookUp(
  target: ReadyTarget,
  clientId: string,
  { connectionState, isConnecting }: SamplePorts,
  ending: AbortSignal,
): Promise<LookedUp> {
  if (await isConnecting(target, clientId)) return { clientId, state: { kind: "ours" } };
  try {
    const state = await connectionState(target, clientId, ending);
    return { clientId, state: (await isConnecting(target, clientId)) ? { kind: "ours" } : state };
  } catch (error) {
    return { clientId, state: { kind: "unknown", reason: errorMessage(error) } };
  }
}

function inUse(target: string, clientId: string, state: LookedUp["state"]): string[] {
  if (state.kind !== "connected") return [];
  const who = `somebody is connected as ${JSON.stringify(clientId)} on target ${target}`;
  return [`CLIENT_ID_IN_USE: ${who}, a dedicated client id (${state.evidence}); nothing was tested`];
}

function notChecked(target: string, answers: readonly LookedUp[], isHopeless: boolean): string[] {
  const reasons = answers.flatMap(({ state }) => (state.kind === "unknown" ? [state.reason] : []));
  const [first] = reasons;
  if (first === undefined) return [];
  const which = isHopeless ? "its" : `${reasons.length} of ${answers.length}`;
  return [
    `target ${target}: whether somebody else uses ${which} dedicated client ids is not checked: ${first}`,
  ];
}
