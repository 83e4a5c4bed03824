import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { RunStart } from "../../src/model/history.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { History } from "../../src/store/history.ts";
import { sampleSummary } from "../report/sample.ts";
import { answered, checkOf } from "../support/fixtures.ts";
import { resultOf } from "../support/results.ts";

function open(): History {
  const opened = History.open("");
  if (opened.kind !== "open") throw new Error(opened.message);
  onTestFinished(() => opened.history[Symbol.dispose]());
  return opened.history;
}

type Changes = Partial<Omit<ResultRecord, "seq">>;

function record(seq: number, device: string, changes: Changes = {}): ResultRecord {
  const check = checkOf({ seq }, { id: device });
  return { ...toRecord(resultOf({ check, invocation: answered("allowed") })), ...changes };
}

interface Kept {
  readonly decision?: "go" | "no-go" | "inconclusive";
  readonly suite?: string;
  readonly isPartial?: boolean;
}

function keep(history: History, runId: string, records: readonly ResultRecord[], kept: Kept = {}): void {
  const { decision = "go", suite = "all", isPartial = false } = kept;
  const start: RunStart = {
    runId,
    selection: { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 },
    startedAtMs: 0,
    actor: "ci",
    configChecksum: "c",
  };
  history.begin(start, { ...sampleSummary, runId, status: "running", decision: null }, isPartial);
  for (const each of records) history.record(runId, each);
  history.finish(runId, { ...sampleSummary, runId, status: "finished", decision });
}

const FAIL: Changes = { verdict: "fail" };

it("finds what changed, check by check, with a few examples", async () => {
  const history = open();
  keep(history, "before", [
    record(0, "same"),
    record(1, "breaks"),
    record(2, "still-fails", FAIL),
    record(3, "recovers", FAIL),
    record(4, "policy", { policyHash: "a" }),
    record(5, "principal", { principalId: "p1" }),
    record(6, "times", { refreshAfterSeconds: 300 }),
    record(7, "leaves"),
    record(8, "leaves", { protocol: "wss" }),
    record(9, "no-answer", { authorizer: "errored", policyHash: null }),
  ]);
  keep(history, "now", [
    record(0, "principal", { principalId: "p2" }),
    record(1, "times", { refreshAfterSeconds: 600 }),
    record(2, "policy", { policyHash: "b", cohort: "valves" }),
    record(3, "recovers"),
    record(4, "still-fails", FAIL),
    record(5, "breaks", FAIL),
    record(6, "same"),
    record(7, "new", FAIL),
    record(8, "no-answer", { policyHash: "c" }),
    // A corruption is another check than the device it was derived from.
    record(9, "same", { derived: "wrong-password", verdict: "fail", policyHash: "x" }),
  ]);
  expect(await history.compare("now", true)).toEqual({
    drift: {
      since: "before",
      newlyFailing: { checks: 2, examples: ["breaks", "new"] },
      recovered: { checks: 1, examples: ["recovers"] },
      newlyMissing: { checks: 1, examples: ["leaves"] },
      policyChanged: { checks: 1, examples: ["policy"] },
      principalIdChanged: { checks: 1, examples: ["principal"] },
      timesChanged: { checks: 1, examples: ["times"] },
    },
    groups: [
      { target: "here", cohort: "pumps", newFailures: 2, comparable: 6, policyChanges: 2 },
      { target: "here", cohort: "valves", newFailures: 0, comparable: 1, policyChanges: 1 },
    ],
  });
});

it("compares a device over each of its protocols with itself over the same one", async () => {
  const history = open();
  const wss = { protocol: "wss", policyHash: "w" } as const;
  keep(history, "before", [record(0, "d", { policyHash: "m" }), record(1, "d", wss)]);
  keep(history, "now", [record(0, "d", wss), record(1, "d", { policyHash: "m" })]);
  const compared = await history.compare("now", true);
  expect(compared?.drift.policyChanged.checks).toBe(0);
  expect(compared?.groups).toMatchObject([{ comparable: 2, policyChanges: 0 }]);
});

