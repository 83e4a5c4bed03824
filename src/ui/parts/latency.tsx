import { useMemo, useState } from "preact/hooks";
import uPlot from "uplot";
import { useLoaded } from "../api.ts";
import type { LatencyShape, Whole } from "../api-types.ts";
import { Chart } from "../chart.tsx";
import { formatNumber, formatRatio, formatSeconds } from "../format.ts";
import { runLink } from "../route.ts";
import { Panel, Problem, Scrolls } from "../words.tsx";

/** AWS gives an authorizer this long (AWS IoT Core quotas, custom authentication). */
const AUTHORIZER_LIMIT_SECONDS = 5;

/** How long each phase took over each protocol, and how near the authorizer comes to its limit. */
export function Latency({ runId, version }: { readonly runId: string; readonly version: string }) {
  const path = `/api/v1/${runLink(runId).slice(2)}/latency#${version}`;
  const { data, error } = useLoaded<Whole<LatencyShape>>(path);
  const [shown, setShown] = useState<string | null>(null);
  const items = data?.items ?? [];
  const withBuckets = items.filter(({ buckets }) => buckets.length > 0);
  const current = withBuckets.find((each) => nameOf(each) === shown) ?? withBuckets[0];
  const authorizer = items.find(({ protocol }) => protocol === "api");
  return (
    <Panel title="Latency">
      <Problem text={error} />
      {data !== null && items.length === 0 ? <p>Nothing was timed.</p> : null}
      {authorizer === undefined ? null : <AuthorizerShare row={authorizer} />}
      {items.length === 0 ? null : <PhaseTable items={items} />}
      {current === undefined ? null : (
        <>
          <p>
            <label>
              Distribution of{" "}
              <select value={nameOf(current)} onChange={(event) => setShown(event.currentTarget.value)}>
                {withBuckets.map((each) => (
                  <option key={nameOf(each)}>{nameOf(each)}</option>
                ))}
              </select>
            </label>
          </p>
          <Distribution shape={current} />
        </>
      )}
    </Panel>
  );
}

function nameOf({ protocol, phase }: LatencyShape): string {
  return protocol === "api" ? "authorizer" : `${protocol} ${phase}`;
}

function AuthorizerShare({ row }: { readonly row: LatencyShape }) {
  const share = row.p99 / AUTHORIZER_LIMIT_SECONDS;
  return (
    <p class="share">
      <label>
        The authorizer's p99, {formatSeconds(row.p99)}, takes {formatRatio(Math.min(1, share))} of the{" "}
        {AUTHORIZER_LIMIT_SECONDS} s that AWS gives it{" "}
        <meter min={0} max={1} low={0.5} high={0.8} optimum={0} value={Math.min(1, share)} />
      </label>
    </p>
  );
}

function PhaseTable({ items }: { readonly items: readonly LatencyShape[] }) {
  return (
    <Scrolls label="Latency by phase and protocol">
      <table>
        <thead>
          <tr>
            <th scope="col">Phase</th>
            {["samples", "p50", "p95", "p99", "max"].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((each) => (
            <tr key={nameOf(each)}>
              <th scope="row">{nameOf(each)}</th>
              <td class="number">{formatNumber(each.samples)}</td>
              {([each.p50, each.p95, each.p99, each.max] as const).map((value, index) => (
                <td key={["p50", "p95", "p99", "max"][index]} class="number">
                  {formatSeconds(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolls>
  );
}

function Distribution({ shape }: { readonly shape: LatencyShape }) {
  const { buckets } = shape;
  const data = useMemo<uPlot.AlignedData>(
    () => [buckets.map(({ le }) => le * 1000), buckets.map(({ count }) => count)],
    [buckets],
  );
  return (
    <Chart
      label={`Distribution of ${nameOf(shape)}: half below ${formatSeconds(shape.p50)}, 95 % below ${formatSeconds(shape.p95)}`}
      height={180}
      {...{ data, options }}
    />
  );
}

function options(colour: (name: string) => string): Omit<uPlot.Options, "width" | "height"> {
  const axis = {
    stroke: colour("quiet"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    legend: { show: false },
    // Bounds grow by a constant factor: on this scale all bars are equally wide.
    scales: { x: { time: false, distr: 3 }, y: { range: (_plot, _min, max) => [0, max * 1.1 || 1] } },
    series: [
      {},
      {
        stroke: colour("busy"),
        fill: colour("busy"),
        ...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.9, 60], align: -1 }) } : {}),
        points: { show: false },
      },
    ],
    axes: [
      { ...axis, label: "up to, ms" },
      { ...axis, label: "connections" },
    ],
  };
}
