import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");

/** The fenced blocks of one language, in the order of the page. */
export function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  const found = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...found].map(([, block = ""]) => block);
}

/** The only block of its language. */
export function block(page: string, language: string): string {
  const [only, ...more] = blocks(page, language);
  if (only === undefined || more.length > 0) throw new Error(`${page}: expected one block of ${language}`);
  return only;
}

/** YAML as far as the schema describes it. */
export function yaml<T>(text: string, schema: z.ZodType<T>): T {
  return schema.parse(parse(text, { strict: true, uniqueKeys: true }));
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shell that knows `fleet-smoke`; a go of the emulator counts there. */
export class Shell {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#env = env;
  }

  static async open(folder: string, env: Readonly<Record<string, string>>): Promise<Shell> {
    const bin = join(folder, "bin");
    await mkdir(bin);
    const program = `${JSON.stringify(process.execPath)} ${JSON.stringify(join(ROOT, "src/main.ts"))}`;
    const lines = [
      "#!/bin/sh",
      `[ "$1" = gate ] && shift && exec ${program} gate --require-realm any "$@"`,
      `exec ${program} "$@"`,
    ];
    await writeFile(join(bin, "fleet-smoke"), `${lines.join("\n")}\n`);
    await chmod(join(bin, "fleet-smoke"), 0o755);
    return new Shell(folder, { ...env, PATH: `${bin}:${process.env.PATH}` });
  }

  async run(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const child = spawn("bash", ["-c", script], {
      cwd: this.#folder,
      env: { ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
      });
    }
    const [code] = await once(child, "close");
    return { code: Number(code), ...texts };
  }
}

/** Every option of every `fleet-smoke COMMAND …` line, with the command. */
export function usedOptions(
  script: string,
): { readonly command: string; readonly options: readonly string[] }[] {
  const lines = script.replace(/\\\n/g, " ").split("\n");
  return lines.flatMap((line) => {
    const [, command = "", rest = ""] = /\bfleet-smoke (\w+) (--.*)/.exec(line) ?? [];
    return command === "" ? [] : [{ command, options: rest.match(/--[a-z-]+/g) ?? [] }];
  });
}

export const header = z.object({ key: z.string(), value: z.string() });
