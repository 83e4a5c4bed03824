import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunSummary } from "../../src/model/run.ts";
import { History } from "../../src/store/history.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { run } from "../support/program.ts";

const DEVICES = 150;

let bench: Bench;
let path: string;
beforeAll(async () => {
  bench = await startBench({
    profiles: Array.from({ length: DEVICES }, (_, index) => goodDevice(index)),
    config: { store: { path: "history.db" }, suites: [{ name: "all", derived: { perCohort: 0 } }] },
  });
  path = join(bench.folder, "history.db");
});
afterAll(() => bench?.end());
afterEach(async () => {
  for (const end of ["", "-wal", "-shm"]) await rm(`${path}${end}`, { force: true });
});

function open(): History {
  const opened = History.open(path);
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}

describe("a run", () => {
  const args = () => ["run", "--config", bench.configFile];
  const reported = async () => {
    const text = await readFile(join(bench.folder, "report.json"), "utf8");
    return JSON.parse(text) as RunSummary & { readonly results: readonly unknown[] };
  };

  it("is kept, and so is who asked for it", async () => {
    expect((await run(args())).code).toBe(0);
    using history = open();
    const [kept] = history.list({ suite: "all", cursor: null, limit: 2 });
    expect(kept?.summary).toMatchObject({ decision: "go", counts: { pass: DEVICES }, notes: [] });
    expect(history.auditEntries()).toMatchObject([
      { actor: "cli", action: "trigger", detail: `suite all, run ${kept?.runId}` },
    ]);
  });

  it("beside a process that owns its store is told to ask that one", async () => {
    using _history = open();
    const { code, stdout, stderr } = await run(args());
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(path);
    expect(stderr).toContain("ask that one with `fleet-smoke gate`");
  });

  it("decides and reports every result where its store is damaged, and says so", async () => {
    await writeFile(path, "no database ".repeat(1000));
    const report = `json=${join(bench.folder, "report.json")}`;
    const { code, stderr } = await run([...args(), "--report", report]);
    expect(code).toBe(0);
    expect(stderr).toContain(`store ${path} is damaged`);
    const { decision, results } = await reported();
    expect([decision, results.length]).toEqual(["go", DEVICES]);
  });

  it("decides and reports where the disk fills up meanwhile, and says that its history is not whole", async () => {
    open()[Symbol.dispose]();
    const report = join(bench.folder, "report.md");
    const options = { maxFileKb: 90 };
    const { code, stdout, stderr } = await run([...args(), "--report", `markdown=${report}`], options);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${DEVICES} pass, 0 fail`)]);
    expect(stderr).toContain("the history cannot be written");
    for (const said of [stdout, await readFile(report, "utf8")]) {
      expect(said).toContain("the history of this run is not whole");
    }
    using history = open();
    expect(history.unfinished()).toHaveLength(1);
  });
});
