import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { z } from "zod";
import { errorMessage, UsageError } from "../lib/errors.ts";
import type { Json } from "../model/invocation.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { Command } from "./command.ts";
import { EXIT, type Io } from "./io.ts";

interface PolicyOptions {
  readonly documents: string;
  readonly batch: string;
}

export const policyCommand: Command<PolicyOptions> = {
  command: "policy",
  describe: "Evaluate policy documents for a batch of actions, offline",
  options: (argv) =>
    argv
      .option("documents", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "JSON: a document, an array of them, or a TestInvokeAuthorizer response",
      })
      .option("batch", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "NDJSON, one {action, resource, context} a line",
      }),
  run: answerBatch,
};

const question = z.strictObject({
  action: z.string().min(1),
  resource: z.string().min(1),
  context: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
});

async function answerBatch({ documents, batch }: PolicyOptions, io: Io): Promise<number> {
  const policies = readDocuments(await readJson(documents), documents);
  const lines = createInterface({ input: createReadStream(batch), crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      if (line.trim() === "") continue;
      io.stdout.write(`${JSON.stringify(answerLine(policies, line))}\n`);
    }
  } catch (error) {
    throw new UsageError(`${batch}: ${errorMessage(error)}`);
  }
  return EXIT.ok;
}

function answerLine(policies: readonly Json[], line: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { error: "not a JSON object" };
  }
  const asked = question.safeParse(parsed);
  if (!asked.success) return { error: z.prettifyError(asked.error).replace(/\s+/g, " ") };
  const { decision, by, document, statement } = evaluate(policies, asked.data);
  return { decision, by, document, statement };
}

/** The API's response holds its documents as JSON text (API_TestInvokeAuthorizer). */
function readDocuments(json: Json, file: string): readonly Json[] {
  if (Array.isArray(json)) return json.map((each) => parseText(each, file));
  if (typeof json === "object" && json !== null && "policyDocuments" in json) {
    const documents = (json as { readonly policyDocuments: Json }).policyDocuments;
    if (!Array.isArray(documents)) throw new UsageError(`${file}: policyDocuments: expected an array`);
    return documents.map((each: Json) => parseText(each, file));
  }
  return [parseText(json, file)];
}

function parseText(document: Json, file: string): Json {
  if (typeof document !== "string") return document;
  try {
    return JSON.parse(document) as Json;
  } catch {
    throw new UsageError(`${file}: a policy document is not JSON`);
  }
}

async function readJson(file: string): Promise<Json> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`${file}: not JSON`);
    throw new UsageError(`${file}: ${errorMessage(error)}`);
  }
}
