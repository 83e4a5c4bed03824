import { afterEach, describe, expect, it } from "vitest";
import { App } from "../../src/app.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Result } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { loadConfig } from "../../src/settings/load.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";

/** A gateway that takes its time, so that many checks are in flight when it is killed. */
const DELAY_MS = 150;
const SLOW = { faults: [{ match: {}, kind: "delay", delayMs: DELAY_MS, probability: 1 }] };
const TIMEOUT = "2s";

let bench: Bench | null = null;
afterEach(async () => {
  await bench?.end();
  bench = null;
});

/** Runs the fleet and kills the emulator when `killAfter` results are in. */
async function runAndKill(
  profiles: readonly object[],
  killAfter: number,
): Promise<{ results: Result[]; summary: RunSummary; killedAtMs: number; lasted: number }> {
  bench = await startBench({
    profiles,
    emulator: SLOW,
    target: { timeouts: { invoke: TIMEOUT, probe: TIMEOUT }, concurrency: 20 },
  });
  const { emulator } = bench;
  const loaded = await loadConfig(bench.configFile, {});
  if (loaded.kind !== "loaded") throw new Error(JSON.stringify(loaded.problems));
  await using app = new App({
    config: loaded.config,
    env: {},
    stdin: null,
    tempFolder: bench.folder,
    version: "test",
    log: createLog("silent"),
    awsCredentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const signal = new AbortController().signal;
  const scanned = await app.scan((problem) => expect.fail(JSON.stringify(problem)), signal);
  if (scanned === null) throw new Error("no fleet");
  await using _fleet = scanned.fleet;
  const results: Result[] = [];
  let killedAtMs = Number.POSITIVE_INFINITY;
  const run = app.createRun({
    runId: "outage",
    selection: { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 },
    fleet: async () => scanned,
    onResult: (result) => {
      results.push(result);
      if (results.length !== killAfter) return;
      killedAtMs = Date.now();
      emulator.process.kill("SIGKILL");
    },
  });
  const started = performance.now();
  const summary = await run.execute();
  return { results, summary, killedAtMs, lasted: performance.now() - started };
}

/**
 * Was the connection open, or not yet begun, when the gateway was killed, and its answer not yet due? An answer that
 * was due may have been sent before the kill and be read after it: then the gateway did say it.
 */
function unansweredAt({ outcome }: Result, killedAtMs: number): boolean {
  if (outcome.kind === "skipped") return false;
  const { startedAtMs, durationMs } = outcome.transport;
  // Both clocks count whole milliseconds.
  return startedAtMs + durationMs > killedAtMs && startedAtMs + DELAY_MS - 2 > killedAtMs;
}

function isPlanned({ check }: Result): boolean {
  return check.derived === null;
}

describe("killing the gateway in the middle of a run", () => {
  it("makes the rest inconclusive, whatever it expected, and passes nothing that was in flight", async () => {
    // A close is what an expected deny would like to see: it must not be taken for a refusal.
    const profiles = Array.from({ length: 300 }, (_, index) => {
      const protocol = (["mqtt", "wss", "https"] as const)[index % 3] ?? "mqtt";
      const { clientId, username, password, ...rest } = goodDevice(index, { protocol, topic: "smoke/x" });
      if (protocol === "https") return { ...rest, headers: { "x-password": "right" } };
      const mqtt = { ...rest, clientId, username, password };
      return index % 2 === 0 ? mqtt : { ...mqtt, password: "wrong", expect: "deny" };
    });
    const { results, summary, killedAtMs } = await runAndKill(
      profiles.filter((each) => !("headers" in each)),
      40,
    );
    const [planned, derived] = [results.filter(isPlanned), results.filter((each) => !isPlanned(each))];
    expect(planned).toHaveLength(200);
    expect(new Set(results.map(({ check }) => check.seq)).size).toBe(results.length);
    // What got in before the kill is tried again with something corrupted after it: that proves nothing.
    expect(derived.filter(({ verdict }) => verdict.kind !== "inconclusive")).toEqual([]);
    const unanswered = results.filter((result) => unansweredAt(result, killedAtMs));
    expect(unanswered.length).toBeGreaterThan(20);
    expect(unanswered.filter(({ verdict }) => verdict.kind !== "inconclusive")).toEqual([]);
    // This gateway refuses with a code: every bare close is the kill's.
    const closed = results.filter(({ outcome }) => outcome.kind === "refused" && outcome.how === "closed");
    expect(closed.filter(({ verdict }) => verdict.kind !== "inconclusive")).toEqual([]);
    expect(summary.decision).toBe("inconclusive");
    expect(summary.counts).toMatchObject({ fail: 0, notRun: 0, planned: 200, checks: 200 });
  });

  it("keeps the failures that came before: the run is no-go", async () => {
    const profiles = Array.from({ length: 120 }, (_, index) =>
      goodDevice(index, index < 5 ? { password: "wrong" } : {}),
    );
    const { summary } = await runAndKill(profiles, 40);
    expect(summary.counts.fail).toBeGreaterThan(0);
    expect(summary.counts.inconclusive).toBeGreaterThan(0);
    expect(summary.decision).toBe("no-go");
  });
});
