import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { App } from "../../src/app.ts";
import { createLog } from "../../src/lib/log.ts";
import { DERIVED_PER_HOUR } from "../../src/lib/pacing.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import type { JsonReport } from "../../src/report/json.ts";
import { loadConfig } from "../../src/settings/load.ts";
import { History } from "../../src/store/history.ts";
import { answer, type Bench, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { run } from "../support/program.ts";

const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";

/** A domain without a default authorizer: a device that names none must stay out. */
const NO_DEFAULT = {
  domains: [
    {
      name: "iot:Data-ATS",
      serverName: ENDPOINT,
      aliases: ["localhost"],
      allowAuthorizerOverride: true,
      authenticationType: "DEFAULT",
      applicationProtocol: "DEFAULT",
      status: "ENABLED",
    },
  ],
};

function signedDevice(index: number, changes: object = {}): Record<string, unknown> {
  const { username: _u, password: _p, ...names } = goodDevice(index, { cohort: "valves" });
  return { ...names, authorizer: "signed", token: signedToken(`good-${index}`), ...changes };
}

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly report: JsonReport;
  readonly metrics: string;
  readonly derived: readonly ResultRecord[];
}

async function runOn(bench: Bench, configFile = bench.configFile): Promise<Ended> {
  const reports = ["--report", `json=${bench.folder}/r.json`, "--report", `metrics=${bench.folder}/r.prom`];
  const { code, stdout, stderr } = await run(["run", "--config", configFile, ...reports]);
  if (stdout === "") throw new Error(stderr);
  const report = JSON.parse(await readFile(join(bench.folder, "r.json"), "utf8")) as JsonReport;
  const metrics = await readFile(join(bench.folder, "r.prom"), "utf8");
  return { code, stdout, report, metrics, derived: report.results.filter((each) => each.derived !== null) };
}

/** The bench's configuration with other suites. */
async function withSuite({ folder, configFile }: Bench, suite: object): Promise<string> {
  const config = JSON.parse(await readFile(configFile, "utf8")) as object;
  const file = join(folder, `suite-${Math.random()}.yaml`);
  await writeFile(file, JSON.stringify({ ...config, suites: [{ name: "all", ...suite }] }));
  return file;
}

function kindsOf(results: readonly ResultRecord[]): string[] {
  return [...new Set(results.map(({ derived }) => derived ?? ""))].sort();
}

