import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { run, start } from "../support/program.ts";

interface Report {
  readonly decision: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly agreement: readonly { readonly checks: number }[];
  readonly results: readonly {
    readonly device: string;
    readonly protocol: string;
    readonly verdict: string;
    readonly derived: string | null;
    readonly causes: readonly { readonly code: string }[];
  }[];
}

/** 2,000 devices: most are fine, some are not, over every protocol. */
function fleet(): object[] {
  return Array.from({ length: 2000 }, (_, index) => {
    const { authorizer: _a, username: _u, password: _p, ...names } = goodDevice(index);
    const signed = { ...names, authorizer: "signed", token: signedToken(`good-${index % 7}`) };
    if (index < 1500) return goodDevice(index);
    if (index < 1600) return goodDevice(index, { protocol: "wss", cohort: "gateways" });
    if (index < 1700) return { ...signed, protocol: ["mqtt", "https"], topic: "smoke/x", cohort: "gateways" };
    if (index < 1800) return goodDevice(index, { password: "wrong", expect: "deny" });
    if (index < 1900) return goodDevice(index, { password: "wrong", cohort: "valves" });
    return goodDevice(index, { cohort: "meters", identity: "device" });
  });
}

describe("a run of 2,000 profiles", () => {
  let bench: Bench;
  let report: Report;
  let metrics: string;
  let ended: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    bench = await startBench({ profiles: fleet() });
    const reports = ["--report", `json=${bench.folder}/r.json`, "--report", `metrics=${bench.folder}/r.prom`];
    ended = await run(["run", "--config", bench.configFile, ...reports]);
    report = JSON.parse(await readFile(join(bench.folder, "r.json"), "utf8")) as Report;
    metrics = await readFile(join(bench.folder, "r.prom"), "utf8");
  }, 180_000);
  afterAll(() => bench?.end());

  const ofThePlan = () => report.results.filter(({ derived }) => derived === null);

  it("gives every check exactly one result, in plan order, and derived ones after them", () => {
    const expected = fleet().flatMap((device) => {
      const { id, protocol } = device as { id: string; protocol: string | string[] };
      return [protocol].flat().map((each) => `${id} ${each}`);
    });
    expect(report.results.slice(0, expected.length)).toEqual(ofThePlan());
    expect(ofThePlan().map(({ device, protocol }) => `${device} ${protocol}`)).toEqual(expected);
    expect(report.results.length - expected.length).toBe(report.counts.derived);
    expect(report.counts.derived).toBeGreaterThan(0);
  });

  it("comes to the verdicts the fleet was made for, and exits 3", () => {
    expect(report.counts).toMatchObject({
      planned: 2100,
      checks: 2100,
      pass: 1900,
      fail: 100,
      inconclusive: 0,
      skipped: 100,
      notRun: 0,
      invalidProfiles: 0,
    });
    expect({ decision: report.decision, code: ended.code }).toEqual({ decision: "no-go", code: 3 });
    const codes = new Set(report.results.flatMap(({ causes }) => causes.slice(0, 1).map(({ code }) => code)));
    expect([...codes].sort()).toEqual(["AUTHORIZER_DENIED_EXPECTED_ALLOW", "DEVICE_IDENTITY_GUARDED"]);
  });

  it("agrees to the unit between results, counts, agreement matrix, metrics and the screen", () => {
    const verdicts = Map.groupBy(ofThePlan(), ({ verdict }) => verdict);
    for (const verdict of ["pass", "fail", "inconclusive", "skipped"]) {
      const count = verdicts.get(verdict)?.length ?? 0;
      expect(report.counts[verdict]).toBe(count);
      expect(sum(metrics, "fleet_smoke_checks_total", `verdict="${verdict}"`)).toBe(count);
    }
    expect(report.agreement.reduce((all, { checks }) => all + checks, 0)).toBe(2100);
    expect(sum(metrics, "fleet_smoke_agreement_total")).toBe(2100);
    expect(ended.stdout).toContain("1,900 pass, 100 fail");
    expect(ended.stdout).toContain("NO-GO");
  });

  it("leaves no progress bar in a log", () => {
    expect(ended.stderr).not.toContain("\r");
    expect(ended.stderr).not.toContain("\u001b");
    expect(ended.stderr).toMatch(/\d+%/);
  });
});

