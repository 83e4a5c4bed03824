import { describe, expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Check, DerivedKind } from "../../src/model/check.ts";
import type { Examined } from "../../src/model/facts.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { Profile } from "../../src/model/profile.ts";
import type { Result } from "../../src/model/result.ts";
import type { Variation } from "../../src/model/second-wave.ts";
import { judge, untested } from "../../src/pipeline.ts";
import { mayDerive, mayDeriveFrom } from "../../src/plan/derive.ts";
import { createDerivedLedger } from "../../src/run/derived-ledger.ts";
import { NO_MEMORY } from "../../src/run/memory.ts";
import { createPacer } from "../../src/run/pacer.ts";
import type { SecondWave, SecondWaveReport } from "../../src/run/second-wave.ts";
import { type WorkInput, work } from "../../src/run/worker.ts";
import {
  ACCEPTED,
  answered,
  CLOSED,
  checkOf,
  NO_SECOND_WAVE,
  NOTHING_MORE,
  predicted,
  REFUSED,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";
import { SimulatedTiming } from "../support/simulated-timing.ts";

const NEVER = new AbortController().signal;
const CONTEXT = { authorizer: null, tokenKey: null, secrets: [] } as const;

let clock = 0;

/** Connections take a while and come one after the other. */
function examined(check: Check, outcome: Outcome, authorizer: "allowed" | "denied" = "allowed"): Examined {
  clock += 2;
  const facts = {
    check,
    target: targetOf(),
    context: { ...CONTEXT, wire: WIRE, request: REQUEST },
    invocation: answered(authorizer),
    prediction: predicted("allow"),
    outcome,
    ...NOTHING_MORE,
    nowMs: 0,
  };
  return { facts, startedAtMs: clock, endedAtMs: clock + 1 };
}

const WIRE = {
  kind: "mqtt",
  tls: {
    serverName: "s",
    alpn: ["mqtt"],
    clientCertificate: null,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    groups: "",
  },
  connect: {
    mqttVersion: 4,
    clientId: "c",
    username: null,
    password: null,
    cleanSession: true,
    sessionExpirySeconds: 0,
    keepAliveSeconds: 60,
    will: null,
  },
} as const;
const REQUEST = { token: null, tokenSignature: null, httpContext: null, mqttContext: null, tlsContext: null };

function device(seq: number, profile: Partial<Profile> = {}, check: Partial<Check> = {}): Check {
  return checkOf({ seq, ...check }, { id: `d${seq}`, clientId: `d${seq}`, ...profile });
}

function fleet(count: number, profile: Partial<Profile> = {}): Check[] {
  return Array.from({ length: count }, (_, seq) => device(seq, profile));
}

const derivedOf =
  (...kinds: DerivedKind[]): SecondWave["derive"] =>
  async ({ facts }) =>
    kinds.map((derived) => ({ ...facts.check, expectation: "deny", derived }));

function wave(changes: Partial<SecondWave>): SecondWave {
  return {
    ...NO_SECOND_WAVE,
    perCohort: 1,
    mayDerive,
    mayDeriveFrom,
    ledger: createDerivedLedger({ now: () => 0 }),
    random: Math.random,
    ...changes,
  };
}

type Input = Partial<WorkInput> & { readonly of: readonly Check[]; readonly wave: Partial<SecondWave> };

async function runAll({
  of,
  wave: changes,
  ...input
}: Input): Promise<{ results: Result[]; report: SecondWaveReport }> {
  const results: Result[] = [];
  async function* checks(): AsyncGenerator<Check> {
    yield* of;
  }
  const report = await work({
    checks: checks(),
    concurrency: new Map([
      ["here", 4],
      ["there", 4],
    ]),
    examine: async (check) =>
      check.derived === null ? examined(check, ACCEPTED) : examined(check, REFUSED, "denied"),
    onFault: (check) => untested(check, targetOf(), "TESTER_ERROR", "it failed"),
    judge,
    secondWave: wave(changes),
    memory: NO_MEMORY,
    onResult: (result) => results.push(result),
    location: "local",
    stop: NEVER,
    abort: NEVER,
    log: createLog("silent"),
    ...input,
  });
  return { results, report };
}

const derived = (results: readonly Result[]) => results.filter(({ check }) => check.derived !== null);
const kindsOf = (results: readonly Result[]) => derived(results).map(({ check }) => check.derived);

describe("derived checks", () => {
  it("come after the plan, for each target, cohort and protocol, each kind once", async () => {
    const checks = [
      ...fleet(20),
      ...[20, 21, 22].map((seq) => device(seq, { cohort: "valves" })),
      ...[23, 24].map((seq) => device(seq, { target: "there" })),
      ...[25, 26].map((seq) => device(seq, { protocols: ["wss"] })),
    ];
    const { results, report } = await runAll({
      of: checks,
      wave: { derive: derivedOf("wrong-password", "no-authorizer") },
    });
    const groups = Map.groupBy(
      derived(results),
      ({ check: { profile, protocol } }) => `${profile.target} ${profile.cohort} ${protocol}`,
    );
    expect([...groups.keys()].sort()).toEqual([
      "here pumps mqtt",
      "here pumps wss",
      "here valves mqtt",
      "there pumps mqtt",
    ]);
    for (const group of groups.values()) {
      expect(kindsOf(group).sort()).toEqual(["no-authorizer", "wrong-password"]);
      expect(new Set(group.map(({ check }) => check.profile.id)).size).toBe(1);
    }
    const seqs = results.map(({ check }) => check.seq);
    expect(new Set(seqs).size).toBe(checks.length + 8);
    expect(Math.min(...derived(results).map(({ check }) => check.seq))).toBe(checks.length);
    expect(results.slice(0, checks.length).every(({ check }) => check.derived === null)).toBe(true);
    expect(report).toEqual({ capped: 0, isCutShort: false });
  });

  it("of one device run one after the other", async () => {
    let inFlight = 0;
    let most = 0;
    const { results } = await runAll({
      of: fleet(1),
      wave: { derive: derivedOf("wrong-password", "tampered-token", "no-authorizer") },
      examine: async (check) => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise(setImmediate);
        inFlight -= 1;
        return check.derived === null ? examined(check, ACCEPTED) : examined(check, REFUSED, "denied");
      },
    });
    expect(kindsOf(results)).toHaveLength(3);
    expect(most).toBe(1);
  });

  it("are made from nothing that did not pass, and from nothing where they are off", async () => {
    const derive = derivedOf("wrong-password");
    const failing = await runAll({
      of: fleet(3),
      wave: { derive },
      examine: async (check) => examined(check, REFUSED),
    });
    const off = await runAll({ of: fleet(3), wave: { derive, perCohort: 0 } });
    expect(derived([...failing.results, ...off.results])).toEqual([]);
  });

  it("never connect an identity twice within a second", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const connects: number[] = [];
    const running = runAll({
      of: fleet(1),
      wave: { derive: derivedOf("wrong-password", "tampered-token", "no-authorizer") },
      examine: async (check, signal) => {
        const release = await pacer.connect(targetOf(), check.profile.clientId, signal);
        connects.push(timing.now());
        release();
        return check.derived === null ? examined(check, ACCEPTED) : examined(check, REFUSED, "denied");
      },
    });
    await timing.runTo(60_000);
    await running;
    expect(connects).toHaveLength(4);
    const gaps = connects.slice(1).map((at, index) => at - (connects[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
  });

  it("spare an identity that had its share this hour, and prefer those that were used least", async () => {
    const ledger = createDerivedLedger({ now: () => 0 });
    const derive = derivedOf("wrong-password", "tampered-token", "no-authorizer");
    const chosen: (string | undefined)[] = [];
    const capped: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { results, report } = await runAll({ of: fleet(2), wave: { derive, ledger } });
      chosen.push(derived(results)[0]?.check.profile.id);
      capped.push(report.capped);
    }
    // Two devices with eight each: sixteen of eighteen.
    expect(capped).toEqual([0, 0, 0, 0, 1, 1]);
    for (const pair of [chosen.slice(0, 2), chosen.slice(2, 4), chosen.slice(4, 6)]) {
      expect(pair.toSorted()).toEqual(["d0", "d1"]);
    }
  });

  it("that are stopped say so, also when they were given up", async () => {
    const stop = new AbortController();
    const stopped = await runAll({
      of: fleet(1),
      wave: { derive: derivedOf("wrong-password", "tampered-token") },
      stop: stop.signal,
      examine: async (check) => {
        if (check.derived !== null) stop.abort();
        return check.derived === null ? examined(check, ACCEPTED) : examined(check, REFUSED, "denied");
      },
    });
    expect(kindsOf(stopped.results)).toEqual(["wrong-password"]);
    expect(stopped.report.isCutShort).toBe(true);

    const abort = new AbortController();
    const aborted = await runAll({
      of: fleet(1),
      wave: { derive: derivedOf("wrong-password") },
      abort: abort.signal,
      examine: async (check) => {
        if (check.derived === null) return examined(check, ACCEPTED);
        abort.abort(new Error("given up"));
        throw abort.signal.reason;
      },
    });
    expect(aborted).toMatchObject({ results: [{ check: { seq: 0 } }], report: { isCutShort: true } });
  });

  it("that end in a fault of ours are inconclusive, and one that cannot be made ends no run", async () => {
    const { results } = await runAll({
      of: fleet(1),
      wave: { derive: derivedOf("wrong-password") },
      examine: async (check) => {
        if (check.derived !== null) throw new Error("bug");
        return examined(check, ACCEPTED);
      },
    });
    expect(results.map(({ verdict }) => verdict.kind)).toEqual(["pass", "inconclusive"]);
    const broken = await runAll({ of: fleet(1), wave: { derive: () => Promise.reject(new Error("bug")) } });
    expect(broken.results).toHaveLength(1);
  });

  it("confirm by an explicit answer the closes that came before", async () => {
    let confirming = 0;
    const closed = device(1, {}, { expectation: "deny" });
    const { results } = await runAll({
      of: [device(0), closed],
      concurrency: new Map([["here", 1]]),
      wave: { derive: derivedOf("wrong-password") },
      examine: async (check) => {
        if (check === closed) return examined(check, CLOSED, "denied");
        if (check.derived !== null) return examined(check, REFUSED, "denied");
        confirming += 1;
        return examined(check, ACCEPTED);
      },
    });
    expect(results.map(({ verdict }) => verdict.kind)).toEqual(["pass", "pass", "pass"]);
    // Nobody had to be connected once more for it.
    expect(confirming).toBe(1);
  });

  it("without a server name say nothing about how the gateway does for others", async () => {
    const closed = device(1, {}, { expectation: "deny" });
    const { results } = await runAll({
      of: [device(0), closed],
      concurrency: new Map([["here", 1]]),
      wave: { derive: derivedOf("no-sni") },
      examine: async (check) => {
        if (check === closed) return examined(check, CLOSED, "denied");
        if (check.derived !== null) return examined(check, unreachable("GATEWAY_RESET"), "denied");
        return examined(check, ACCEPTED);
      },
    });
    const verdicts = results.map(({ check, verdict }) => [check.derived, verdict.kind]);
    expect(verdicts).toEqual([
      [null, "pass"],
      ["no-sni", "inconclusive"],
      [null, "pass"],
    ]);
  });
});

describe("second attempts", () => {
  const BOTH: readonly Variation[] = ["alpn-mqtt", "endpoint-server-name"];
  const refusing: WorkInput["examine"] = async (check) => examined(check, REFUSED);

  function attempts(answer: (variation: Variation) => Outcome, log: string[] = []): Partial<SecondWave> {
    return {
      perCohort: 0,
      variationsOf: ({ outcome }) => (outcome.kind === "refused" ? BOTH : []),
      attempt: async ({ facts }, variation) => {
        log.push(`${facts.check.profile.id} ${variation}`);
        clock += 2;
        return { outcome: answer(variation), startedAtMs: clock, endedAtMs: clock + 1 };
      },
    };
  }

  it("are made one by one, and the result comes after them, with what became of them", async () => {
    const log: string[] = [];
    const { results } = await runAll({
      of: fleet(1),
      wave: attempts(() => REFUSED, log),
      examine: refusing,
      onResult: () => log.push("result"),
    });
    expect(results).toEqual([]);
    expect(log).toEqual(["d0 alpn-mqtt", "d0 endpoint-server-name", "result"]);
  });

  it("end with the first that lets the device in", async () => {
    const { results } = await runAll({
      of: fleet(1),
      wave: attempts(() => ACCEPTED),
      examine: refusing,
    });
    expect(results[0]?.secondAttempts).toEqual([{ variation: "alpn-mqtt", outcome: ACCEPTED }]);
    expect(results[0]?.verdict.kind).toBe("fail");
  });

  it("are made for three checks of each target, cohort and protocol", async () => {
    const log: string[] = [];
    const { results } = await runAll({
      of: [...fleet(8), ...[8, 9].map((seq) => device(seq, { cohort: "valves" }))],
      wave: attempts(() => REFUSED, log),
      examine: refusing,
    });
    expect(results).toHaveLength(10);
    const tried = results.filter(({ secondAttempts }) => secondAttempts.length > 0);
    expect(tried.map(({ check }) => check.profile.cohort).sort()).toEqual([
      ...Array(3).fill("pumps"),
      ...Array(2).fill("valves"),
    ]);
    expect(log).toHaveLength(10);
  });

  it("confirm closes before them, their own device's too", async () => {
    const { results } = await runAll({
      of: fleet(1),
      wave: attempts(() => REFUSED),
      examine: async (check) => examined(check, CLOSED),
    });
    expect(results[0]?.verdict.kind).toBe("fail");
  });

  it("that are only closed leave the close as it was", async () => {
    const { results } = await runAll({
      of: fleet(1),
      wave: attempts(() => CLOSED),
      examine: async (check) => examined(check, CLOSED),
    });
    expect(results[0]?.verdict).toMatchObject({ kind: "inconclusive" });
    expect(results[0]?.secondAttempts).toHaveLength(2);
  });

  it("are not begun after a stop; the result comes all the same", async () => {
    const stop = new AbortController();
    const { results } = await runAll({
      of: fleet(2),
      wave: attempts(() => REFUSED),
      stop: stop.signal,
      examine: async (check) => {
        if (check.seq === 1) stop.abort();
        return examined(check, REFUSED);
      },
    });
    expect(results.map(({ secondAttempts }) => secondAttempts)).toEqual([[], []]);
  });

  it("that fail on our side cost no result", async () => {
    const { results } = await runAll({
      of: fleet(1),
      wave: { ...attempts(() => REFUSED), attempt: () => Promise.reject(new Error("bug")) },
      examine: refusing,
    });
    expect(results.map(({ verdict, secondAttempts }) => [verdict.kind, secondAttempts])).toEqual([
      ["fail", []],
    ]);
  });

  it("give their results although the sources fail", async () => {
    async function* failing(): AsyncGenerator<Check> {
      yield device(0);
      throw new Error("the source changed");
    }
    const results: Result[] = [];
    const failed = runAll({
      of: [],
      checks: failing(),
      wave: attempts(() => REFUSED),
      examine: refusing,
      onResult: (result) => results.push(result),
    });
    await expect(failed).rejects.toThrow("the source changed");
    expect(results).toHaveLength(1);
  });
});