describe("an authorizer that lets everybody in", () => {
  let bench: Bench;
  let ended: Ended;
  beforeAll(async () => {
    const open = {
      name: "passwords",
      status: "ACTIVE",
      signingDisabled: true,
      handler: { table: [{ when: {}, answer: answer() }] },
    };
    bench = await startBench({
      profiles: [0, 1, 2, 3].map((index) => goodDevice(index)),
      emulator: { authorizers: [open] },
    });
    ended = await runOn(bench);
  });
  afterAll(() => bench?.end());

  it("is a no-go with exit code 3, although every device of the fleet passes", () => {
    expect(ended.report.counts).toMatchObject({ planned: 4, checks: 4, pass: 4, fail: 0, inconclusive: 0 });
    expect({ code: ended.code, decision: ended.report.decision }).toEqual({ code: 3, decision: "no-go" });
    expect(ended.stdout).toContain("NO-GO");
  });

  it("is told as UNEXPECTED_ACCEPT with what was corrupted: in results, on the screen, in metrics", () => {
    const [wrong] = ended.derived.filter(({ derived }) => derived === "wrong-password");
    expect(wrong).toMatchObject({ expectation: "deny", gateway: "accepted", verdict: "fail" });
    expect(wrong?.causes[0]).toMatchObject({
      code: "UNEXPECTED_ACCEPT",
      evidence: "accepted with a wrong password",
    });
    expect(ended.stdout).toMatch(/UNEXPECTED_ACCEPT {2}1 check\b/);
    expect(ended.metrics).toMatch(/check_failures_total\{[^}]*cause="UNEXPECTED_ACCEPT"[^}]*\} 1$/m);
    expect(ended.metrics).toMatch(
      /derived_checks_total\{[^}]*derived="wrong-password",verdict="fail"[^}]*\} 1$/m,
    );
  });

  it("leaves the devices' own numbers alone", () => {
    expect(ended.report.counts.derived).toBe(ended.derived.length);
    expect(ended.report.agreement).toEqual([{ authorizer: "allowed", gateway: "accepted", checks: 4 }]);
    expect(ended.report.rules).toContainEqual(
      expect.objectContaining({ rule: "minPassRatio", cohort: "pumps", observed: 1, met: true }),
    );
    expect(ended.report.rules).toContainEqual(
      expect.objectContaining({ rule: "derivedFailures", cohort: "pumps", observed: 1, met: false }),
    );
  });

  it("is no go either once the hour's derived checks are spent, by whatever process", async () => {
    const config = JSON.parse(await readFile(bench.configFile, "utf8")) as object;
    const kept = { ...bench, configFile: join(bench.folder, "kept.yaml") };
    await writeFile(kept.configFile, JSON.stringify({ ...config, store: { path: "kept.db" } }));
    expect((await runOn(kept)).code).toBe(3);

    const opened = History.open(join(bench.folder, "kept.db"));
    if (opened.kind !== "open") throw new Error(opened.message);
    {
      using history = opened.history;
      const spent = history.derivedUses.all()[0]?.identity ?? "";
      const all = [0, 1, 2, 3].map((index) =>
        spent.replace(/[^/]*$/, `client ${goodDevice(index).clientId}`),
      );
      expect(all).toContain(spent);
      for (let use = 0; use < DERIVED_PER_HOUR; use += 1) history.derivedUses.add(all, Date.now(), 0);
    }
    const { code, derived, report } = await runOn(kept);
    expect([code, derived]).toEqual([4, []]);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/^not seen denied since an earlier run saw it let in: wrong-password;/),
    );
  });

  it("goes unnoticed where derived checks are turned off, which is the suite's choice", async () => {
    const { code, derived } = await runOn(bench, await withSuite(bench, { derived: { perCohort: 0 } }));
    expect({ code, derived }).toEqual({ code: 0, derived: [] });
  });
});

