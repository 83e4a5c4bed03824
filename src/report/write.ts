import { assertNever, NotYetAvailableError, UsageError } from "../lib/errors.ts";
import type { ResultRecord } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import { writeJsonReport } from "./json.ts";
import { writeMetricsTextfile } from "./metrics-textfile.ts";
import { replaceFile } from "./replace-file.ts";

const KINDS = ["json", "metrics"] as const;
const LATER_KINDS: readonly string[] = ["junit", "markdown", "html"];

/** Where one report goes. */
export interface ReportTarget {
  readonly kind: (typeof KINDS)[number];
  readonly path: string;
}

/**
 * Reads `--report KIND=PATH`; the path may hold `=`.
 * @throws UsageError where it is something else, NotYetAvailableError for a kind that a later version brings.
 */
export function parseReportFlag(flag: string): ReportTarget {
  const at = flag.indexOf("=");
  const name = at === -1 ? flag : flag.slice(0, at);
  const path = at === -1 ? "" : flag.slice(at + 1);
  if (LATER_KINDS.includes(name)) throw new NotYetAvailableError(`--report ${name}`);
  const kind = KINDS.find((each) => each === name);
  if (kind === undefined || path === "") {
    throw new UsageError(`--report ${JSON.stringify(flag)}: expected ${KINDS.join("=PATH or ")}=PATH`);
  }
  return { kind, path };
}

export interface ReportInput {
  readonly summary: RunSummary;
  /** In plan order; read once. */
  readonly results: Iterable<ResultRecord> | AsyncIterable<ResultRecord>;
  /** Gives the tester's own metrics in the text format. */
  readonly metrics: { ownPage(): Promise<{ readonly body: string }> };
}

/** Writes one report, whole or not at all. Rejects with the file system's error. */
export async function writeReport({ kind, path }: ReportTarget, input: ReportInput): Promise<void> {
  switch (kind) {
    case "json":
      await replaceFile(path, (out) => writeJsonReport(out, input.summary, input.results));
      return;
    case "metrics":
      await writeMetricsTextfile(path, (await input.metrics.ownPage()).body);
      return;
    default:
      assertNever(kind, "report kind");
  }
}
