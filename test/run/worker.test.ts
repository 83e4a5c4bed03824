import { describe, expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Check } from "../../src/model/check.ts";
import type { Examined } from "../../src/model/facts.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { Result } from "../../src/model/result.ts";
import { judge, untested } from "../../src/pipeline.ts";
import { NO_MEMORY } from "../../src/run/memory.ts";
import { type WorkInput, work } from "../../src/run/worker.ts";
import {
  ACCEPTED,
  answered,
  CLOSED,
  checkOf,
  NO_SECOND_WAVE,
  NOTHING_MORE,
  predicted,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";

function examined(check: Check, outcome: Outcome, authorizer: "allowed" | "denied" = "allowed"): Examined {
  const startedAtMs = performance.now();
  return {
    facts: {
      check,
      target: targetOf(),
      context: null,
      invocation: answered(authorizer),
      prediction: predicted("allow"),
      outcome,
      ...NOTHING_MORE,
      nowMs: Date.now(),
    },
    startedAtMs,
    endedAtMs: performance.now(),
  };
}

async function* checks(...all: Check[]): AsyncGenerator<Check> {
  yield* all;
}

function numbered(count: number, expectation: "allow" | "deny" = "allow"): Check[] {
  return Array.from({ length: count }, (_, seq) => checkOf({ seq, expectation }, { id: `device-${seq}` }));
}

async function runAll(input: Partial<WorkInput> & Pick<WorkInput, "checks" | "examine">): Promise<Result[]> {
  const results: Result[] = [];
  await work({
    concurrency: new Map([["here", 4]]),
    onFault: (check) => untested(check, targetOf(), "TESTER_ERROR", "it failed"),
    judge,
    secondWave: NO_SECOND_WAVE,
    memory: NO_MEMORY,
    onResult: (result) => results.push(result),
    location: "local",
    stop: new AbortController().signal,
    abort: new AbortController().signal,
    log: createLog("silent"),
    ...input,
  });
  return results;
}

describe("the worker", () => {
  it("gives every check exactly one result and never exceeds the target's concurrency", async () => {
    let inFlight = 0;
    let most = 0;
    const results = await runAll({
      checks: checks(...numbered(200)),
      examine: async (check) => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise(setImmediate);
        inFlight -= 1;
        return examined(check, ACCEPTED);
      },
    });
    expect(results.map(({ check }) => check.seq).sort((a, b) => a - b)).toEqual(
      numbered(200).map(({ seq }) => seq),
    );
    expect(most).toBe(4);
  });

  it("turns its own failure into an inconclusive check, not a device's failure, and goes on", async () => {
    const results = await runAll({
      checks: checks(...numbered(3)),
      examine: async (check) => {
        if (check.seq === 1) throw new Error("bug");
        return examined(check, ACCEPTED);
      },
    });
    const kinds = results.toSorted((a, b) => a.check.seq - b.check.seq).map(({ verdict }) => verdict.kind);
    expect(kinds).toEqual(["pass", "inconclusive", "pass"]);
    expect(results.flatMap(({ verdict }) => verdict.causes.map(({ code }) => code))).toEqual([
      "TESTER_ERROR",
    ]);
  });

  it("starts nothing after a stop, and lets what is in flight finish", async () => {
    const stop = new AbortController();
    const results = await runAll({
      checks: checks(...numbered(100)),
      stop: stop.signal,
      examine: async (check) => {
        if (check.seq === 10) stop.abort();
        return examined(check, ACCEPTED);
      },
    });
    expect(results.length).toBeGreaterThanOrEqual(11);
    expect(results.length).toBeLessThan(20);
  });

  it("records nothing for a check given up before its connection began", async () => {
    const abort = new AbortController();
    const results = await runAll({
      checks: checks(...numbered(1)),
      abort: abort.signal,
      examine: async () => {
        abort.abort(new Error("given up"));
        throw abort.signal.reason;
      },
    });
    expect(results).toEqual([]);
  });

  it("confirms closes at the end with a device that got in, without counting it twice", async () => {
    const [good, ...refused] = numbered(4);
    if (good === undefined) throw new Error("no check");
    let connections = 0;
    const results = await runAll({
      // The healthy device comes first, so that nothing later confirms the closes by itself.
      concurrency: new Map([["here", 1]]),
      checks: checks(good, ...refused.map((check) => ({ ...check, expectation: "deny" as const }))),
      examine: async (check) => {
        connections += 1;
        return check.seq === 0 ? examined(check, ACCEPTED) : examined(check, CLOSED, "denied");
      },
    });
    expect(connections).toBe(5);
    expect(results.map(({ check, verdict }) => [check.seq, verdict.kind]).sort()).toEqual([
      [0, "pass"],
      [1, "pass"],
      [2, "pass"],
      [3, "pass"],
    ]);
  });

  it.each([
    ["the device that got in does not get in again", unreachable("TCP_REFUSED")],
    ["it is only closed again", CLOSED],
  ])("leaves closes inconclusive when %s", async (_, second) => {
    let tries = 0;
    const [good, refused] = numbered(2);
    if (good === undefined || refused === undefined) throw new Error("no check");
    const results = await runAll({
      concurrency: new Map([["here", 1]]),
      checks: checks(good, { ...refused, expectation: "deny" }),
      examine: async (check) => {
        if (check.seq === 1) return examined(check, CLOSED, "denied");
        tries += 1;
        return examined(check, tries === 1 ? ACCEPTED : second);
      },
    });
    expect(results.at(-1)?.verdict).toMatchObject({
      kind: "inconclusive",
      causes: [{ code: "GATEWAY_CLOSED_UNCONFIRMED" }],
    });
  });

  it("waits for what is in flight when the source fails, and passes the failure on", async () => {
    const results: Result[] = [];
    async function* failing(): AsyncGenerator<Check> {
      yield* numbered(2);
      throw new Error("the source changed");
    }
    const failed = runAll({
      checks: failing(),
      onResult: (result) => results.push(result),
      examine: async (check) => {
        await new Promise(setImmediate);
        return check.seq === 0 ? examined(check, ACCEPTED) : examined(check, CLOSED, "denied");
      },
    });
    await expect(failed).rejects.toThrow("the source changed");
    expect(results.map(({ verdict }) => verdict.kind)).toEqual(["pass", "inconclusive"]);
  });
});
