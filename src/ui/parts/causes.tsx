import type { CauseGroup, RunSummary } from "../../model/run.ts";
import { useLoaded } from "../api.ts";
import type { CauseMeaning, Whole } from "../api-types.ts";
import { plural } from "../format.ts";
import { deviceLink, resultsLink } from "../route.ts";
import { Badge, Panel } from "../words.tsx";

/** Failures by cause: what it means, how we know, what to do. */
export function Causes({ run }: { readonly run: RunSummary }) {
  const { data } = useLoaded<Whole<CauseMeaning>>(run.causes.length === 0 ? null : "/api/v1/causes");
  const meanings = new Map(data?.items.map((each) => [each.code, each]));
  return (
    <Panel title="What is wrong">
      {run.causes.length === 0 ? (
        <p>{run.counts.checks === 0 ? "Nothing was tested." : "Nothing was found."}</p>
      ) : null}
      <ol class="causes">
        {run.causes.map((group) => (
          <Cause
            key={`${group.cause} ${group.verdict} ${group.derived ?? ""}`}
            group={group}
            runId={run.runId}
            meaning={meanings.get(group.cause) ?? null}
          />
        ))}
      </ol>
    </Panel>
  );
}

interface CauseProps {
  readonly group: CauseGroup;
  readonly runId: string;
  readonly meaning: CauseMeaning | null;
}

function Cause({ group, runId, meaning }: CauseProps) {
  const { cause, verdict, derived, checks, examples, evidence, nextStep } = group;
  return (
    <li data-testid="cause-row" data-cause={cause}>
      <p>
        <Badge of={verdict} small />{" "}
        <a href={resultsLink(runId, { cause, verdict, ...(derived && { derived }) })}>
          <strong>{plural(checks, "check")}</strong> <code>{cause}</code>
        </a>
        {meaning?.severity === "critical" ? (
          <strong class="critical"> ⚠ let in who must be kept out</strong>
        ) : null}
      </p>
      {meaning === null ? null : (
        <p>
          {meaning.meaning} <span class="quiet">Whose: {meaning.fault}.</span>
        </p>
      )}
      <p class="next">
        <strong>Next:</strong> {nextStep}
      </p>
      <p class="quiet">
        Seen: {evidence.replace(/\.$/, "")}. For example{" "}
        {examples.map((device, index) => (
          <span key={device}>
            {index === 0 ? "" : ", "}
            <a href={deviceLink(device)}>{device}</a>
          </span>
        ))}
        {meaning?.reading == null ? null : (
          <>
            {" · "}
            <a href={meaning.reading} rel="noreferrer">
              AWS about it
            </a>
          </>
        )}
      </p>
    </li>
  );
}
