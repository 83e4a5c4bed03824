import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../src/lib/errors.ts";
import { toRecord } from "../../src/lib/words.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { writeMetricsTextfile } from "../../src/report/metrics-textfile.ts";
import { parseReportFlag, writeReport } from "../../src/report/write.ts";
import { resultOf } from "../support/results.ts";
import { sampleSummary } from "./sample.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const metrics = createMetrics({ version: "1", location: "local" });
const meaning = () => "It means this.";
const input = { summary: sampleSummary, results: () => [toRecord(resultOf())], metrics, meaning };

describe("--report", () => {
  it.each([
    ["json=out.json", { kind: "json", path: "out.json" }],
    ["junit=x.xml", { kind: "junit", path: "x.xml" }],
    ["metrics=/var/lib/x.prom", { kind: "metrics", path: "/var/lib/x.prom" }],
    ["json=a=b.json", { kind: "json", path: "a=b.json" }],
  ])("%s is read", (flag, target) => {
    expect(parseReportFlag(flag)).toEqual(target);
  });

  it.each(["json", "json=", "=x", "", "pdf=x", "JSON=x"])("%j is refused with what was expected", (flag) => {
    expect(() => parseReportFlag(flag)).toThrow(UsageError);
    expect(() => parseReportFlag(flag)).toThrow(
      "expected KIND=PATH, KIND one of json, junit, markdown, html, metrics",
    );
  });
});

describe("a report file", () => {
  it("of either kind is written, folders included", async () => {
    await writeReport({ kind: "json", path: join(folder, "a/b/run.json") }, input);
    await writeReport({ kind: "metrics", path: join(folder, "run.prom") }, input);
    expect(JSON.parse(await readFile(join(folder, "a/b/run.json"), "utf8")).runId).toBe(sampleSummary.runId);
    const page = await readFile(join(folder, "run.prom"), "utf8");
    expect(page).toContain("fleet_smoke_build_info");
    expect(page).not.toContain("process_cpu");
  });

  it("that fails half-way leaves the old one, and nothing beside it", async () => {
    const path = join(folder, "run.json");
    await writeFile(path, "old");
    function* broken() {
      yield toRecord(resultOf());
      throw new Error("store lost");
    }
    await expect(writeReport({ kind: "json", path }, { ...input, results: broken })).rejects.toThrow(
      "store lost",
    );
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["run.json"]);
  });

  it("is replaced as a whole: a reader of the old one keeps it", async () => {
    const path = join(folder, "run.prom");
    await writeMetricsTextfile(path, "first\n");
    const before = await stat(path);
    await writeMetricsTextfile(path, "second\n");
    expect((await stat(path)).ino).not.toBe(before.ino);
    expect(await readFile(path, "utf8")).toBe("second\n");
    expect((await stat(path)).mode & 0o444).toBe(0o444);
  });

  it("keeps a link that leads to it", async () => {
    await mkdir(join(folder, "real"));
    await writeFile(join(folder, "real/run.prom"), "old");
    await symlink(join(folder, "real/run.prom"), join(folder, "run.prom"));
    await writeMetricsTextfile(join(folder, "run.prom"), "new");
    expect(await readFile(join(folder, "real/run.prom"), "utf8")).toBe("new");
  });

  it("may be a pipe, which stays one", async () => {
    const path = join(folder, "pipe");
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    const [read] = await Promise.all([readFile(path, "utf8"), writeMetricsTextfile(path, "page")]);
    expect(read).toBe("page");
    expect((await stat(path)).isFIFO()).toBe(true);
  });

  it.each(["/proc/nowhere/deeper/run.prom", "/dev/null/run.prom"])(
    "where no folder can be made is given up, not tried for ever: %s",
    async (path) => {
      await expect(writeMetricsTextfile(path, "page")).rejects.toThrow(/ENOENT|ENOTDIR|EACCES|EPERM/);
    },
  );

  it("cannot take the place of a folder", async () => {
    await mkdir(join(folder, "taken"));
    await writeFile(join(folder, "taken/file"), "");
    await expect(writeMetricsTextfile(join(folder, "taken"), "page")).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["taken"]);
  });
});
