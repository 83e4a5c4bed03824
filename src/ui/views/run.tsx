import { useCallback } from "preact/hooks";
import type { RunSummary } from "../../model/run.ts";
import { useLoaded } from "../api.ts";
import { formatNumber, formatSpan, formatTime } from "../format.ts";
import { Rules } from "../parts/rules.tsx";
import { RunPanels } from "../parts/run-panels.tsx";
import { RunningRun } from "../parts/running-run.tsx";
import { overviewLink, resultsLink, runLink } from "../route.ts";
import { Badge, Panel, Problem, Scrolls } from "../words.tsx";

const LOOK_EVERY_MS = 5_000;
const VERDICTS = ["pass", "fail", "inconclusive", "skipped"] as const;

/** One run: what it decided, why, and what it found. */
export function RunView({ runId }: { readonly runId: string }) {
  const path = `/api/v1/${runLink(runId).slice(2)}`;
  const { data: run, error, reload } = useLoaded<RunSummary>(path, LOOK_EVERY_MS);
  const ended = useCallback(() => reload(), [reload]);
  if (run === null) return error === null ? <p>Asking the daemon</p> : <Problem text={error} />;
  const isOver = run.status === "finished" || run.status === "cancelled";
  return (
    <>
      <h1>
        Run of <a href={overviewLink(run.suite)}>{run.suite}</a>
      </h1>
      <p class="decision">
        <Badge of={run.decision ?? run.status} />
      </p>
      <p class="reason">{run.reason}</p>
      <p class="age">
        {run.runId} · started {formatTime(run.startedAt)} · {formatSpan(run.durationSeconds)}
        {run.selection.cohorts === null ? "" : ` · only ${run.selection.cohorts.join(", ")}`}
        {run.selection.devices === null
          ? ""
          : ` · only ${formatNumber(run.selection.devices.length)} devices`}
        {run.sample === undefined
          ? ""
          : ` · a sample: ${formatNumber(run.sample.devices)} of ${formatNumber(run.sample.ofDevices)} devices`}
      </p>
      <p class="tally">
        {VERDICTS.map((verdict) => (
          <a key={verdict} class={`count ${verdict}`} href={resultsLink(runId, { verdict })}>
            {formatNumber(run.counts[verdict])} {verdict}
          </a>
        ))}
        <span class="count">{formatNumber(run.counts.notRun)} not run</span>
        <span class="count">{formatNumber(run.counts.invalidProfiles)} invalid profiles</span>
      </p>
      {isOver ? null : <RunningRun runId={runId} ended={ended} />}
      <Rules rules={run.gate?.rules ?? []} />
      {run.notes.length === 0 ? null : (
        <Panel title="About the run itself">
          <ul>
            {run.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Panel>
      )}
      <RunPanels run={run} />
      <Groups run={run} />
      <Preflight run={run} />
    </>
  );
}

function Groups({ run: { runId, groups, gate } }: { readonly run: RunSummary }) {
  if (groups.length === 0) return null;
  const decisionOf = (target: string, cohort: string) =>
    gate?.groups.find((each) => each.target === target && each.cohort === cohort)?.decision;
  return (
    <Panel title="Cohorts">
      <Scrolls label="Cohorts">
        <table>
          <thead>
            <tr>
              <th scope="col">Cohort</th>
              <th scope="col">Target</th>
              <th scope="col">Decision</th>
              {VERDICTS.map((verdict) => (
                <th key={verdict} scope="col" class="number">
                  {verdict}
                </th>
              ))}
              <th scope="col" class="number">
                expected
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={`${group.target} ${group.cohort}`}>
                <th scope="row">
                  <a href={resultsLink(runId, { cohort: group.cohort })}>{group.cohort}</a>
                </th>
                <td>{group.target}</td>
                <td>
                  <Badge of={decisionOf(group.target, group.cohort) ?? "running"} small />
                </td>
                {VERDICTS.map((verdict) => (
                  <td key={verdict} class="number">
                    {formatNumber(group[verdict])}
                  </td>
                ))}
                <td class="number">{formatNumber(group.expected)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </Panel>
  );
}

const STATES = { ok: "pass", problem: "fail", "not-checked": "skipped" } as const;

function Preflight({ run: { preflight } }: { readonly run: RunSummary }) {
  if (preflight.length === 0) return null;
  return (
    <Panel title="Preflight" hint="What AWS said of the target before the first check.">
      <Scrolls label="Preflight">
        <table>
          <tbody>
            {preflight.map(({ target, what, state, detail }) => (
              <tr key={`${target} ${what} ${detail}`}>
                <td>
                  <Badge of={STATES[state]} small />
                  {state === "not-checked" ? " not checked" : ""}
                </td>
                <th scope="row">
                  {what} <span class="quiet">{target}</span>
                </th>
                <td>{detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </Panel>
  );
}
