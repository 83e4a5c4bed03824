import { randomUUID } from "node:crypto";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import type { GateAnswer } from "../../model/gate-answer.ts";
import type { Reply } from "./client.ts";

export interface WaitOptions {
  readonly ask: (body: object, signal: AbortSignal) => Promise<Reply>;
  readonly timeoutMs: number;
  /** Turns an inconclusive decision into a pass, for this reason. */
  readonly passInconclusive: string | null;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  readonly patienceMs?: number;
}

export type Waited =
  | { readonly kind: "decided"; readonly answer: GateAnswer }
  | { readonly kind: "timeout"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

const POLL_MS = 2_000;
/** A daemon that is restarted resumes its run: a short absence is no answer. */
const PATIENCE_MS = 60_000;

/**
 * Asks until there is a decision. One key for all requests: a decision that was not there when the first one was sent
 * belongs to the run that it triggered or joined. A daemon that was never reached fails at once; one that answered
 * before has `patienceMs` to come back.
 */
export async function waitForDecision(options: WaitOptions): Promise<Waited> {
  const {
    ask,
    timeoutMs,
    passInconclusive,
    onProgress,
    signal,
    pollMs = POLL_MS,
    patienceMs = PATIENCE_MS,
  } = options;
  const key = `gate-${randomUUID()}`;
  const override = passInconclusive === null ? {} : { onInconclusive: "pass", reason: passInconclusive };
  const deadlineMs = monotonicMs() + timeoutMs;
  let reachedAtMs: number | null = null;
  let last = "";
  for (;;) {
    const reply = await ask({ idempotencyKey: key, ...override }, signal);
    if (reply.kind === "refused") return { kind: "failed", reason: reply.reason };
    if (reply.kind === "answer") {
      reachedAtMs = monotonicMs();
      if (reply.answer.decision !== "running") return { kind: "decided", answer: reply.answer };
      last = reply.answer.reason;
      onProgress(last);
    } else {
      last = `the daemon does not answer: ${reply.reason}`;
      if (reachedAtMs === null || monotonicMs() - reachedAtMs > patienceMs)
        return { kind: "failed", reason: last };
      onProgress(last);
    }
    if (monotonicMs() + pollMs > deadlineMs) return { kind: "timeout", reason: last };
    await sleep(pollMs, signal);
  }
}
