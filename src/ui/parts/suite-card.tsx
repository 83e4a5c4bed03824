import { useState } from "preact/hooks";
import { post } from "../api.ts";
import type { SuiteState } from "../api-types.ts";
import { formatNumber, formatSpan, formatTime } from "../format.ts";
import { overviewLink, runLink } from "../route.ts";
import { answerInWords, Badge, Problem, wordOf } from "../words.tsx";
import { Rules } from "./rules.tsx";
import { RunningRun } from "./running-run.tsx";

interface SuiteCardProps {
  readonly state: SuiteState;
  readonly isShown: boolean;
  readonly nowMs: number;
  /** Something has changed. */
  readonly reload: () => void;
}

/** One suite: its decision now, how old it is, why, and what can be done. */
export function SuiteCard({ state, isShown, nowMs, reload }: SuiteCardProps) {
  const { suite, answer, rules, running, lastGo } = state;
  const [problem, setProblem] = useState<string | null>(null);
  const trigger = async () => {
    setProblem(null);
    try {
      await post("/api/v1/runs", { suite });
    } catch (error) {
      setProblem((error as Error).message);
    }
    reload();
  };
  return (
    <article
      class={`suite ${wordOf(answer.decision).tone}${isShown ? " shown" : ""}`}
      data-testid="suite-card"
      aria-label={`Suite ${suite}`}
    >
      <header>
        <h2>
          <a href={overviewLink(suite)} aria-current={isShown ? "true" : undefined}>
            {suite}
          </a>
        </h2>
        {answer.realm === null || answer.realm === "aws" ? null : (
          <span class="tag" title="A go says nothing about AWS">
            measured against {answer.realm === "emulator" ? "the emulator" : "a custom endpoint"}
          </span>
        )}
      </header>
      <p class="decision" data-testid="decision">
        <Badge of={answer.decision} />
      </p>
      <p class="plain">{answerInWords(answer)}</p>
      {running === null ? <p class="reason">{answer.reason}</p> : null}
      <p class="age">{ageOf(state, nowMs)}</p>
      {answer.override === null ? null : (
        <p class="problem">
          Overridden by {answer.override.actor}: {answer.override.reason}
        </p>
      )}
      {running === null ? null : <RunningRun runId={running} ended={reload} />}
      <Rules rules={rules} />
      <Problem text={problem} />
      <p class="actions">
        <button
          type="button"
          class="primary"
          data-testid="trigger"
          disabled={running !== null}
          onClick={() => void trigger()}
        >
          Test {suite} now
        </button>
        {answer.runId === null ? null : <a href={runLink(answer.runId)}>Its run</a>}
        {lastGo === null ? (
          <span class="quiet">never was a go</span>
        ) : (
          <a href={runLink(lastGo.runId)}>
            Last go{lastGo.decidedAt === null ? "" : ` ${formatTime(lastGo.decidedAt)}`}
          </a>
        )}
      </p>
    </article>
  );
}

function ageOf({ answer: { decidedAt, expiresAt, counts } }: SuiteState, nowMs: number): string {
  if (decidedAt === null) return "";
  const age = formatSpan((nowMs - Date.parse(decidedAt)) / 1000);
  const left = expiresAt === null ? null : (Date.parse(expiresAt) - nowMs) / 1000;
  const holds =
    left === null
      ? ""
      : left > 0
        ? `, holds for another ${formatSpan(left)}`
        : `, expired ${formatSpan(-left)} ago`;
  const checks =
    counts === null ? "" : ` · ${formatNumber(counts.pass)} of ${formatNumber(counts.planned)} checks passed`;
  return `Decided ${age} ago${holds}${checks}`;
}
