import type { Fingerprint } from "../model/fingerprint.ts";
import type { Circumstances, GateAnswer, GateAnswerInput } from "../model/gate-answer.ts";
import { REALMS, type Realm } from "../model/realm.ts";
import type { RunSummary } from "../model/run.ts";
import { changedSince } from "./fingerprint.ts";

const MAX_CAUSES = 5;

/**
 * What a consumer is told of a suite. Only a go of a finished run that is young enough and whose every circumstance is
 * still the same is `ok`; an override turns an inconclusive answer into a pass and nothing else.
 */
export function gateAnswer(input: GateAnswerInput): GateAnswer {
  const { suite, running, last, maxAgeMs, override } = input;
  if (running !== null) return underWay(suite, running);
  if (last === null) return { ...NOTHING, suite, reason: "the suite was never run" };
  const doubt = doubtOf(last, input);
  const decision = doubt === null ? (last.decision ?? "inconclusive") : "inconclusive";
  // What failed does not pass because nobody can look whether it still would.
  const overridden = decision === "inconclusive" && last.decision !== "no-go" ? override : null;
  return {
    suite,
    decision,
    ok: decision === "go" || overridden !== null,
    runId: last.runId,
    reason: doubt ?? last.reason,
    nothingSelected: doubt === null && last.gate?.nothingSelected === true,
    realm: last.fingerprint === null ? null : weakestRealm(last.fingerprint),
    decidedAt: last.decidedAt,
    expiresAt: last.decidedAt === null ? null : new Date(expiryMs(last.decidedAt, maxAgeMs)).toISOString(),
    counts: last.counts,
    causes: last.causes.slice(0, MAX_CAUSES).map(({ cause }) => cause),
    override: overridden,
  };
}

/** Why the decision of a run that has ended does not hold now; null: it does. */
export function doubtOf(
  { status, decision, decidedAt, fingerprint }: RunSummary,
  { nowMs, maxAgeMs, current }: Circumstances,
): string | null {
  if (status !== "finished") return `the last run was ${status}`;
  if (decision === null || decidedAt === null) return "the last run came to no decision";
  // A clock that was set back makes no decision younger.
  if (nowMs < Date.parse(decidedAt)) return "the clock was set back since the decision";
  const expiresAtMs = expiryMs(decidedAt, maxAgeMs);
  if (nowMs > expiresAtMs) {
    return `the decision (${decision}) expired at ${new Date(expiresAtMs).toISOString()}`;
  }
  if (fingerprint === null) return "what the last run tested is not known";
  if (current === null) return "what the decision is bound to cannot be looked at now";
  const changed = changedSince(fingerprint, current);
  return changed === null ? null : `${changed} since the decision (${decision})`;
}

function expiryMs(decidedAt: string, maxAgeMs: number): number {
  return Date.parse(decidedAt) + maxAgeMs;
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
