import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Check } from "../../src/model/check.ts";
import type { Examined } from "../../src/model/facts.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { Profile } from "../../src/model/profile.ts";
import type { JudgedCheck } from "../../src/model/result.ts";
import { Secret } from "../../src/model/secret.ts";
import type { Shard, ShardEnd, ShardReport } from "../../src/model/shard.ts";
import { judge, untested } from "../../src/pipeline.ts";
import { mayDerive, mayDeriveFrom } from "../../src/plan/derive.ts";
import { createDerivedLedger } from "../../src/run/derived-ledger.ts";
import { Places } from "../../src/run/lanes.ts";
import { NO_MEMORY } from "../../src/run/memory.ts";
import type { SecondWave } from "../../src/run/second-wave.ts";
import { type Distribution, distribute } from "../../src/run/shards/coordinator.ts";
import { cut } from "../../src/run/shards/cut.ts";
import { InProcessQueue } from "../../src/run/shards/in-process-queue.ts";
import { ProfileLookup } from "../../src/run/shards/lookup.ts";
import type { ShardQueue } from "../../src/run/shards/queue.ts";
import type { RunnerPorts } from "../../src/run/shards/runner.ts";
import { inProcess } from "../../src/run/work.ts";
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

const TARGETS = new Map([["here", targetOf()]]);
const CONCURRENCY = new Map([["here", 4]]);
const NEVER = new AbortController().signal;
const LOG = createLog("silent");
const BASE = { runId: "run", suite: "all", files: [], configChecksum: "c" };

function device(seq: number, profile: Partial<Profile> = {}, check: Partial<Check> = {}): Check {
  return checkOf({ seq, ...check }, { id: `d${seq}`, clientId: `d${seq}`, ...profile });
}

async function* stream(checks: readonly Check[]): AsyncGenerator<Check> {
  yield* checks;
}

const CONTEXT: Examined["facts"]["context"] = {
  ...{ authorizer: null, tokenKey: null, secrets: [] },
  request: { token: null, tokenSignature: null, httpContext: null, mqttContext: null, tlsContext: null },
  wire: {
    kind: "mqtt",
    tls: {
      ...{ serverName: targetOf().endpoint, alpn: ["mqtt"], clientCertificate: null, groups: "" },
      ...{ minVersion: "TLSv1.2", maxVersion: "TLSv1.3" },
    },
    connect: {
      ...{ mqttVersion: 4, clientId: "c", username: null, password: null, cleanSession: true },
      ...{ sessionExpirySeconds: 0, keepAliveSeconds: 60, will: null },
    },
  },
};

/** What becomes of a device is told by its number. */
function outcomeOf({ seq, derived }: Check): Outcome {
  if (derived !== null) return REFUSED;
  switch (seq % 10) {
    case 1:
      return REFUSED;
    case 3:
      return CLOSED;
    case 5:
      return unreachable("GATEWAY_TIMEOUT");
    default:
      return ACCEPTED;
  }
}

async function examine(check: Check): Promise<Examined> {
  const startedAtMs = performance.now();
  await new Promise(setImmediate);
  if (check.seq % 10 === 7 && check.derived === null) throw new Error("bug");
  const facts = {
    check,
    target: targetOf(),
    context: CONTEXT,
    invocation: answered(check.derived === null ? "allowed" : "denied"),
    prediction: predicted("allow"),
    outcome: outcomeOf(check),
    ...NOTHING_MORE,
    nowMs: 0,
  };
  return { facts, startedAtMs, endedAtMs: performance.now() };
}

const PARTS = {
  examine,
  onFault: (check: Check) => untested(check, targetOf(), "TESTER_ERROR", "it failed"),
  judge,
  location: "local",
  log: LOG,
};

function wave(changes: Partial<SecondWave> = {}): SecondWave {
  return {
    ...NO_SECOND_WAVE,
    perCohort: 2,
    mayDerive,
    mayDeriveFrom,
    derive: async ({ facts }) => [
      { ...facts.check, expectation: "deny", derived: "wrong-password" },
      { ...facts.check, expectation: "deny", derived: "no-authorizer" },
    ],
    ledger: createDerivedLedger({ now: () => 0 }),
    variationsOf: ({ outcome }) =>
      outcome.kind === "refused" && outcome.how === "code" ? ["alpn-mqtt"] : [],
    attempt: async () => {
      const now = performance.now();
      return { outcome: ACCEPTED, startedAtMs: now, endedAtMs: now };
    },
    random: Math.random,
    ...changes,
  };
}

function runner(checks: readonly Check[], changes: Partial<RunnerPorts> = {}): RunnerPorts {
  return {
    ...PARTS,
    checks: async (shard) =>
      shard.checks.flatMap(({ device: id, ...check }) => {
        const profile = checks.find((each) => each.profile.id === id)?.profile;
        return profile === undefined ? [] : { ...check, profile };
      }),
    secondWave: (_suite, _decoys, ledger) => wave({ ledger }),
    places: new Places(CONCURRENCY),
    ...changes,
  };
}

