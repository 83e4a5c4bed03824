import { CONNECT, quotaOwner } from "../lib/pacing.ts";
import type { Pacer } from "../model/ports.ts";
import type { AccountLimits } from "../model/preflight.ts";
import type { Target } from "../model/target.ts";
import { ClientTurns } from "./client-turns.ts";
import { NEVER_PAUSED, type PauseGate } from "./pause.ts";
import { lowerRate, type Rate } from "./rate.ts";
import type { Bucket, SharedPacing } from "./shared-pacing.ts";
import { REAL_TIMING, type Timing } from "./timing.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface PacerOptions {
  readonly targets?: readonly Target[];
  readonly pause?: PauseGate;
  /** A token was given out. Must not throw. */
  readonly onUsed?: (used: { readonly target: string; readonly operation: string }) => void;
  readonly timing?: Timing;
  /** From 0 up to 1. */
  readonly random?: () => number;
  /** Omitted: of this process alone. */
  readonly shared?: SharedPacing;
}

export interface RunPacer extends Pacer {
  /** Whose limits hold from now on, before any call for them and whatever limits earlier targets had. */
  setTargets(targets: readonly Target[]): void;
  /** What the account allows holds where it is lower, until the account allows something else. */
  setAccountLimits(target: Target, limits: AccountLimits): void;
  /** Is somebody here connected with this client id, or was until just now? */
  isConnecting(target: Target, clientId: string): boolean | Promise<boolean>;
}

const INVOKE = "TestInvokeAuthorizer";
/** What AWS grants for each of the control-plane calls made here (AWS IoT Core quotas, API throttling limits). */
const OTHER_CALLS_PER_SECOND = 10;
/** After a throttled call: somebody else uses the quota too. Long enough to refill, shaken so that two of us part. */
const PAUSE_MS = { least: 200, most: 500 } as const;

/**
 * Paces everything that spends a quota. Quotas belong to an account in a Region, so targets that share both share
 * one bucket for each operation, and the lower of their limits holds. Limits are `budgets` of the target for
 * TestInvokeAuthorizer and gateway connections, 10 a second for other calls; 98 % of each is used. Waiting is
 * first come, first served and throws the signal's reason when aborted; while nobody waits no timer runs. Nothing is let
 * through while it is paused.
 */
export function createPacer({
  targets = [],
  pause = NEVER_PAUSED,
  onUsed,
  timing = REAL_TIMING,
  random = Math.random,
  shared = inProcess(timing),
}: PacerOptions): RunPacer {
  const buckets = new Map<string, Bucket>();
  const { turns } = shared;
  let declared: ReadonlyMap<string, Rate> = new Map();
  /** Of accounts, by bucket. */
  const allowed = new Map<string, number>();

  function within(key: string, rate: Rate): Rate {
    return { ...rate, perSecond: Math.min(rate.perSecond, allowed.get(key) ?? rate.perSecond) };
  }

  function rateNow(key: string, target: Target, operation: string): Rate {
    return within(key, declared.get(key) ?? rateOf(target, operation));
  }

  function bucketOf(target: Target, operation: string): Bucket {
    const key = bucketKey(target, operation);
    const rate = rateNow(key, target, operation);
    const known = buckets.get(key);
    if (known) {
      if (!declared.has(key)) known.lower(rate);
      return known;
    }
    const bucket = shared.bucket(key, rate);
    buckets.set(key, bucket);
    return bucket;
  }

  function setTargets(all: readonly Target[]): void {
    declared = ratesOf(all);
    for (const [key, rate] of declared) buckets.get(key)?.set(within(key, rate));
  }

  function setAccountLimits(target: Target, limits: AccountLimits): void {
    const perSecond = { [INVOKE]: limits.invokesPerSecond, [CONNECT]: limits.connectsPerSecond };
    for (const [operation, limit] of Object.entries(perSecond)) {
      const key = bucketKey(target, operation);
      if (limit === null) allowed.delete(key);
      else allowed.set(key, limit);
      buckets.get(key)?.set(rateNow(key, target, operation));
    }
  }

  async function take(target: Target, operation: string, signal: AbortSignal): Promise<void> {
    const bucket = bucketOf(target, operation);
    do {
      if (pause.paused() !== null) await pause.passed(signal);
      await bucket.take(signal);
      // A token from before a pause is void: all who waited would go at once when it ends.
    } while (pause.paused() !== null);
    onUsed?.({ target: target.name, operation });
  }

  async function connect(target: Target, clientId: string | null, signal: AbortSignal): Promise<() => void> {
    if (clientId === null) {
      await take(target, CONNECT, signal);
      return () => {};
    }
    const id = turnOf(target, clientId);
    await takeTurn(target, id, signal);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      turns.end(id);
    };
  }

  async function takeTurn(target: Target, id: string, signal: AbortSignal): Promise<void> {
    const longestMs = target.timeouts.probeMs;
    for (;;) {
      await turns.take(id, longestMs, signal);
      try {
        await take(target, CONNECT, signal);
      } catch (error) {
        turns.giveBack(id);
        throw error;
      }
      if (turns.holds(id, longestMs)) return;
      turns.giveBack(id);
    }
  }

  setTargets(targets);

  return {
    setTargets,
    setAccountLimits,
    take,
    connect,
    isConnecting: (target, clientId) => turns.isTaken(turnOf(target, clientId)),
    throttled(target, operation) {
      const { least, most } = PAUSE_MS;
      bucketOf(target, operation).throttled(least + random() * (most - least));
    },
  };
}

function inProcess(timing: Timing): SharedPacing {
  return { bucket: (_, rate) => new TokenBucket(rate, timing), turns: new ClientTurns(timing) };
}

function bucketKey(target: Target, operation: string): string {
  return `${quotaOwner(target)}/${operation}`;
}

/** The lowest of those who share a bucket. */
function ratesOf(targets: readonly Target[]): Map<string, Rate> {
  const rates = new Map<string, Rate>();
  for (const target of targets) {
    for (const operation of [INVOKE, CONNECT]) {
      const key = bucketKey(target, operation);
      const rate = rateOf(target, operation);
      rates.set(key, lowerRate(rates.get(key) ?? rate, rate));
    }
  }
  return rates;
}

/** Client ids, too, belong to an account in a Region. */
function turnOf(target: Target, clientId: string): string {
  return `${quotaOwner(target)}/${clientId}`;
}

function rateOf({ budgets }: Target, operation: string): Rate {
  const { burst } = budgets;
  switch (operation) {
    case INVOKE:
      return { perSecond: budgets.invokesPerSecond, burst };
    case CONNECT:
      return { perSecond: budgets.connectsPerSecond, burst };
    default:
      return { perSecond: OTHER_CALLS_PER_SECOND, burst };
  }
}