describe("authorizers that look", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench({
      profiles: [
        ...[0, 1, 2].map((index) => goodDevice(index)),
        ...[10, 11, 12].map((index) => signedDevice(index)),
        signedDevice(20, { cohort: "gateways", protocol: "https", clientId: undefined, topic: "smoke/20" }),
        signedDevice(21, { cohort: "gateways", protocol: "wss" }),
        // Not to be used for derived checks: a lasting session, a live device, and one that must stay out.
        goodDevice(30, { cohort: "lasting", connect: { cleanSession: false } }),
        goodDevice(31, { cohort: "denied", password: "wrong", expect: "deny" }),
      ],
      emulator: NO_DEFAULT,
    });
  });
  afterAll(() => bench?.end());

  it("deny every corruption that applies, each by itself, and the run is a go", async () => {
    const { code, report, derived } = await runOn(bench);
    expect(derived.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    expect(report).toMatchObject({ decision: "go", counts: { checks: 10, pass: 10 } });
    expect(code).toBe(0);
    const byCohort = Map.groupBy(derived, ({ cohort, protocol }) => `${cohort} ${protocol}`);
    const kinds = [...byCohort].map(([place, results]) => [place, kindsOf(results), results.length]);
    const signed = ["no-authorizer", "tampered-signature", "tampered-token"];
    expect(kinds.sort()).toEqual([
      ["gateways https", signed, 3],
      ["gateways wss", signed, 3],
      ["pumps mqtt", ["no-authorizer", "no-sni", "wrong-password"], 3],
      ["valves mqtt", ["no-authorizer", "no-sni", "tampered-signature", "tampered-token"], 4],
    ]);
    expect(new Set(derived.map(({ device, cohort }) => `${cohort} ${device}`)).size).toBe(4);
    expect(report.results.slice(0, 10).map(({ derived: kind }) => kind)).toEqual(Array(10).fill(null));
    // The API is asked where it can see the corruption.
    const answers = new Map(derived.map(({ derived: kind, authorizer }) => [kind, authorizer]));
    expect(Object.fromEntries(answers)).toEqual({
      "wrong-password": "denied",
      "tampered-signature": "errored",
      "tampered-token": "errored",
      "no-authorizer": "denied",
      "no-sni": "skipped",
    });
  });

  it("get as many checks and kinds as the suite asks for", async () => {
    const derived = { perCohort: 2, kinds: ["tampered-token"] };
    const ended = await runOn(bench, await withSuite(bench, { cohorts: ["valves"], derived }));
    expect(ended.derived.map(({ derived: kind }) => kind)).toEqual(["tampered-token", "tampered-token"]);
    expect(new Set(ended.derived.map(({ device }) => device)).size).toBe(2);
  });

  it("are not troubled with one identity more than eight times an hour, over all runs", async () => {
    const summaries = await runTwice(
      await withSuite(bench, { cohorts: ["pumps"], derived: { perCohort: 3 } }),
    );
    expect(summaries.map(({ counts, decision }) => [counts.derived, decision])).toEqual([
      [9, "go"],
      [9, "go"],
      [6, "go"],
    ]);
    expect(summaries.map(({ notes }) => notes)).toEqual([
      [],
      [],
      ["derived checks left out: 3; an identity is connected for at most 8 of them an hour"],
    ]);
  });

  /** In one process, as the daemon does. */
  async function runTwice(configFile: string): Promise<RunSummary[]> {
    const loaded = await loadConfig(configFile, {});
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    const { signal } = new AbortController();
    await using app = new App({
      config: loaded.config,
      env: {},
      stdin: null,
      tempFolder: bench.folder,
      version: "1",
      log: createLog("silent"),
      killGroup: () => {},
      awsCredentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    const summaries: RunSummary[] = [];
    for (const runId of ["one", "two", "three"]) {
      const scanned = await app.scan(() => {}, signal);
      if (scanned === null) throw new Error("no sources");
      await using _fleet = scanned.fleet;
      const selection = { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 };
      const one = app.createRun({ runId, selection, fleet: async () => scanned, onResult: () => {} });
      summaries.push(await one.execute());
    }
    return summaries;
  }
});

describe("decoys", () => {
  const DEVICE = goodDevice(0, { topic: "smoke/device-00000" });
  const DECOY = goodDevice(9, { cohort: "decoys", topic: "smoke/device-00009" });
  const SUITE = {
    cohorts: ["pumps"],
    derived: { decoys: ["device-00009"], kinds: ["foreign-client-id", "foreign-topic"] },
  };

  /** Each device may do what `allow` says of its user name. */
  function authorizers(allow: (id: string) => readonly [action: string, resource: string][]): object {
    const row = (id: string) => ({
      when: { username: id, password: "right" },
      answer: answer({
        policyDocuments: [
          {
            Version: "2012-10-17",
            Statement: allow(id).map(([Action, resource]) => ({
              Effect: "Allow",
              Action,
              Resource: `arn:aws:iot:eu-west-1:123456789012:${resource}`,
            })),
          },
        ],
      }),
    });
    const table = ["device-00000", "device-00009"].map(row);
    return {
      authorizers: [{ name: "passwords", status: "ACTIVE", signingDisabled: true, handler: { table } }],
    };
  }

  async function outcomeWith(allow: Parameters<typeof authorizers>[0]): Promise<Ended> {
    const bench = await startBench({ profiles: [DEVICE, DECOY], emulator: authorizers(allow) });
    try {
      return await runOn(bench, await withSuite(bench, SUITE));
    } finally {
      await bench.end();
    }
  }

  it("stay out of reach where policies are bound to the device: go", async () => {
    const { code, derived } = await outcomeWith((id) => [
      ["iot:Connect", `client/${id}`],
      ["iot:Subscribe", `topicfilter/smoke/${id}`],
    ]);
    expect(derived.map(({ derived: kind, verdict }) => [kind, verdict])).toEqual([
      ["foreign-client-id", "pass"],
      ["foreign-topic", "pass"],
    ]);
    expect(code).toBe(0);
  });

  it("show a policy that lets a device take another's client id: no-go", async () => {
    const { code, derived } = await outcomeWith((id) => [
      // The variable becomes whatever client id is sent.
      ["iot:Connect", `client/$\{iot:ClientId}`],
      ["iot:Subscribe", `topicfilter/smoke/${id}`],
    ]);
    expect(derived.map(({ derived: kind, verdict }) => [kind, verdict])).toEqual([
      ["foreign-client-id", "fail"],
      ["foreign-topic", "pass"],
    ]);
    expect(derived[0]?.causes[0]).toMatchObject({
      code: "UNEXPECTED_ACCEPT",
      evidence: expect.stringContaining("client id of another device"),
    });
    expect(code).toBe(3);
  });

  it("show a policy that lets a device listen to another: no-go", async () => {
    const { code, derived } = await outcomeWith((id) => [
      ["iot:Connect", `client/${id}`],
      ["iot:Subscribe", "topicfilter/smoke/*"],
    ]);
    const [foreign] = derived.filter(({ derived: kind }) => kind === "foreign-topic");
    expect(foreign).toMatchObject({ verdict: "fail", gateway: "accepted" });
    expect(foreign?.causes[0]).toMatchObject({
      code: "UNEXPECTED_ACCEPT",
      evidence: expect.stringContaining("smoke/device-00009"),
    });
    expect(code).toBe(3);
  });
});

describe("a decoy that cannot be one", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench({
      profiles: [
        goodDevice(0),
        goodDevice(1, { identity: "device", cohort: "live" }),
        goodDevice(2),
        goodDevice(3, { clientId: "device-00002" }),
      ],
    });
  });
  afterAll(() => bench?.end());

  const REASONS = {
    nobody: /no valid profile of the sources/,
    "device-00001": /identity is `device`/,
    "device-00002": /also that of \\?"device-00003/,
  };
  const SUITE = { cohorts: ["pumps"], derived: { decoys: Object.keys(REASONS) } };

  it("is a problem for lint, with the place where it is named", async () => {
    const linted = await run(["lint", "--config", await withSuite(bench, SUITE), "--json"]);
    expect(JSON.parse(linted.stdout).problems).toEqual(
      Object.values(REASONS).map((reason, at) =>
        expect.objectContaining({
          rule: "decoy-unfit",
          field: `suites[0].derived.decoys[${at}]`,
          line: 1,
          message: expect.stringMatching(reason),
        }),
      ),
    );
    expect(linted.code).toBe(2);
  });

  it("is told by a run, which is never a go", async () => {
    const { code, report } = await runOn(bench, await withSuite(bench, SUITE));
    expect(report.notes).toEqual(Object.values(REASONS).map((reason) => expect.stringMatching(reason)));
    expect(code).toBe(4);
  });
});