/** Shards as they are after a pipe, or a server. */
class SentQueue extends InProcessQueue {
  override work(...[shard, onReport, signals]: Parameters<ShardQueue["work"]>): Promise<ShardEnd> {
    const report = (each: ShardReport) => onReport(JSON.parse(JSON.stringify(each)) as ShardReport);
    return super.work(JSON.parse(JSON.stringify(shard)) as Shard, report, signals);
  }
}

async function distributed(
  checks: readonly Check[],
  queue: ShardQueue,
  changes: Partial<Distribution> = {},
): Promise<JudgedCheck[]> {
  const judged: JudgedCheck[] = [];
  await distribute(
    {
      base: BASE,
      targets: TARGETS,
      checks: stream(checks),
      decoys: [],
      wave: wave(),
      memory: NO_MEMORY,
      onJudged: (each) => judged.push(each),
      stop: NEVER,
      abort: NEVER,
      log: LOG,
      ...changes,
    },
    queue,
  );
  return judged;
}

async function alone(checks: readonly Check[]): Promise<JudgedCheck[]> {
  const judged: JudgedCheck[] = [];
  const work = inProcess({ ...PARTS, concurrency: CONCURRENCY, secondWave: () => wave() });
  await work({
    ...{ checks: stream(checks), decoys: [], memory: NO_MEMORY, stop: NEVER, abort: NEVER },
    onJudged: (each) => judged.push(each),
  });
  return judged;
}

/** What must not depend on who did it: of second attempts, which devices got them is a matter of order. */
function storyOf(judged: readonly JudgedCheck[]): string[] {
  return judged
    .filter(({ record }) => record.derived === null)
    .map(({ record }) => {
      const { seq, device: id, verdict, gateway, gatewayHow, authorizer } = record;
      return JSON.stringify([seq, id, verdict, gateway, gatewayHow, authorizer, record.causes[0]?.code]);
    })
    .sort();
}

const retriedOf = (judged: readonly JudgedCheck[]) =>
  judged.filter(({ record }) => record.secondAttempts.length > 0).length;
const derivedOf = (judged: readonly JudgedCheck[]) =>
  judged.filter(({ record }) => record.derived !== null).map(({ record }) => record.derived);

const FLEET = Array.from({ length: 230 }, (_, seq) => device(seq));

describe("a distributed run", () => {
  it("comes to what one process comes to", async () => {
    const here = await alone(FLEET);
    const there = await distributed(FLEET, new SentQueue(runner(FLEET)));
    expect(there.length).toBe(here.length);
    expect(derivedOf(there).sort()).toEqual([
      "no-authorizer",
      "no-authorizer",
      "wrong-password",
      "wrong-password",
    ]);
    expect(derivedOf(here).length).toBe(4);
    expect(retriedOf(here)).toBe(3);
    expect(retriedOf(there)).toBe(retriedOf(here));
    const isTold = ({ record }: JudgedCheck) => record.seq % 10 !== 1;
    expect(storyOf(there.filter(isTold))).toEqual(storyOf(here.filter(isTold)));
    const seqs = there.map(({ record }) => record.seq);
    expect(new Set(seqs).size).toBe(seqs.length);
  });

  it("tells each check once where everything is told twice, and a worker is lost in the middle", async () => {
    const doing = new SentQueue(runner(FLEET));
    let lost = 0;
    const queue: ShardQueue = {
      ...{ lanes: 4, refusalsMs: 0, [Symbol.asyncDispose]: async () => {} },
      async work(shard, onReport, signals) {
        const stop = new AbortController();
        let told = 0;
        const twice = (report: ShardReport) => {
          if (stop.signal.aborted) return;
          onReport(report);
          onReport(report);
          told += 1;
          if (told < 10 || lost >= 3) return;
          lost += 1;
          stop.abort();
        };
        const end = await doing.work(shard, twice, { ...signals, stop: stop.signal });
        return stop.signal.aborted ? { kind: "lost", reason: "killed" } : end;
      },
    };
    const judged = await distributed(FLEET, queue);
    expect(lost).toBe(3);
    const seqs = judged.map(({ record }) => record.seq);
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(judged.filter(({ record }) => record.derived === null).length).toBe(FLEET.length);
  });

  it("ends with what a worker says where all refuse, and nothing passes", async () => {
    const queue: ShardQueue = {
      ...{ lanes: 2, refusalsMs: 0, [Symbol.asyncDispose]: async () => {} },
      work: async () => ({ kind: "refused", reason: "fleet.ndjson differs" }),
    };
    const judged: JudgedCheck[] = [];
    await expect(distributed(FLEET, queue, { onJudged: (each) => judged.push(each) })).rejects.toThrow(
      /no worker takes the run; one refused it: fleet.ndjson differs/,
    );
    expect(judged).toEqual([]);
  });

  it("gives a shard up that is lost again and again", async () => {
    const queue: ShardQueue = {
      ...{ lanes: 2, refusalsMs: 0, [Symbol.asyncDispose]: async () => {} },
      work: async () => ({ kind: "lost", reason: "SIGSEGV" }),
    };
    await expect(distributed(FLEET, queue)).rejects.toThrow(/given up after 5 attempts: SIGSEGV/);
  });

  it("hands nothing out after a stop, and tells what was begun", async () => {
    const stop = new AbortController();
    const judged = await distributed(FLEET, new SentQueue(runner(FLEET)), {
      stop: stop.signal,
      onJudged: () => stop.abort(new Error("enough")),
    }).catch(() => []);
    expect(judged.length).toBeLessThan(FLEET.length);
  });

  it("does what an earlier process recorded not again, but what follows from it", async () => {
    const [before] = await distributed(FLEET.slice(0, 1), new SentQueue(runner(FLEET)), {
      wave: wave({ perCohort: 0 }),
    });
    if (before === undefined) throw new Error("no result");
    const judged = await distributed(FLEET.slice(0, 1), new SentQueue(runner(FLEET)), {
      memory: { ...NO_MEMORY, result: (seq) => (seq === 0 ? before.record : null) },
    });
    expect(judged.map(({ record }) => record.derived).sort()).toEqual(["no-authorizer", "wrong-password"]);
  });

  it("leaves a close unconfirmed where nothing explicit comes later", async () => {
    const closed = [3, 13].map((seq) => device(seq));
    const judged = await distributed(closed, new SentQueue(runner(closed)));
    expect(judged.map(({ record }) => record.causes[0]?.code)).toEqual([
      "GATEWAY_CLOSED_UNCONFIRMED",
      "GATEWAY_CLOSED_UNCONFIRMED",
    ]);
  });

  it("confirms a close of one worker by an answer that another one gets later", async () => {
    const fleet = [device(3), ...Array.from({ length: 40 }, (_, index) => device(20 + index * 10))];
    const judged = await distributed(fleet, new SentQueue(runner(fleet)));
    const close = judged.find(({ record }) => record.seq === 3);
    expect(close?.record).toMatchObject({ verdict: "fail", gatewayHow: "closed" });
  });
});

