import { assertNever, UsageError } from "../lib/errors.ts";
import type { CauseCode } from "../model/causes.ts";
import type { ResultRecord } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import { writeHtmlReport } from "./html.ts";
import { writeJsonReport } from "./json.ts";
import { writeJunitReport } from "./junit.ts";
import { markdownReport } from "./markdown.ts";
import { writeMetricsTextfile } from "./metrics-textfile.ts";
import { replaceFile } from "./replace-file.ts";
import { streamText } from "./stream.ts";

export const REPORT_KINDS = ["json", "junit", "markdown", "html", "metrics"] as const;

/** Where one report goes. */
export interface ReportTarget {
  readonly kind: (typeof REPORT_KINDS)[number];
  readonly path: string;
}

/**
 * Reads `--report KIND=PATH`; the path may hold `=`.
 * @throws UsageError where it is something else.
 */
export function parseReportFlag(flag: string): ReportTarget {
  const at = flag.indexOf("=");
  const name = at === -1 ? flag : flag.slice(0, at);
  const path = at === -1 ? "" : flag.slice(at + 1);
  const kind = REPORT_KINDS.find((each) => each === name);
  if (kind === undefined || path === "") {
    throw new UsageError(
      `--report ${JSON.stringify(flag)}: expected KIND=PATH, KIND one of ${REPORT_KINDS.join(", ")}`,
    );
  }
  return { kind, path };
}

export interface ReportInput {
  readonly summary: RunSummary;
  /** In plan order; may be called more than once. */
  readonly results: () => Iterable<ResultRecord>;
  /** Gives the tester's own metrics in the text format. */
  readonly metrics: { ownPage(): Promise<{ readonly body: string }> };
  /** One sentence on what a cause means. */
  readonly meaning: (cause: CauseCode) => string;
}

/** Writes one report, whole or not at all. Rejects with the file system's error. */
export async function writeReport({ kind, path }: ReportTarget, input: ReportInput): Promise<void> {
  const { summary, results, metrics, meaning } = input;
  switch (kind) {
    case "json":
      return replaceFile(path, (out) => writeJsonReport(out, summary, results()));
    case "junit":
      return replaceFile(path, (out) => writeJunitReport(out, summary, results));
    case "markdown":
      return replaceFile(path, (out) => streamText(out, [markdownReport(summary, { meaning })]));
    case "html":
      return replaceFile(path, (out) => writeHtmlReport(out, summary, results(), meaning));
    case "metrics":
      return writeMetricsTextfile(path, (await metrics.ownPage()).body);
    default:
      assertNever(kind, "report kind");
  }
}
