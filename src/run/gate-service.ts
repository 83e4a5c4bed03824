import { wallMs } from "../lib/clock.ts";
import type { Fingerprint } from "../model/fingerprint.ts";
import type {
  Circumstances,
  GateAnswer,
  GateAnswerInput,
  GateOverride,
  GateReply,
  GateRequest,
} from "../model/gate-answer.ts";
import type { Pause } from "../model/pause.ts";
import type { RunSummary, Selection } from "../model/run.ts";
import { pauseText } from "./pause.ts";
import type { Runs } from "./runs.ts";

export interface GateServiceOptions {
  readonly runs: Pick<
    Runs,
    "isDraining" | "trigger" | "running" | "runningWhole" | "lastWhole" | "ofKey" | "rememberKey"
  >;
  /** How long a suite's decision holds. */
  readonly maxAgeMs: (suite: string) => number;
  readonly answer: (input: GateAnswerInput) => GateAnswer;
  /** Why a decision does not hold; null: it does. */
  readonly doubtOf: (last: RunSummary, circumstances: Circumstances) => string | null;
  /** What `then` was bound to, as it is now; null: could not be found out. Never throws. */
  readonly current: (then: Fingerprint) => Promise<Fingerprint | null>;
  /** While it is paused nothing is a pass: what a decision is bound to cannot be looked at. */
  readonly paused: () => Pause | null;
  /** An inconclusive decision was let pass; called once for whoever did. */
  readonly onOverride: (answer: GateAnswer) => void;
  readonly isPartial: (selection: Selection) => boolean;
  readonly audit: { note(actor: string, action: string, detail: string): void };
  readonly now?: () => number;
}

/** So old may be what a page shows that somebody leaves open: each look asks AWS about every authorizer. */
const GLANCE_MS = 30_000;

/** Overrides that were recorded lately: whoever polls with one is recorded once. */
const MAX_RECORDED = 1000;

interface Look {
  readonly runId: string;
  readonly atMs: number;
  readonly current: Fingerprint | null;
}

/**
 * Answers for suites (design 6.4). Whoever only looks (`peek`) triggers nothing; whoever asks gets the run of a known
 * key, else joins the run of the suite that is under way, else gets a decision that still holds, else triggers a run.
 */
export class GateService {
  readonly #options: GateServiceOptions;
  readonly #now: () => number;
  readonly #recorded = new Set<string>();
  /** The last look of each suite. */
  readonly #looks = new Map<string, Look>();

  constructor(options: GateServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? wallMs;
  }

  /** What the suite's newest run says, or that one is under way. */
  async peek(suite: string, override: GateOverride | null = null): Promise<GateAnswer> {
    const { runs } = this.#options;
    const last = runs.lastWhole(suite);
    const current = runs.runningWhole(suite) === null ? await this.#current(suite, last) : null;
    // One may have begun while things were looked at.
    return this.#answer({ suite, running: runs.runningWhole(suite), last, current, override });
  }

  /** As `peek`, for pages: what the decision is bound to was looked at up to half a minute ago. It lets nothing pass. */
  async glance(suite: string): Promise<GateAnswer> {
    const { runs } = this.#options;
    const last = runs.lastWhole(suite);
    const look = this.#looks.get(suite);
    const isFresh = look?.runId === last?.runId && this.#now() - (look?.atMs ?? 0) < GLANCE_MS;
    if (look === undefined || !isFresh || runs.runningWhole(suite) !== null) return this.peek(suite);
    return this.#answer({ suite, running: null, last, current: look.current, override: null });
  }

  /** @param actor who asks: a token's name */
  async ask({ suite, idempotencyKey: key, override }: GateRequest, actor: string): Promise<GateReply> {
    const { runs } = this.#options;
    const known = key === null ? null : runs.ofKey(key);
    if (known !== null) return this.#known(suite, known.run, known.selection, override);
    const held = await this.#held(suite, override);
    if (held !== null) {
      if (key !== null && held.runId !== null) runs.rememberKey(key, held.runId);
      return held;
    }
    const selection: Selection = { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 };
    const triggered = runs.trigger(selection, key, actor);
    if (triggered.kind === "busy" || triggered.kind === "draining") return triggered;
    return this.#of(suite, triggered.run, override);
  }

  /** The newest decision, where it holds and nothing of the suite is under way. */
  async #held(suite: string, override: GateOverride | null): Promise<GateAnswer | null> {
    const { runs, doubtOf } = this.#options;
    const last = runs.lastWhole(suite);
    if (last === null || runs.running(suite) !== null) return null;
    const current = await this.#current(suite, last);
    if (doubtOf(last, this.#circumstances(suite, current)) !== null || runs.running(suite) !== null)
      return null;
    return this.#answer({ suite, running: null, last, current, override });
  }

  async #known(
    suite: string,
    run: RunSummary,
    selection: Selection,
    override: GateOverride | null,
  ): Promise<GateReply> {
    const { runs, isPartial } = this.#options;
    if (selection.suite !== suite || isPartial(selection)) {
      return { kind: "busy", runId: run.runId, reason: "the key was used for another selection" };
    }
    // The next process goes on with it: no answer yet.
    if (run.status === "interrupted" && runs.isDraining) return { kind: "draining" };
    return this.#of(suite, run, override);
  }

  /** One run of the whole suite, whatever came after it. */
  async #of(suite: string, run: RunSummary, override: GateOverride | null): Promise<GateAnswer> {
    const isUnderWay = run.status === "running" || run.status === "queued";
    if (isUnderWay) return this.#answer({ suite, running: run, last: null, current: null, override });
    const current = await this.#current(suite, run);
    return this.#answer({ suite, running: null, last: run, current, override });
  }

  /** Looks at how things are now only where the decision would hold if nothing had changed. */
  async #current(suite: string, last: RunSummary | null): Promise<Fingerprint | null> {
    const then = last?.fingerprint ?? null;
    if (last === null || then === null || this.#options.paused() !== null) return null;
    const wouldHold = this.#options.doubtOf(last, this.#circumstances(suite, then)) === null;
    if (!wouldHold) return null;
    const current = await this.#options.current(then);
    this.#looks.set(suite, { runId: last.runId, atMs: this.#now(), current });
    return current;
  }

  #circumstances(suite: string, current: Fingerprint | null): Circumstances {
    return { maxAgeMs: this.#options.maxAgeMs(suite), nowMs: this.#now(), current };
  }

  #answer(input: Pick<GateAnswerInput, "suite" | "running" | "last" | "current" | "override">): GateAnswer {
    const said = this.#options.answer({ ...input, ...this.#circumstances(input.suite, input.current) });
    const pause = this.#options.paused();
    if (pause !== null) return whilePaused(said, pause);
    if (said.override !== null) this.#record(said, said.override);
    return said;
  }

  #record(answer: GateAnswer, { actor, reason }: GateOverride): void {
    const { suite, runId, reason: why } = answer;
    const key = JSON.stringify([suite, runId, actor, reason]);
    if (this.#recorded.has(key)) return;
    if (this.#recorded.size >= MAX_RECORDED) this.#recorded.clear();
    this.#recorded.add(key);
    this.#options.audit.note(actor, "override", `${suite}: ${reason} (run ${runId ?? "none"}: ${why})`);
    this.#options.onOverride(answer);
  }
}

function whilePaused(said: GateAnswer, pause: Pause): GateAnswer {
  const decision = said.decision === "running" ? "running" : "inconclusive";
  return { ...said, decision, ok: false, override: null, nothingSelected: false, reason: pauseText(pause) };
}