function sum(page: string, metric: string, label = ""): number {
  return page
    .split("\n")
    .filter((line) => line.startsWith(`${metric}{`) && line.includes(label))
    .reduce((all, line) => all + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

describe("a signal", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends a run in good order: a summary, and exit code %i", async (signal, code) => {
    const profiles = Array.from({ length: 100 }, (_, index) => goodDevice(index));
    const target = { budgets: { invokesPerSecond: 10, connectsPerSecond: 10 }, concurrency: 4 };
    const bench = await startBench({ profiles, target });
    try {
      const program = start(["run", "--config", bench.configFile]);
      await program.says(/[1-9]\d*\/100/);
      program.process.kill(signal);
      expect(await program.ended).toBe(code);
      expect(program.stdout()).toContain("INCONCLUSIVE");
      expect(program.stdout()).toMatch(/\d+ pass, 0 fail, [1-9]\d* not run/);
    } finally {
      await bench.end();
    }
  });
});

describe("exit codes of run", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench({
      profiles: [
        goodDevice(0),
        goodDevice(1, { cohort: "valves", password: "wrong" }),
        goodDevice(2, { cohort: "lost", password: "${env:FLEET_TEST_PASSWORD}" }),
      ],
    });
  });
  afterAll(() => bench?.end());
  const env = { FLEET_TEST_PASSWORD: "right" };

  it.each([
    ["0 on go", ["--cohort", "pumps"], 0, /GO/],
    ["0 when a reference resolves", ["--cohort", "lost"], 0, /GO/],
    ["3 on no-go", [], 3, /NO-GO/],
    [
      "4 when a device that was asked for is missing",
      ["--device", "device-00000", "--device", "nobody"],
      4,
      /nobody/,
    ],
    ["5 when nothing is selected", ["--cohort", "nothing"], 5, /nothing was selected/i],
    ["2 for an unknown suite", ["--suite", "nope"], 2, /unknown suite "nope"; there are: all/],
    ["2 for a sample of nothing", ["--sample", "0"], 2, /--sample: expected a number of devices/],
    ["2 for a sample of two sizes", ["--sample", "5%", "--within", "2m"], 2, /exclude each other/],
    ["0 when all of a cohort are drawn", ["--cohort", "pumps", "--sample", "100%"], 0, /GO/],
    ["2 for an unknown flag", ["--frobnicate"], 2, /frobnicate/],
    ["2 for a report kind that is none", ["--report", "pdf=x.pdf"], 2, /expected KIND=PATH/],
  ] as const)("%s", async (_, args, code, says) => {
    const ended = await run(["run", "--config", bench.configFile, ...args], { env });
    expect(ended.stdout + ended.stderr).toMatch(says);
    expect(ended.code).toBe(code);
  });

  it("2 when a secret's variable is missing at the start, named by file, line and field", async () => {
    const ended = await run(["run", "--config", bench.configFile]);
    expect(ended.stderr).toMatch(/fleet\.ndjson:3: password: .*FLEET_TEST_PASSWORD/);
    expect(ended.code).toBe(2);
  });

  it("1 when a report cannot be written", async () => {
    const args = ["--cohort", "pumps", "--report", "json=/dev/null/r.json"];
    const ended = await run(["run", "--config", bench.configFile, ...args], { env });
    expect(ended.stderr).toContain("/dev/null");
    expect(ended.code).toBe(1);
  });

  it("2 on an invalid profile; with --skip-invalid it is counted and the run is never go", async () => {
    const file = join(bench.folder, "fleet.ndjson");
    const before = await readFile(file, "utf8");
    await writeFile(file, `${before.split("\n")[0]}\n{"id":"broken","protocol":"smoke"}\n`);
    try {
      const refused = await run(["run", "--config", bench.configFile]);
      expect(refused.stderr).toMatch(/fleet\.ndjson:2: protocol: /);
      expect(refused.code).toBe(2);
      const skipped = await run(["run", "--config", bench.configFile, "--skip-invalid"]);
      expect(skipped.stdout).toMatch(/1 invalid profile/);
      expect(skipped.code).toBe(4);
    } finally {
      await writeFile(file, before);
    }
  });

  it("reads profiles from standard input", async () => {
    const config = JSON.parse(await readFile(bench.configFile, "utf8")) as object;
    const file = join(bench.folder, "stdin.yaml");
    await writeFile(file, JSON.stringify({ ...config, profiles: [{ path: "-" }] }));
    const ended = await run(["run", "--config", file], { input: `${JSON.stringify(goodDevice(7))}\n` });
    expect(ended.stdout).toMatch(/1 check/);
    expect(ended.code).toBe(0);
  });
});
