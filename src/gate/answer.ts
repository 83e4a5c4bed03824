import type { Fingerprint } from "../model/fingerprint.ts";
import type { GateAnswer, GateOverride, Realm } from "../model/gate-answer.ts";
import { REALMS } from "../model/gate-answer.ts";
import type { RunSummary } from "../model/run.ts";
import { changedSince } from "./fingerprint.ts";

/** A run of the whole suite that has ended, and what its decision is bound to. */
export interface DecidedRun {
  readonly summary: RunSummary;
  readonly decidedAtMs: number;
  /** null: the run ended before it was known; its decision binds nobody. */
  readonly fingerprint: Fingerprint | null;
}

export interface GateAnswerInput {
  readonly suite: string;
  /** The run of the suite that is under way. */
  readonly running: RunSummary | null;
  /** The newest one that has ended. */
  readonly last: DecidedRun | null;
  readonly maxAgeMs: number;
  readonly nowMs: number;
  /** As things are now; null: could not be found out. */
  readonly current: Fingerprint | null;
  readonly override: GateOverride | null;
}

const MAX_CAUSES = 5;

/**
 * What a consumer is told of a suite. Only a go of a finished run that is young enough and whose every circumstance is
 * still the same is `ok`; an override turns an inconclusive answer into a pass and nothing else.
 */
export function gateAnswer(input: GateAnswerInput): GateAnswer {
  const { suite, running, last, maxAgeMs, override } = input;
  if (running !== null) return underWay(suite, running);
  if (last === null) return { ...NOTHING, suite, reason: "the suite was never run" };
  const { summary, decidedAtMs, fingerprint } = last;
  const doubt = doubtOf(last, input);
  const decision = doubt === null ? (summary.decision ?? "inconclusive") : "inconclusive";
  const overridden = decision === "inconclusive" ? override : null;
  return {
    suite,
    decision,
    ok: decision === "go" || overridden !== null,
    runId: summary.runId,
    reason: doubt ?? summary.reason,
    nothingSelected: doubt === null && summary.gate?.nothingSelected === true,
    realm: fingerprint === null ? null : weakestRealm(fingerprint),
    decidedAt: new Date(decidedAtMs).toISOString(),
    expiresAt: new Date(decidedAtMs + maxAgeMs).toISOString(),
    counts: summary.counts,
    causes: summary.causes.slice(0, MAX_CAUSES).map(({ cause }) => cause),
    override: overridden,
  };
}

/** Why the run's own decision does not hold now; null: it does. */
function doubtOf(
  { summary, decidedAtMs, fingerprint }: DecidedRun,
  { nowMs, maxAgeMs, current }: GateAnswerInput,
): string | null {
  if (summary.status !== "finished") return `the last run was ${summary.status}`;
  if (summary.decision === null) return "the last run came to no decision";
  // A clock that was set back makes no decision younger.
  if (nowMs < decidedAtMs) return "the clock was set back since the decision";
  if (nowMs - decidedAtMs > maxAgeMs) {
    return `the decision (${summary.decision}) expired at ${new Date(decidedAtMs + maxAgeMs).toISOString()}`;
  }
  if (fingerprint === null) return "what the last run tested is not known";
  if (current === null) return "what the decision is bound to cannot be looked at now";
  const changed = changedSince(fingerprint, current);
  return changed === null ? null : `${changed} since the decision (${summary.decision})`;
}

function underWay(suite: string, running: RunSummary): GateAnswer {
  const { runId, counts, status } = running;
  const done = counts.checks;
  const reason = status === "queued" ? "the run has not begun" : `${done} of ${counts.planned} checks`;
  return { ...NOTHING, suite, decision: "running", runId, reason, counts };
}

const NOTHING: GateAnswer = {
  suite: "",
  decision: "inconclusive",
  ok: false,
  runId: null,
  reason: "",
  nothingSelected: false,
  realm: null,
  decidedAt: null,
  expiresAt: null,
  counts: null,
  causes: [],
  override: null,
};

/** A run over AWS and an emulator proves as little as one over the emulator alone. */
function weakestRealm({ targets }: Fingerprint): Realm | null {
  const realms = targets.map(({ realm }) => REALMS.indexOf(realm));
  return realms.length === 0 ? null : (REALMS[Math.max(...realms)] ?? null);
}
