import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, expect, test } from "vitest";
import { type Sources, violationsOf } from "./check-imports.ts";
import { FOLDER_RULES } from "./import-rules.ts";
import { importsOf } from "./source.ts";

const ROOT = join(import.meta.dirname, "../..");
const sources = readSources();

describe("the import rule", () => {
  test("holds in every file of src/", () => {
    expect(violationsOf(sources)).toEqual([]);
  });

  test("has seen every file", () => {
    const files = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true });
    const known = files.filter((each) => each.isFile() && !/\.(css|html|svg|json)$/.test(each.name));
    expect(sources.size).toBe(known.length);
    expect(sources.size).toBeGreaterThan(50);
  });

  test("has seen every import statement that the formatter's layout shows", () => {
    for (const [file, source] of sources) {
      const shown = source.match(
        /^(?:import|export)\b[^\n;="]*\bfrom ".*";$|^\} from ".*";$|^import ".*";$/gm,
      );
      const seen = importsOf(source).filter((each) => each.form !== "dynamic");
      expect.soft(seen.length, file).toBe(shown?.length ?? 0);
    }
  });

  test("gives a reason in every row", () => {
    for (const [place, rule] of Object.entries(FOLDER_RULES)) {
      expect.soft(rule.why.length, place).toBeGreaterThan(20);
      expect.soft(Object.keys(FOLDER_RULES), place).toEqual(expect.arrayContaining([...rule.may]));
    }
  });
});

describe("every package that src/ imports is a dependency of the product", () => {
  test("so that the image without development packages starts", () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const strangers = [...sources].flatMap(([file, source]) =>
      importsOf(source)
        .map((each) => each.specifier ?? "node:")
        .filter((each) => !each.startsWith(".") && !each.startsWith("node:") && !file.startsWith("ui/"))
        .filter((each) => !Object.hasOwn(dependencies, packageName(each)))
        .map((each) => `src/${file}: ${each}`),
    );
    expect(strangers).toEqual([]);
  });
});

describe("a planted violation is caught, with file, line and reason", () => {
  const base = {
    "model/a.ts": "export type A = 1;",
    "verdict/judge.ts": "",
    "policy/keys.ts": "",
    "app.ts": "",
  };
  const planted: readonly (readonly [file: string, source: string, expected: RegExp])[] = [
    [
      "model/b.ts",
      'import type { J } from "../verdict/judge.ts";',
      /^src\/model\/b\.ts:1: imports verdict\/judge\.ts: every/,
    ],
    [
      "gate/x.ts",
      '\nimport { k } from "../policy/keys.ts";',
      /^src\/gate\/x\.ts:2: imports policy\/keys\.ts: a pure/,
    ],
    ["gateway/x.ts", 'import { k } from "../policy/keys.ts";', /stages meet only/],
    ["emulator/x.ts", 'import { j } from "../verdict/judge.ts";', /it plays AWS/],
    ["pipeline.ts", 'import { a } from "./app.ts";', /tells the story/],
    ["run/x.ts", 'import { a } from "../app.ts";', /stages meet only/],
    ["context/x.ts", 'import { readFile } from "node:fs/promises";', /imports node:fs\/promises: a pure/],
    ["context/x.ts", "export const now = Date.now();", /uses Date\.now\(: a pure folder/],
    ["run/x.ts", 'import { IoTClient } from "@aws-sdk/client-iot";', /one owner for the AWS SDK/],
    ["emulator/x.ts", 'import mqtt from "mqtt";', /MQTT\.js/],
    ["run/x.ts", 'import { WebSocket } from "ws";', /client sockets/],
    ["cli/run.ts", 'import { request } from "undici";', /client sockets have one owner/],
    ["store/x.ts", 'import { connect } from "node:net";', /a connection to the outside/],
    ["store/x.ts", 'import { connect, isIP } from "node:net";', /a connection to the outside/],
    ["store/x.ts", 'import type { Socket } from "node:net";', /a connection to the outside/],
    ["store/x.ts", 'import * as net from "node:net";', /a connection to the outside/],
    ["store/x.ts", 'await import("node:tls");', /a connection to the outside/],
    ["store/x.ts", 'await fetch("https://example.com");', /a connection to the outside/],
    ["http/x.ts", 'import { Registry } from "prom-client";', /one catalogue/],
    ["metrics/x.ts", 'import fastify from "fastify";', /one HTTP server/],
    ["run/x.ts", 'import { DatabaseSync } from "node:sqlite";', /the database/],
    ["gate/x.ts", 'import { z } from "zod";', /parsed where it comes in/],
    ["app.ts", 'import yargs from "yargs";', /argv/],
    ["gateway/x.ts", 'import { spawn } from "node:child_process";', /the only children/],
    ["app.ts", "export const home = process.env.HOME;", /^src\/app\.ts:1: uses process: only main/],
    ["app.ts", "globalThis.process.exit(1);", /only main\.ts touches/],
    ["cli/run.ts", 'import { env } from "node:process";', /arguments, not globals/],
    ["app.ts", "await import(name);", /a computed import/],
    ["app.ts", 'import { createRequire } from "node:module";', /no way around/],
    ["app.ts", 'import { x } from "../test/x.ts";', /nothing outside src/],
    ["gateway/index.ts", "", /an index file: no barrels/],
    ["gateway/x.ts", 'export * from "../model/a.ts";', /re-exports .* no barrels/],
    [
      "model/x.ts",
      'import type { Y } from "./y.ts";',
      /import cycle model\/y\.ts → model\/x\.ts → model\/y\.ts/,
    ],
    ["misc/x.ts", "", /no rule for misc/],
  ];
  for (const [file, source, expected] of planted) {
    test(`src/${file}: ${source.trim() || "(a file)"}`, () => {
      const more = { ...base, "model/y.ts": file === "model/x.ts" ? 'import type { X } from "./x.ts";' : "" };
      const found = violationsOf(new Map(Object.entries({ ...more, [file]: source })));
      expect(found.join("\n")).toMatch(expected);
    });
  }
});

describe("what the rule allows stays quiet", () => {
  const allowed: readonly (readonly [file: string, source: string])[] = [
    ["main.ts", "process.exitCode = 1;"],
    [
      "gateway/x.ts",
      'import { connect } from "node:tls"; import mqtt from "mqtt"; import { request } from "undici";',
    ],
    ["emulator/x.ts", 'import { createServer } from "node:tls"; import { WebSocketServer } from "ws";'],
    ["settings/x.ts", 'import { isIP } from "node:net"; import { z } from "zod";'],
    ["cli/gate/client.ts", 'import { request } from "undici";'],
    ["context/x.ts", 'import { sign } from "node:crypto"; export const at = new Date(0);'],
    ["app.ts", "// process.env is main's\nexport const a = { process: 1 }; a.process; 'process';"],
    ["app.ts", 'import type { A } from "./model/a.ts";'],
  ];
  for (const [file, source] of allowed) {
    test(`src/${file}: ${source}`, () => {
      expect(
        violationsOf(
          new Map([
            ["model/a.ts", ""],
            [file, source],
          ]),
        ),
      ).toEqual([]);
    });
  }
});

function readSources(): Sources {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return new Map(
    files
      .filter((file) => /\.(ts|tsx|mts|cts|js|mjs)$/.test(file))
      .map((file) => [file.split(sep).join("/"), readFileSync(join(ROOT, "src", file), "utf8")]),
  );
}

/** `@scope/name/deep` and `name/deep` without the deep part. */
function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
