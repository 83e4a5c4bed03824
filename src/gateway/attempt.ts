import { monotonicMs, wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import { deadline, watchDelay } from "../lib/loop-delay.ts";
import type { Outcome, Transport } from "../model/outcome.ts";
import type { ProbeInput } from "../model/ports.ts";
import { classify } from "./classify.ts";
import type { Ending, Step } from "./ending.ts";

type Evidence = Pick<Transport, "address" | "tls" | "certificateExpiresAtMs">;
type Release = () => void | Promise<void>;

/** What a report shows of a conversation; a session that is much longer has nothing new to say. */
const MAX_PACKETS = 40;

/** One connection on its way to a verdict: what a prober's steps share. */
export interface Attempt {
  /**
   * Ends the phase before and begins this one; the step is also what a time-out is blamed on. A phase that comes
   * again is not timed again; null: what follows belongs to none.
   */
  enter(step: Step | null): void;
  /** Keeps a packet's name, in order, for example `> CONNECT`. */
  note(packet: string): void;
  observe(evidence: Partial<Evidence>): void;
  /** The verdict: the first one counts and stops the clock. */
  settle(ending: Ending): void;
  /** From now on whatever ends the attempt passes through `conclude`, which says what it means. */
  concludeWith(conclude: (ending: Ending) => Ending): void;
  /** Replaces the verdict by one that says more; only for what is learnt while closing. */
  amend(ending: Ending): void;
  readonly settled: boolean;
  /** Fulfilled with the verdict. */
  readonly verdict: Promise<void>;
  /** What to undo after the verdict, newest first. */
  defer(release: Release): void;
  /** Waits for `done`, at most `maxMs`, never beyond the timeout, and not at all once the caller gave up. */
  atMost(maxMs: number, done: Promise<unknown>): Promise<void>;
}

/**
 * Runs one conversation to its outcome: timeout, abort, phase clock and clean-up are here, and nothing is
 * left open when the answer is given. Never throws: what a conversation throws is our own fault, and said so.
 */
export async function attempt(
  input: ProbeInput,
  converse: (attempt: Attempt) => Promise<void>,
): Promise<Outcome> {
  const { timeoutMs, signal } = input;
  const deadlineMs = monotonicMs() + timeoutMs;
  const clock = new PhaseClock();
  const delay = watchDelay();
  let delayMs = 0;
  const releases: Release[] = [];
  const verdict = Promise.withResolvers<void>();
  let evidence: Evidence = { address: null, tls: null, certificateExpiresAtMs: null };
  let ending: Ending | null = null;
  let conclude = (final: Ending): Ending => final;
  const packets: string[] = [];

  const self: Attempt = {
    enter: (step) => clock.enter(step),
    note: (packet) => {
      if (packets.length < MAX_PACKETS) packets.push(packet);
    },
    observe: (more) => {
      evidence = { ...evidence, ...more };
    },
    settle: (first) => {
      if (ending !== null) return;
      ending = conclude(first);
      clock.stop();
      delayMs = delay.worstMs();
      verdict.resolve();
    },
    concludeWith: (meaning) => {
      conclude = meaning;
    },
    amend: (better) => {
      ending = better;
    },
    get settled() {
      return ending !== null;
    },
    verdict: verdict.promise,
    defer: (release) => {
      releases.push(release);
    },
    atMost: (maxMs, done) => waitAtMost(Math.min(maxMs, deadlineMs - monotonicMs()), done, signal),
  };
  const fail = (error: unknown): void => self.settle(ownFault(error));
  const interrupt = (): void => self.settle({ kind: "interrupted" });
  const isAsked = () => clock.step !== null && ASKED.has(clock.step);
  const onTimeout = (stalledMs: number) =>
    self.settle(
      isAsked() || stalledMs < timeoutMs / 2 ? { kind: "timeout", timeoutMs } : stoodStill(stalledMs),
    );
  const cancelTimeout = deadline(timeoutMs, onTimeout, isAsked);
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();

  const conversation = self.settled ? Promise.resolve() : converse(self).catch(fail);
  await verdict.promise;
  cancelTimeout();
  delay.stop();
  signal.removeEventListener("abort", interrupt);
  const problems = [await unwind(releases)];
  await conversation;
  // What the conversation opened after the verdict fell.
  problems.push(await unwind(releases));
  const problem = problems.find((each) => each !== null);
  const transport = { ...evidence, packets, delayMs, ...clock.read() };
  return classify(problem ?? ending ?? ownFault("no verdict"), clock.step, transport, input.secrets);
}

/**
 * Steps in which the gateway has what it answers to. A connection that stood still before is not carried on for longer: its
 * CONNECT would go out in another second than the one whose budget it has spent.
 */
const ASKED: ReadonlySet<Step> = new Set(["connack", "suback", "puback", "roundtrip", "response"]);

function stoodStill(stalledMs: number): Ending {
  return ownFault(`this process stood still for ${(stalledMs / 1000).toFixed(1)} s`);
}

function ownFault(error: unknown): Ending {
  return { kind: "unusable", cause: "TESTER_ERROR", reason: errorMessage(error) };
}

async function unwind(releases: Release[]): Promise<Ending | null> {
  let problem: Ending | null = null;
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      await release();
    } catch (error) {
      problem = ownFault(error);
    }
  }
  return problem;
}

async function waitAtMost(ms: number, done: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  const onAbort = (): void => over.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([done, over.promise]);
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
}

/** Times consecutive phases, so that together they are the duration. */
class PhaseClock {
  readonly #startedAtMs = wallMs();
  readonly #startMs = monotonicMs();
  readonly #phasesMs: Partial<Record<Step, number>> = {};
  #since = this.#startMs;
  #step: Step | null = null;
  #stopped = false;

  /** The step it stands at, or stood at when it was stopped. */
  get step(): Step | null {
    return this.#step;
  }

  enter(step: Step | null): void {
    if (this.#stopped) return;
    this.#lap();
    this.#step = step;
  }

  stop(): void {
    this.#lap();
    this.#stopped = true;
  }

  read(): Pick<Transport, "phasesMs" | "durationMs" | "startedAtMs"> {
    const phasesMs = { ...this.#phasesMs };
    const durationMs = Object.values(phasesMs).reduce((sum, each) => sum + each, 0);
    return { phasesMs, durationMs, startedAtMs: this.#startedAtMs };
  }

  #lap(): void {
    const now = monotonicMs();
    // What was done before the first step (reading certificates) is not the gateway's time.
    if (this.#step !== null) this.#phasesMs[this.#step] ??= now - this.#since;
    this.#since = now;
  }
}
