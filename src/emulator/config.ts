import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isMap, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { unreadableReason } from "../lib/bounded-file.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Problem } from "../model/problem.ts";
import { type EmulatorFile, emulatorSchema } from "./schema.ts";

export interface EmulatorConfig extends EmulatorFile {
  /** Absolute; where the file's relative paths start. */
  readonly baseFolder: string;
}

export type LoadedEmulatorConfig =
  | { readonly kind: "loaded"; readonly config: EmulatorConfig }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Reads the emulator's configuration file (YAML). Every problem comes with its line and field. */
export async function loadEmulatorConfig(file: string): Promise<LoadedEmulatorConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return invalid([{ file, line: null, field: null, message: unreadableReason(error) }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.map(({ pos, message }) => ({
        file,
        line: lines.linePos(pos[0]).line,
        field: null,
        message,
      })),
    );
  }
  let tree: unknown;
  try {
    tree = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return invalid([{ file, line: null, field: null, message: errorMessage(error) }]);
  }
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let depth = path.length; depth >= 0; depth--) {
      const parent = document.getIn(path.slice(0, depth - 1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isNode(key) && String(key) === String(path[depth - 1]))
        : undefined;
      const node = isNode(pair?.key) ? pair.key : document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  return parseEmulatorConfig(tree, dirname(resolve(file)), { file, lineOf });
}

interface Source {
  readonly file: string;
  readonly lineOf: (path: readonly PropertyKey[]) => number | null;
}

/** Checks a configuration that is already data. `baseFolder`: where its relative paths start. */
export function parseEmulatorConfig(
  tree: unknown,
  baseFolder: string,
  source: Source = { file: "(configuration)", lineOf: () => null },
): LoadedEmulatorConfig {
  const parsed = emulatorSchema.safeParse(tree);
  if (parsed.success) {
    return { kind: "loaded", config: { ...parsed.data, baseFolder: resolve(baseFolder) } };
  }
  return invalid(parsed.error.issues.flatMap((issue) => toProblems(issue, source)));
}

/** One problem an issue; unknown keys are reported one by one, at their own lines. */
function toProblems(issue: z.core.$ZodIssue, { file, lineOf }: Source): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { file, line: lineOf(path), field: fieldOf(path), message: "unknown key" };
    });
  }
  return [{ file, line: lineOf(issue.path), field: fieldOf(issue.path), message: issue.message }];
}

function fieldOf(path: readonly PropertyKey[]): string | null {
  const text = path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
  return text === "" ? null : text;
}

function invalid(problems: readonly Problem[]): LoadedEmulatorConfig {
  return { kind: "invalid", problems };
}
