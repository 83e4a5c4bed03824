import { join } from "node:path";
import { expect } from "vitest";
import type { Problem } from "../../src/model/problem.ts";
import { loadConfig } from "../../src/settings/load.ts";
import { folderWith } from "./folder.ts";

/** Line, field, message. */
export type Said = readonly [number | null, string | null, string];

/** What is wrong with a file of this content; beside it lies `here.txt`, which holds no certificate. */
export async function problemsOf(
  content: string | Uint8Array,
  env: Record<string, string> = {},
): Promise<readonly Problem[]> {
  const folder = await folderWith({ "c.yaml": content, "here.txt": "text" });
  const loaded = await loadConfig(join(folder, "c.yaml"), env);
  if (loaded.kind === "loaded") return [];
  expect(new Set(loaded.problems.map((problem) => problem.file))).toEqual(new Set([join(folder, "c.yaml")]));
  return loaded.problems;
}

export async function saidOf(
  content: string | Uint8Array,
  env: Record<string, string> = {},
): Promise<readonly Said[]> {
  return (await problemsOf(content, env)).map(({ line, field, message }): Said => [line, field, message]);
}