it("takes the newest go of the whole suite before the run, and nothing else", async () => {
  const history = open();
  keep(history, "r1", [record(0, "d")]);
  keep(history, "r2", [record(0, "d", FAIL)], { decision: "no-go" });
  keep(history, "r3", [record(0, "d")], { isPartial: true });
  keep(history, "r4", [record(0, "d")], { suite: "other" });
  keep(history, "now", [record(0, "d", FAIL)], { decision: "no-go" });
  keep(history, "later", [record(0, "d")]);
  expect((await history.compare("now", true))?.drift.since).toBe("r1");
  expect(await history.compare("r1", true)).toBeNull();
  expect(await history.compare("r4", true)).toBeNull();
  expect(await history.compare("nobody", true)).toBeNull();
});

it("calls nobody missing where not everything was run, or not the whole suite", async () => {
  const history = open();
  keep(history, "before", [record(0, "a"), record(1, "b")]);
  keep(history, "now", [record(0, "a")]);
  keep(history, "part", [record(0, "a")], { isPartial: true });
  expect((await history.compare("now", false))?.drift.newlyMissing).toBeNull();
  expect((await history.compare("part", true))?.drift.newlyMissing).toBeNull();
  expect((await history.compare("now", true))?.drift.newlyMissing?.examples).toEqual(["b"]);
});

it("leaves others their turns while it compares large runs", async () => {
  const history = open();
  const many = Array.from({ length: 5_000 }, (_, seq) => record(seq, `device-${seq}`));
  keep(history, "before", many);
  keep(
    history,
    "now",
    many.map((each) => ({ ...each, ...FAIL })),
  );
  let turns = 0;
  const turn = setInterval(() => {
    turns += 1;
  }, 0);
  const compared = await history.compare("now", true);
  clearInterval(turn);
  expect(compared?.drift.newlyFailing).toEqual({
    checks: 5_000,
    examples: ["device-0", "device-1", "device-2", "device-3", "device-4"],
  });
  expect(turns).toBeGreaterThan(1);
});

it("comes to what a comparison in memory comes to, whatever the runs hold", async () => {
  const outcome = fc.record({
    verdict: fc.constantFrom("pass" as const, "fail" as const, "inconclusive" as const),
    authorizer: fc.constantFrom("allowed" as const, "denied" as const, "errored" as const),
    policyHash: fc.constantFrom("a", "b", null),
    cohort: fc.constantFrom("pumps", "valves"),
  });
  const run = fc.dictionary(fc.constantFrom(..."abcdefgh"), outcome);
  await fc.assert(
    fc.asyncProperty(run, run, async (before, now) => {
      const history = open();
      const recordsOf = (fleet: typeof before) =>
        Object.entries(fleet).map(([device, changes], seq) => record(seq, device, changes));
      keep(history, "before", recordsOf(before));
      keep(history, "now", recordsOf(now));
      const compared = await history.compare("now", true);
      const ids = Object.keys(now);
      const count = (matches: (id: string) => boolean) => ids.filter(matches).length;
      const isAnswered = (id: string) =>
        [before[id], now[id]].every((each) => each !== undefined && each.authorizer !== "errored");
      const fails = count((id) => now[id]?.verdict === "fail" && before[id]?.verdict !== "fail");
      const changes = count((id) => isAnswered(id) && now[id]?.policyHash !== before[id]?.policyHash);
      expect(compared?.drift.newlyFailing.checks).toBe(fails);
      expect(compared?.drift.policyChanged.checks).toBe(changes);
      expect(compared?.drift.newlyMissing?.checks).toBe(
        Object.keys(before).filter((id) => now[id] === undefined).length,
      );
      const total = (field: "newFailures" | "comparable" | "policyChanges") =>
        compared?.groups.reduce((all, group) => all + group[field], 0);
      expect([total("newFailures"), total("comparable"), total("policyChanges")]).toEqual([
        fails,
        count(isAnswered),
        changes,
      ]);
    }),
    { numRuns: 60 },
  );
});
