import type { IoTClient } from "@aws-sdk/client-iot";
import { monotonicMs, sleep } from "../lib/clock.ts";
import { watchDelay } from "../lib/loop-delay.ts";
import type { Observer, Pacer } from "../model/ports.ts";
import type { Target } from "../model/target.ts";
import type { Clients } from "./client.ts";
import { within } from "./deadline.ts";
import { metricCode } from "./error-names.ts";
import { credentialFailureOf, type Failure, type FailureContext, failureOf } from "./errors.ts";

export interface CallDependencies {
  readonly pacer: Pick<Pacer, "take" | "throttled">;
  readonly observer: Pick<Observer, "awsRequest">;
  readonly clients: Clients;
}

export interface Call<T> extends FailureContext {
  readonly target: Target;
  /** The API's name of it: names the budget and the metric. */
  readonly operation: string;
  readonly send: (client: IoTClient, signal: AbortSignal) => Promise<T>;
  readonly signal: AbortSignal;
}

export type Reply<T> =
  | ({ readonly kind: "ok"; readonly output: T } & Took)
  | ({ readonly kind: "failed"; readonly failure: Failure } & (Took | NotSent));

/** Of the last try; `delayMs`: at most so much of it may be our own event loop's. */
interface Took {
  readonly durationMs: number;
  readonly delayMs: number;
}

interface NotSent {
  readonly durationMs: null;
  readonly delayMs: 0;
}

const BACKOFF = { baseMs: 200, mostMs: 5000 } as const;

/** Times `timeouts.invokeMs` that somebody may be throttled: a minute by default, in which the rate has long been cut. */
const PATIENCE = 6;

/**
 * Calls AWS under the account's budget. A throttled call says nothing about the device: it backs off with full jitter
 * and is tried again as long as such calls and back-offs together stay within six times the target's
 * `timeouts.invokeMs`; waiting for the budget does not count. A bad moment of the service or the network gets one more
 * try within `timeouts.invokeMs`: never more, as a try may invoke a Lambda. Throws only the signal's reason, when aborted.
 */
export async function callAws<T>(dependencies: CallDependencies, call: Call<T>): Promise<Reply<T>> {
  const { pacer, clients } = dependencies;
  const { target, operation, signal, secrets } = call;
  const credentialError = await clients.credentialError(target, signal);
  if (credentialError !== null) {
    return {
      kind: "failed",
      failure: credentialFailureOf(credentialError, secrets),
      durationMs: null,
      delayMs: 0,
    };
  }

  let leftMs = target.timeouts.invokeMs;
  let patienceMs = leftMs * PATIENCE;
  let badMoments = 0;
  let throttled: Reply<T> | null = null;
  for (let tries = 1; ; tries++) {
    await pacer.take(target, operation, signal);
    const reply = await tryOnce(dependencies, call, leftMs);
    if (reply.kind === "ok") return reply;

    const { retry, cause } = reply.failure;
    // The throttling before it is what used up the time.
    if (cause === "API_TIMEOUT" && throttled !== null) return throttled;
    const pauseMs = backoffMs(tries);
    const spentMs = reply.durationMs + pauseMs;
    if (retry === "throttled") {
      pacer.throttled(target, operation);
      throttled = reply;
      patienceMs -= spentMs;
    } else {
      badMoments++;
      leftMs -= spentMs;
    }
    if (retry === "no" || badMoments > 1 || leftMs <= 0 || patienceMs <= 0) return reply;
    await sleep(pauseMs, signal);
  }
}

/** Asks about the account, with nothing of a device: a refusal says nothing about one, and there is no secret to mask. */
export function askAws<T>(
  dependencies: CallDependencies,
  question: Omit<Call<T>, keyof FailureContext>,
): Promise<Reply<T>> {
  return callAws(dependencies, { ...question, refused: "API_UNAVAILABLE", secrets: [] });
}

type TryReply<T> = Reply<T> & Took;

async function tryOnce<T>(
  { observer, clients }: CallDependencies,
  call: Call<T>,
  timeoutMs: number,
): Promise<TryReply<T>> {
  const { target, operation, send, signal } = call;
  const startedAtMs = monotonicMs();
  const delay = watchDelay();
  const took = (): Took => ({ durationMs: monotonicMs() - startedAtMs, delayMs: delay.worstMs() });
  try {
    const output = await within(timeoutMs, signal, (ending) => send(clients.of(target), ending));
    const last = took();
    observer.awsRequest({ target: target.name, operation, code: "ok" });
    return { kind: "ok", output, ...last };
  } catch (error) {
    const last = took();
    if (signal.aborted) {
      observer.awsRequest({ target: target.name, operation, code: "other" });
      throw signal.reason;
    }
    const failure = failureOf(error, call);
    observer.awsRequest({ target: target.name, operation, code: metricCode(failure.code) });
    return { kind: "failed", failure, ...last };
  } finally {
    delay.stop();
  }
}

/** Full jitter: anything from nothing to an exponentially growing bound, so that many callers spread. */
function backoffMs(tries: number): number {
  return Math.random() * Math.min(BACKOFF.mostMs, BACKOFF.baseMs * 2 ** (tries - 1));
}
