import { useCallback, useMemo } from "preact/hooks";
import type uPlot from "uplot";
import { useLoaded } from "../api.ts";
import type { Page, RunPoint } from "../api-types.ts";
import { Chart } from "../chart.tsx";
import { formatRatio, formatSeconds, formatTime } from "../format.ts";
import { runLink } from "../route.ts";
import { Badge, Panel, Problem, Scrolls, wordOf } from "../words.tsx";

const LAST = 200;
/** As many as fit a row of the page. */
const IN_STRIP = 40;

/** What became of the suite over time; each point opens its run. */
export function History({ suite, version }: { readonly suite: string; readonly version: string }) {
  const query = new URLSearchParams({ suite, limit: `${LAST}` });
  const { data, error } = useLoaded<Page<RunPoint>>(`/api/v1/history?${query}#${version}`);
  const points = data?.items ?? [];
  return (
    <Panel title="History" hint={`The last ${LAST} runs at most, the newest first.`}>
      <Problem text={error} />
      {data !== null && points.length === 0 ? <p>No run yet.</p> : null}
      <Strip points={points.slice(0, IN_STRIP)} />
      {points.length > 1 ? <Timeline points={points} /> : null}
      {points.length > 0 ? (
        <details>
          <summary>The same as a table</summary>
          <PointTable points={points} />
        </details>
      ) : null}
    </Panel>
  );
}

function decisionOf({ decision, status }: RunPoint): string {
  return decision ?? status;
}

function passRatio({ pass, checks }: RunPoint): number | null {
  return checks === 0 ? null : pass / checks;
}

function Strip({ points }: { readonly points: readonly RunPoint[] }) {
  return (
    <ol class="strip">
      {points.map((point) => {
        const { sign, word, tone } = wordOf(decisionOf(point));
        const ratio = passRatio(point);
        const said = `${word}, ${formatTime(point.startedAt)}${ratio === null ? "" : `, ${formatRatio(ratio)} passed`}`;
        return (
          <li key={point.runId}>
            <a class={`point ${tone}`} data-testid="history-point" href={runLink(point.runId)} title={said}>
              <span aria-hidden="true">{sign}</span>
              <span class="unseen">{said}</span>
            </a>
          </li>
        );
      })}
    </ol>
  );
}

function Timeline({ points }: { readonly points: readonly RunPoint[] }) {
  const ordered = useMemo(() => [...points].reverse(), [points]);
  const data = useMemo<uPlot.AlignedData>(
    () => [
      ordered.map(({ startedAt }) => Date.parse(startedAt) / 1000),
      ordered.map((point) => {
        const ratio = passRatio(point);
        return ratio === null ? null : ratio * 100;
      }),
      ordered.map(({ connectP95 }) => (connectP95 === null ? null : connectP95 * 1000)),
      ordered.map(({ authorizerP95 }) => (authorizerP95 === null ? null : authorizerP95 * 1000)),
    ],
    [ordered],
  );
  const pick = useCallback(
    (index: number) => {
      const point = ordered[index];
      if (point !== undefined) location.hash = runLink(point.runId);
    },
    [ordered],
  );
  return (
    <Chart
      label="Pass ratio and 95th percentiles over time; as a table below"
      height={220}
      {...{ data, options, onPick: pick }}
    />
  );
}

/** Stable, or the chart would be drawn anew each time. */
function options(colour: (name: string) => string): Omit<uPlot.Options, "width" | "height"> {
  const axis = {
    stroke: colour("quiet"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  const percent: uPlot.Scale.Range = (_plot, min, max) =>
    min === max ? [min - 1, 100.2] : [Math.max(0, min - 2), Math.max(max, 100.2)];
  return {
    scales: { percent: { range: percent }, ms: { range: (_plot, _min, max) => [0, max * 1.2 || 1] } },
    series: [
      {},
      {
        label: "passed %",
        scale: "percent",
        stroke: colour("good"),
        width: 2,
        points: { show: true, size: 6 },
      },
      { label: "connect p95 ms", scale: "ms", stroke: colour("busy"), width: 2, dash: [6, 4] },
      { label: "authorizer p95 ms", scale: "ms", stroke: colour("unsure"), width: 2, dash: [2, 3] },
    ],
    axes: [
      axis,
      { ...axis, scale: "percent", label: "passed, %" },
      { ...axis, scale: "ms", side: 1, label: "p95, ms", grid: { show: false } },
    ],
  };
}

function PointTable({ points }: { readonly points: readonly RunPoint[] }) {
  return (
    <Scrolls label="Runs as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Decision</th>
            <th scope="col" class="number">
              Passed
            </th>
            <th scope="col" class="number">
              Connect p95
            </th>
            <th scope="col" class="number">
              Authorizer p95
            </th>
          </tr>
        </thead>
        <tbody>
          {points.map((point) => {
            const ratio = passRatio(point);
            return (
              <tr key={point.runId}>
                <th scope="row">
                  <a href={runLink(point.runId)}>{formatTime(point.startedAt)}</a>
                  {point.isWhole ? "" : " (in part)"}
                </th>
                <td>
                  <Badge of={decisionOf(point)} small />
                </td>
                <td class="number">{ratio === null ? "–" : formatRatio(ratio)}</td>
                <td class="number">{point.connectP95 === null ? "–" : formatSeconds(point.connectP95)}</td>
                <td class="number">
                  {point.authorizerP95 === null ? "–" : formatSeconds(point.authorizerP95)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scrolls>
  );
}
