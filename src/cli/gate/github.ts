import { appendFile } from "node:fs/promises";
import type { GateAnswer } from "../../model/gate-answer.ts";
import { escapeMarkdown } from "../../report/markdown.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Inside a GitHub Actions step (its variables are there): outputs of the step, a summary, and one annotation for the
 * decision. Answers the annotation, which belongs on standard output; null elsewhere.
 */
export async function tellGithub(answer: GateAnswer, env: Env): Promise<string | null> {
  const { GITHUB_OUTPUT: outputs, GITHUB_STEP_SUMMARY: summary, GITHUB_ACTIONS: inside } = env;
  if (outputs) await appendFile(outputs, outputsOf(answer));
  if (summary) await appendFile(summary, summaryOf(answer));
  if (inside !== "true" || answer.decision === "go") return null;
  const title = property(`fleet-smoke ${answer.decision}: ${answer.suite}`);
  return `::${answer.ok ? "warning" : "error"} title=${title}::${data(answer.reason)}\n`;
}

function outputsOf({ decision, ok, runId, reason, counts }: GateAnswer): string {
  const judged = counts === null ? 0 : counts.pass + counts.fail;
  const values = {
    decision,
    ok: String(ok),
    "run-id": runId ?? "",
    "success-ratio": counts === null || judged === 0 ? "" : String(counts.pass / judged),
    reason,
  };
  // A line break would begin another output.
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value.replace(/[\r\n]+/g, " ")}\n`)
    .join("");
}

const SYMBOLS = { go: "✅", "no-go": "❌", inconclusive: "❔", running: "⏳" } as const;

function summaryOf({
  suite,
  decision,
  reason,
  runId,
  expiresAt,
  counts,
  causes,
  override,
}: GateAnswer): string {
  const lines = [
    `## ${SYMBOLS[decision]} ${decision}: ${escapeMarkdown(suite)}`,
    "",
    escapeMarkdown(reason),
    "",
    ...(counts === null
      ? []
      : [
          "| checks | pass | fail | inconclusive | skipped | not run |",
          "| ---: | ---: | ---: | ---: | ---: | ---: |",
          `| ${[counts.checks, counts.pass, counts.fail, counts.inconclusive, counts.skipped, counts.notRun].join(" | ")} |`,
          "",
        ]),
    ...(causes.length === 0
      ? []
      : [`Causes: ${causes.map((cause) => `\`${cause.replace(/\W/g, "")}\``).join(", ")}`, ""]),
    ...(override === null
      ? []
      : [
          `**Passed in spite of that** by ${escapeMarkdown(override.actor)}: ${escapeMarkdown(override.reason)}`,
          "",
        ]),
    `Run ${escapeMarkdown(runId ?? "none")}${expiresAt === null ? "" : `, valid until ${escapeMarkdown(expiresAt)}`}`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function data(text: string): string {
  return text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}

function property(text: string): string {
  return data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
}
