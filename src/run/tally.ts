import { Histogram } from "../lib/histogram.ts";
import type { GroupComparison } from "../model/drift.ts";
import type { Counts, GroupTally, LatencyTally } from "../model/gate.ts";
import type { RunTimes } from "../model/latency.ts";
import type { ResultRecord } from "../model/result.ts";
import type { AgreementCell, CauseGroup, LatencyRow } from "../model/run.ts";
import type { AskedTally, GroupSample } from "../model/sample.ts";
import { groupKey } from "./group-key.ts";
import { GroupLatencies } from "./group-latencies.ts";

const MAX_EXAMPLES = 5;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What was drawn of a group. */
interface Drawn {
  readonly sample?: GroupSample;
  readonly asked?: GroupSample;
}

/** What a run came to so far: counts, groups, agreement, causes and latency, in memory bounded by their kinds. */
export class Tally {
  readonly #groups = new Map<string, Writable<GroupTally>>();
  readonly #agreement = new Map<string, Writable<AgreementCell>>();
  readonly #causes = new Map<string, Writable<CauseGroup> & { examples: string[] }>();
  readonly #latencies = new GroupLatencies();
  #timesDiscarded = 0;
  readonly #latency = new Map<string, { protocol: string; phase: string; histogram: Histogram }>();

  /** Announces a cohort × target and how many checks it should come to; later calls add up. */
  expect(target: string, cohort: string, checks: number, { sample, asked }: Drawn = {}): void {
    const group = this.#group(target, cohort);
    group.expected += checks;
    if (sample) group.sample = sample;
    if (asked) group.asked = { answered: 0, disagreed: 0, ...group.asked, sample: asked };
  }

  add(record: ResultRecord): void {
    const { target, cohort, protocol, derived, verdict, expectation, authorizer, gateway, timings } = record;
    const group = this.#group(target, cohort);
    if (derived !== null) {
      group.derived += 1;
      if (verdict === "fail") group.derivedFailed += 1;
    } else {
      group[verdict] += 1;
    }
    if (verdict === "fail" && expectation === "deny" && gateway === "accepted") {
      group.unexpectedAccepts += 1;
    }
    if (derived === null) {
      this.#agree(record);
      if (group.asked) group.asked = compared(group.asked, record);
      this.#latencies.add(record);
    }
    this.#explain(record);
    if (timings.discarded) this.#timesDiscarded += 1;
    const { invokeSeconds, phases } = timings;
    if (invokeSeconds !== null && (authorizer === "allowed" || authorizer === "denied")) {
      this.#time("api", "invoke", invokeSeconds);
    }
    for (const [phase, seconds] of Object.entries(phases)) this.#time(protocol, phase, seconds);
    if (gateway === "accepted" && !timings.discarded?.includes("gateway"))
      this.#time(protocol, "total", sum(Object.values(phases)));
  }

  /** The rest of what was expected was not run. `planned` is by group, as `expect` was. */
  close(planned: ReadonlyMap<string, number>): void {
    for (const [key, group] of this.#groups) {
      const done = group.pass + group.fail + group.inconclusive + group.skipped;
      group.notRun = Math.max(0, (planned.get(key) ?? 0) - done);
    }
  }

  /** What the run is compared with was looked at: groups that are not in `compared` have nothing to compare. */
  compare(compared: readonly GroupComparison[]): void {
    for (const { target, cohort, newFailures, comparable, policyChanges } of compared) {
      const group = this.#group(target, cohort);
      group.newFailures = newFailures;
      group.policyChanges = comparable > 0 ? policyChanges : null;
    }
  }

