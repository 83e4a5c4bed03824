import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** How the program was run, and what it took. */
export interface Ran {
  readonly peakBytes: number;
  /** user+sys, of the process and the workers it started, in seconds. */
  readonly cpuSeconds: number;
  /** Of standard error, `atMs` after the start. */
  readonly lines: readonly { readonly atMs: number; readonly text: string }[];
  readonly totalMs: number;
}

/** The program as it ships, its target a stub. */
export interface StubProgram {
  /** Runs a suite to its go. */
  run(configPath: string): Promise<Ran>;
}

/** Builds the program and puts the stub beside it, both as JavaScript: what strips types takes memory of its own. */
export async function buildStubProgram(folder: string): Promise<StubProgram> {
  execFileSync("npm", ["run", "-s", "build"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  const stub = join(folder, "target.mjs");
  const source = readFileSync(new URL("./target.ts", import.meta.url), "utf8");
  await writeFile(stub, stripTypeScriptTypes(source));
  const [program = "", ...rest] = imageEntrypoint();
  const [main = "", flags] = [rest.at(-1), rest.slice(0, -1)];
  const dist = join(ROOT, "dist");
  return {
    async run(configPath) {
      const peak = join(folder, "peak");
      const args = [...flags, "--import", stub, join(ROOT, main), "run", "--config", configPath];
      const startedMs = performance.now();
      const child = spawn(program === "node" ? process.execPath : program, args, {
        env: { ...process.env, BENCH_DIST: dist, BENCH_PEAK: peak, AWS_EC2_METADATA_DISABLED: "true" },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const lines: { atMs: number; text: string }[] = [];
      createInterface(child.stderr).on("line", (text) => {
        lines.push({ atMs: performance.now() - startedMs, text });
      });
      const status = await new Promise((resolve) => child.once("close", resolve));
      const totalMs = performance.now() - startedMs;
      if (status !== 0) throw new Error(`ended with ${status}: ${lines.map(({ text }) => text).join("\n")}`);
      const { peakBytes, cpuSeconds } = JSON.parse(readFileSync(peak, "utf8")) as Ran;
      return { peakBytes, cpuSeconds, lines, totalMs };
    },
  };
}

/** With the flags that the image starts it with. */
function imageEntrypoint(): string[] {
  const step = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
  return JSON.parse(step?.[1] ?? "") as string[];
}