describe("a device that is kept out", () => {
  it("is tried again with one thing changed, and the report says what became of it", async () => {
    const profiles = [
      goodDevice(0),
      ...[1, 2, 3, 4, 5].map((index) => goodDevice(index, { cohort: "valves", tls: { alpn: [] } })),
      goodDevice(6, { cohort: "wrong", password: "wrong" }),
      goodDevice(7, { cohort: "lasting", password: "wrong", connect: { cleanSession: false } }),
    ];
    const bench = await startBench({ profiles });
    try {
      const { report, code } = await runOn(bench, await withSuite(bench, { derived: { perCohort: 0 } }));
      const attempts = report.results.map(({ secondAttempts }) =>
        secondAttempts.map(({ variation, gateway }) => `${variation}: ${gateway}`),
      );
      expect(attempts.filter((each) => each.length > 0)).toEqual([
        ["alpn-mqtt: accepted"],
        ["alpn-mqtt: accepted"],
        ["alpn-mqtt: accepted"],
        ["clean-session-no-will: refused"],
      ]);
      const valves = report.results.filter(({ cohort }) => cohort === "valves");
      expect(valves.map(({ verdict, causes }) => [verdict, causes[0]?.code])).toEqual(
        Array(5).fill(["fail", "ALPN_MISSING"]),
      );
      expect(report.counts).toMatchObject({ checks: 8, pass: 1, fail: 7 });
      expect(code).toBe(3);
    } finally {
      await bench.end();
    }
  });
});
