import type { Writable } from "node:stream";
import type { CauseCode } from "../model/causes.ts";
import type { ResultRecord } from "../model/result.ts";
import type { CauseGroup, RunSummary } from "../model/run.ts";
import { driftRows, latencyShifts } from "./drift.ts";
import { latencyChart, verdictChart } from "./html-charts.ts";
import { type Html, html, STYLE } from "./html-page.ts";
import { count, duration, latency, plainNumber, plural } from "./numbers.ts";
import { sampleLines } from "./sample.ts";
import { selectedText } from "./selected.ts";
import { streamText } from "./stream.ts";

/** Results that are not a pass and are listed one by one; the rest are counted, and in the JSON report. */
const MAX_LISTED = 1000;

/**
 * The run as one page that needs nothing else: no script, no request, readable in light and dark. Rejects with the
 * error of `out`.
 *
 * @param meaning one sentence on what a cause means
 */
export async function writeHtmlReport(
  out: Writable,
  summary: RunSummary,
  results: Iterable<ResultRecord>,
  meaning: (cause: CauseCode) => string,
): Promise<void> {
  await streamText(out, page(summary, results, meaning));
}

function* page(
  summary: RunSummary,
  results: Iterable<ResultRecord>,
  meaning: (cause: CauseCode) => string,
): Generator<string> {
  const { suite, decision, status, reason, runId, startedAt } = summary;
  const word = decision ?? status;
  const only = selectedText(summary.selection);
  yield html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>${word}: ${suite}</title><style>`.text;
  yield `${STYLE}</style></head><body>\n`;
  yield html`<h1><span class="${decision ?? "dim"}">${word}</span> ${suite}</h1><p>${only}</p><p>${reason}</p><p>${overview(summary)}</p><p class="dim">run ${runId}, started ${startedAt}</p>\n`
    .text;
  yield html`<h2>Cohorts</h2>${verdictChart(summary.groups)}${cohortTable(summary)}\n`.text;
  yield itemList("Sample", sampleLines(summary)).text;
  yield ruleTable(summary).text;
  yield causeList("Failures", "fail", summary, meaning).text;
  yield causeList("Inconclusive", "inconclusive", summary, meaning).text;
  yield html`<h2>Authorizer and gateway</h2>${agreementTable(summary)}\n`.text;
  yield html`<h2>Latency</h2>${latencyChart(summary.latency)}${latencyTable(summary)}\n`.text;
  yield driftList(summary).text;
  yield itemList("Notes", summary.notes).text;
  yield* resultRows(results);
  yield "</body></html>\n";
}

function overview({ counts, durationSeconds }: RunSummary): string {
  return [
    `${count(counts.checks)} of ${plural(counts.planned, "check")} in ${duration(durationSeconds)}`,
    `${count(counts.pass)} pass, ${count(counts.fail)} fail, ${count(counts.inconclusive)} inconclusive`,
    `${count(counts.skipped)} skipped, ${count(counts.notRun)} not run`,
    `${plural(counts.derived, "derived check")}, ${plural(counts.invalidProfiles, "invalid profile")}`,
  ].join("; ");
}

function cohortTable({ groups, gate }: RunSummary): Html {
  const rows = groups.map(({ cohort, target, pass, fail, inconclusive, skipped, notRun, expected }) => {
    const decision =
      gate?.groups.find((each) => each.cohort === cohort && each.target === target)?.decision ?? "";
    const numbers = [pass, fail, inconclusive, skipped, notRun, expected].map(number);
    return html`<tr><td>${cohort}</td><td>${target}</td><td class="${decision}">${decision}</td>${numbers}</tr>`;
  });
  return table(
    ["cohort", "target", "decision"],
    ["pass", "fail", "inconclusive", "skipped", "not run", "expected"],
    rows,
  );
}

function ruleTable({ gate }: RunSummary): Html {
  const rows = (gate?.rules ?? []).map(({ rule, cohort, target, met, unmetMeans, observed, threshold }) => {
    const state = met ? "met" : unmetMeans;
    const seen = observed === null ? "nothing" : plainNumber(observed);
    return html`<tr><td>${rule}</td><td>${cohort ?? "(all)"}</td><td>${target ?? ""}</td><td class="${met ? "go" : unmetMeans}">${state}</td><td class="n">${seen}</td><td class="n">${plainNumber(threshold)}</td></tr>`;
  });
  if (rows.length === 0) return html``;
  return html`<h2>Rules</h2>${table(["rule", "cohort", "target", "state"], ["observed", "threshold"], rows)}\n`;
}

function causeList(
  title: string,
  verdict: CauseGroup["verdict"],
  { causes }: RunSummary,
  meaning: (cause: CauseCode) => string,
): Html {
  const entries = causes
    .filter((group) => group.verdict === verdict)
    .map(({ cause, checks, evidence, nextStep, examples }) => {
      const devices = `${examples.join(", ")}${checks > examples.length ? ", …" : ""}`;
      return html`<dt class="${verdict}">${cause}, ${plural(checks, "check")}</dt><dd>${meaning(cause)}</dd><dd><b>evidence</b> ${evidence}</dd><dd><b>next</b> ${nextStep}</dd><dd class="dim">${devices}</dd>`;
    });
  return entries.length === 0 ? html`` : html`<h2>${title}</h2><dl>${entries}</dl>\n`;
}

function agreementTable({ agreement }: RunSummary): Html {
  const rows = agreement.map(
    ({ authorizer, gateway, checks }) =>
      html`<tr><td>${authorizer}</td><td>${gateway}</td>${number(checks)}</tr>`,
  );
  return table(["authorizer", "gateway"], ["checks"], rows);
}

function latencyTable({ latency: all }: RunSummary): Html {
  const rows = all.map(({ protocol, phase, samples, p50, p95, p99, max }) => {
    const times = [p50, p95, p99, max].map((each) => html`<td class="n">${latency(each)}</td>`);
    return html`<tr><td>${protocol}</td><td>${phase}</td>${number(samples)}${times}</tr>`;
  });
  return table(["protocol", "phase"], ["samples", "p50", "p95", "p99", "max"], rows);
}

function driftList({ drift }: RunSummary): Html {
  if (drift === null) return html``;
  const rows = driftRows(drift).map(({ what, checks, examples }) => {
    const devices = `${examples.join(", ")}${checks > examples.length ? ", …" : ""}`;
    return html`<tr><td>${what}</td><td>${devices}</td>${number(checks)}</tr>`;
  });
  const same = html`<p>no difference among checks that were tested in both runs</p>`;
  const shifts = latencyShifts(drift);
  const moved = shifts === "" ? html`` : html`<p>p95: ${shifts}</p>`;
  const changes = rows.length === 0 ? same : table(["change", "for example"], ["checks"], rows);
  return html`<h2>Since the last go, run ${drift.since}</h2>${changes}${moved}\n`;
}

function itemList(title: string, items: readonly string[]): Html {
  if (items.length === 0) return html``;
  return html`<h2>${title}</h2><ul>${items.map((item) => html`<li>${item}</li>`)}</ul>\n`;
}

/** Every check that is not a pass, as far as a page can hold them. */
function* resultRows(results: Iterable<ResultRecord>): Generator<string> {
  let found = 0;
  for (const result of results) {
    if (result.verdict === "pass") continue;
    found += 1;
    if (found > MAX_LISTED) continue;
    if (found === 1) {
      yield `<h2>Checks that did not pass</h2><div class="scroll"><table>${head(["device", "cohort", "protocol", "verdict", "cause", "evidence"], []).text}\n`;
    }
    const { device, cohort, protocol, derived, verdict, causes } = result;
    const [first] = causes;
    const how = derived === null ? protocol : `${protocol}, ${derived}`;
    yield html`<tr><td>${device}</td><td>${cohort}</td><td>${how}</td><td class="${verdict}">${verdict}</td><td>${first?.code ?? ""}</td><td>${first?.evidence ?? ""}</td></tr>\n`
      .text;
  }
  if (found > 0) yield "</table></div>\n";
  if (found > MAX_LISTED)
    yield html`<p>and ${count(found - MAX_LISTED)} more: see the JSON report</p>\n`.text;
}

function table(words: readonly string[], numbers: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table>${head(words, numbers)}${rows}</table></div>`;
}

function head(words: readonly string[], numbers: readonly string[]): Html {
  return html`<tr>${words.map((word) => html`<th>${word}</th>`)}${numbers.map((word) => html`<th class="n">${word}</th>`)}</tr>`;
}

function number(value: number): Html {
  return html`<td class="n">${count(value)}</td>`;
}
