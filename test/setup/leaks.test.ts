import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

/** Each fixture file holds one way to leak; this is what its report must say. */
const LEAKS: Readonly<Record<string, RegExp>> = {
  "child-process": /this test left 1 open:\s+- child process \d+\s+at .*child-process\.fixture\.ts/,
  "fake-timers": /this test left fake timers installed/,
  "file-server": /this test file left 1 open:\s+- server 127\.0\.0\.1:\d+/,
  pipe: /this test left 1 open:\s+- pipe server/,
  server: /this test left 1 open:\s+- server 127\.0\.0\.1:\d+/,
  socket: /this test left 1 open:\s+- socket 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+\s+at .*socket\.fixture\.ts/,
  timer: /this test left 1 open:\s+- timer of 60000 ms\s+at .*timer\.fixture\.ts/,
  "unref-socket": /this test file left 2 open:(\s+- socket .*(\s+at .*|\s+\(opened by Node itself\))+){2}/,
};

const FIXTURES = join(import.meta.dirname, "leak-fixtures");
const CONFIG = join(FIXTURES, "vitest.config.ts");
const VITEST = join(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");

interface FileReport {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

let files: readonly FileReport[] = [];

beforeAll(async () => {
  files = await runFixtures();
});

describe("a test that leaves something behind fails and is told what", () => {
  for (const [name, expected] of Object.entries(LEAKS)) {
    test(name, () => {
      const file = reportOf(name);
      expect(file.status).toBe("failed");
      const messages = [file.message, ...file.assertionResults.flatMap((each) => each.failureMessages)];
      expect(messages.join("\n")).toMatch(expected);
    });
  }
});

test("a test that closes what it opens passes, also with servers of the whole file", () => {
  const file = reportOf("clean");
  expect(file.assertionResults.flatMap((each) => each.failureMessages)).toEqual([]);
  expect(file.status).toBe("passed");
  expect(file.assertionResults).toHaveLength(5);
});

test("every fixture is judged here", () => {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith(".fixture.ts"));
  expect(names.map((name) => name.replace(".fixture.ts", "")).sort()).toEqual(
    [...Object.keys(LEAKS), "clean"].sort(),
  );
});

function reportOf(name: string): FileReport {
  const file = files.find((each) => each.name.endsWith(`/${name}.fixture.ts`));
  if (file === undefined) throw new Error(`no report of ${name}.fixture.ts`);
  return file;
}

/** One child vitest for all fixtures: starting it is the slow part. */
async function runFixtures(): Promise<readonly FileReport[]> {
  const folder = await mkdtemp(join(tmpdir(), "leaks-"));
  try {
    const outputFile = join(folder, "report.json");
    const args = [VITEST, "run", "--config", CONFIG, "--reporter=json", `--outputFile=${outputFile}`];
    const printed = await new Promise<string>((resolve) => {
      // It exits with 1, as the fixtures fail: the report is what counts.
      execFile(process.execPath, args, { cwd: FIXTURES, env: cleanEnvironment() }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    const report = await readFile(outputFile, "utf8").catch(() => {
      throw new Error(`the fixtures were not run:\n${printed}`);
    });
    return (JSON.parse(report) as { testResults: FileReport[] }).testResults;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Without what this vitest tells its own workers. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^VITE|^TEST$|^NODE_OPTIONS$/.test(key)),
  );
}
