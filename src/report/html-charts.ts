import type { GroupTally } from "../model/gate.ts";
import type { LatencyRow } from "../model/run.ts";
import { Html, html } from "./html-page.ts";
import { count, latency } from "./numbers.ts";
import { ellipsize } from "./text.ts";

const WIDTH = 1000;
const LABELS = 220;
const ROW = 26;
const BAR = 16;
/** Rows beyond these are in the tables only. */
const MAX_ROWS = 40;

const PARTS = [
  ["pass", "pass"],
  ["fail", "fail"],
  ["inconclusive", "inconclusive"],
  ["skipped", "skipped"],
  ["notRun", "not-run"],
] as const;

/** One bar a cohort, all of the same length: the parts of its checks. */
export function verdictChart(groups: readonly GroupTally[]): Html {
  const rows = groups.slice(0, MAX_ROWS).map((group, at) => {
    const all = PARTS.reduce((sum, [field]) => sum + group[field], 0);
    let x = LABELS;
    const bars = PARTS.flatMap(([field, color]) => {
      const value = group[field];
      if (value === 0) return [];
      const width = (value / all) * (WIDTH - LABELS);
      const bar = html`<rect x="${x.toFixed(1)}" y="${at * ROW}" width="${width.toFixed(1)}" height="${BAR}" fill="var(--${color})"><title>${count(value)} ${color.replace("-", " ")}</title></rect>`;
      x += width;
      return [bar];
    });
    const label = ellipsize(`${group.cohort} ${group.target}`, 30);
    return html`<text x="0" y="${at * ROW + 13}">${label}</text>${bars}`;
  });
  const words = groups
    .slice(0, MAX_ROWS)
    .map(
      ({ cohort, pass, fail, inconclusive }) =>
        `${cohort}: ${pass} pass, ${fail} fail, ${inconclusive} inconclusive`,
    );
  return chart(rows, `Verdicts by cohort. ${words.join(". ")}`);
}

/** One line a phase: from the median to the 99th percentile, the 95th marked, on a logarithmic scale. */
export function latencyChart(rows: readonly LatencyRow[]): Html {
  const shown = rows.filter(({ p99 }) => p99 > 0).slice(0, MAX_ROWS);
  if (shown.length === 0) return new Html("");
  const least = Math.max(1e-6, Math.min(...shown.map(({ p50 }) => Math.max(p50, 1e-6))));
  const most = Math.max(...shown.map(({ p99 }) => p99), least * 10);
  const place = (seconds: number) =>
    LABELS + (Math.log(Math.max(seconds, least) / least) / Math.log(most / least)) * (WIDTH - LABELS - 110);
  const lines = shown.map(({ protocol, phase, p50, p95, p99 }, at) => {
    const y = at * ROW + BAR / 2;
    const [from, mark, to] = [p50, p95, p99].map((each) => place(each).toFixed(1)) as [
      string,
      string,
      string,
    ];
    return html`<text x="0" y="${at * ROW + 13}">${protocol} ${phase}</text><line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="var(--pass)" stroke-width="6"><title>p50 ${latency(p50)}, p95 ${latency(p95)}, p99 ${latency(p99)}</title></line><circle cx="${mark}" cy="${y}" r="5" fill="var(--fail)"/><text x="${Number(to) + 8}" y="${at * ROW + 13}">${latency(p99)}</text>`;
  });
  const words = shown.map(
    ({ protocol, phase, p50, p95, p99 }) =>
      `${protocol} ${phase}: ${[p50, p95, p99].map(latency).join(", ")}`,
  );
  return chart(
    lines,
    `Latency: median to 99th percentile, the 95th marked, on a logarithmic scale. ${words.join(". ")}`,
  );
}

function chart(rows: readonly Html[], description: string): Html {
  return html`<svg viewBox="0 0 ${WIDTH} ${rows.length * ROW}" role="img" aria-label="${description}">${rows}</svg>`;
}