  /** What the quantiles leave out of how long everything took. */
  times(): RunTimes {
    const shapes = [...this.#latency.values()].map(({ protocol, phase, histogram }) => {
      return { protocol, phase, buckets: histogram.shown() };
    });
    return { ...this.wholeLatency(), shapes };
  }

  /** Checks, derived ones included, of which times were left out. */
  get timesDiscarded(): number {
    return this.#timesDiscarded;
  }

  /** 95th percentiles over all groups. */
  wholeLatency(): LatencyTally {
    return this.#latencies.whole();
  }

  /** Counts so far; percentiles are left out, which take time. */
  counted(): readonly GroupTally[] {
    return [...this.#groups.values()];
  }

  groups(): GroupTally[] {
    return [...this.#groups.values()]
      .map((group) => ({ ...group, ...this.#latencies.of(group) }))
      .sort((a, b) => a.target.localeCompare(b.target) || a.cohort.localeCompare(b.cohort));
  }

  counts(planned: number, invalidProfiles: number): Counts {
    const total = (field: "pass" | "fail" | "inconclusive" | "skipped" | "notRun" | "derived") =>
      this.counted().reduce((all, group) => all + group[field], 0);
    const [pass, fail, inconclusive, skipped] = [
      total("pass"),
      total("fail"),
      total("inconclusive"),
      total("skipped"),
    ];
    const checks = pass + fail + inconclusive + skipped;
    return {
      planned,
      checks,
      pass,
      fail,
      inconclusive,
      skipped,
      notRun: total("notRun"),
      derived: total("derived"),
      invalidProfiles,
    };
  }

  agreement(): AgreementCell[] {
    return [...this.#agreement.values()].map((cell) => ({ ...cell }));
  }

  /** Most frequent first, failures before inconclusives. */
  causes(): CauseGroup[] {
    return [...this.#causes.values()]
      .map((group) => ({ ...group, examples: [...group.examples] }))
      .sort((a, b) => a.verdict.localeCompare(b.verdict) || b.checks - a.checks);
  }

  latency(): LatencyRow[] {
    return [...this.#latency.values()]
      .map(({ protocol, phase, histogram }) => ({
        protocol,
        phase,
        samples: histogram.samples,
        p50: histogram.quantile(0.5),
        p95: histogram.quantile(0.95),
        p99: histogram.quantile(0.99),
        max: histogram.max,
      }))
      .sort((a, b) => a.protocol.localeCompare(b.protocol));
  }

  #group(target: string, cohort: string): Writable<GroupTally> {
    const key = groupKey(target, cohort);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { target, cohort, ...EMPTY };
      this.#groups.set(key, group);
    }
    return group;
  }

  #agree({ authorizer, gateway }: ResultRecord): void {
    const key = `${authorizer}\n${gateway}`;
    const cell = this.#agreement.get(key) ?? { authorizer, gateway, checks: 0 };
    cell.checks += 1;
    this.#agreement.set(key, cell);
  }

  #explain({ verdict, causes, device, derived }: ResultRecord): void {
    const [first] = causes;
    if (first === undefined || (verdict !== "fail" && verdict !== "inconclusive")) return;
    // What a corrupted device showed is another story than what a device as it is did.
    const key = `${verdict}\n${first.code}\n${derived ?? ""}`;
    const group = this.#causes.get(key) ?? {
      cause: first.code,
      verdict,
      ...(derived !== null && { derived }),
      checks: 0,
      examples: [],
      evidence: derived === null ? first.evidence : `derived check ${derived}: ${first.evidence}`,
      nextStep: first.nextStep,
    };
    group.checks += 1;
    if (group.examples.length < MAX_EXAMPLES && !group.examples.includes(device)) group.examples.push(device);
    this.#causes.set(key, group);
  }

  #time(protocol: string, phase: string, seconds: number): void {
    const key = `${protocol}\n${phase}`;
    let entry = this.#latency.get(key);
    if (entry === undefined) {
      entry = { protocol, phase, histogram: new Histogram() };
      this.#latency.set(key, entry);
    }
    entry.histogram.add(seconds);
  }
}

/** A policy that denies is why a device is kept out that the authorizer lets in: there the two agree. */
function compared(asked: AskedTally, record: ResultRecord): AskedTally {
  const { authorizer, gateway, expectation, prediction } = record;
  const isAnswered =
    expectation === "allow" &&
    (authorizer === "allowed" || authorizer === "denied") &&
    (gateway === "accepted" || gateway === "refused");
  if (!isAnswered) return asked;
  const letsIn = authorizer === "allowed" && prediction !== "deny";
  const differs = letsIn !== (gateway === "accepted");
  return { ...asked, answered: asked.answered + 1, disagreed: asked.disagreed + (differs ? 1 : 0) };
}

const EMPTY = {
  pass: 0,
  fail: 0,
  inconclusive: 0,
  skipped: 0,
  notRun: 0,
  unexpectedAccepts: 0,
  invalid: 0,
  expected: 0,
  derived: 0,
  derivedFailed: 0,
  connectP95Seconds: null,
  authorizerP95Seconds: null,
  newFailures: null,
  policyChanges: null,
} as const;

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