describe("shards", () => {
  it("hold no credential of any profile", async () => {
    const secret = "hunter2-hunter2";
    const fleet = FLEET.slice(0, 20).map(({ profile, ...check }) => ({
      ...check,
      profile: { ...profile, password: new Secret(secret), username: new Secret(secret) },
    }));
    const sent: string[] = [];
    class Overheard extends SentQueue {
      override work(...[shard, onReport, signals]: Parameters<ShardQueue["work"]>): Promise<ShardEnd> {
        sent.push(JSON.stringify(shard));
        return super.work(
          shard,
          (report) => {
            sent.push(JSON.stringify(report));
            onReport(report);
          },
          signals,
        );
      }
    }
    await distributed(fleet, new Overheard(runner(fleet)));
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.join("\n")).not.toContain(secret);
  });

  it("hold every check once, those of one client id in one lane", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 8 }),
        async (clients, lanes) => {
          const checks = clients.map((client, seq) => device(seq, { clientId: `c${client}` }));
          const seen = new Map<string, number>();
          const seqs: number[] = [];
          for await (const piece of cut(stream(checks), { lanes, size: 5, targets: TARGETS })) {
            for (const { seq } of piece.checks) {
              const client = checks[seq]?.profile.clientId ?? "";
              expect(seen.get(client) ?? piece.lane).toBe(piece.lane);
              seen.set(client, piece.lane);
              seqs.push(seq);
            }
            expect(piece.checks.map(({ seq }) => seq)).toEqual(
              piece.checks.map(({ seq }) => seq).toSorted((a, b) => a - b),
            );
          }
          expect(seqs.toSorted((a, b) => a - b)).toEqual(checks.map(({ seq }) => seq));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("looking profiles up", () => {
  it("reads the source once for shards that come nearly in its order, and again for one of before", async () => {
    let read = 0;
    const profiles = Array.from({ length: 10_000 }, (_, seq) => device(seq).profile);
    await using lookup = new ProfileLookup(async function* () {
      for (const profile of profiles) {
        read += 1;
        yield profile;
      }
    });
    const find = async (...ids: string[]) => (await lookup.find(ids)).map(({ id }) => id);
    expect(await find("d5", "d900")).toEqual(["d5", "d900"]);
    expect(await find("d7", "d899")).toEqual(["d7", "d899"]);
    expect(read).toBe(901);
    expect(await Promise.all([find("d9000"), find("d8000")])).toEqual([["d9000"], ["d8000"]]);
    expect(read).toBe(9_001);
    expect(await find("d1")).toEqual(["d1"]);
    await expect(lookup.find(["nobody"])).rejects.toThrow(/no valid profile has the id "nobody"/);
  });
});
