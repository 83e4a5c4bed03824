import { Histogram } from "../lib/histogram.ts";
import { authorizerWord } from "../lib/words.ts";
import type { Counts, GroupTally } from "../model/gate.ts";
import type { Result } from "../model/result.ts";
import type { AgreementCell, CauseGroup, LatencyRow } from "../model/run.ts";

const MAX_EXAMPLES = 5;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a run came to so far: counts, groups, agreement, causes and latency, in memory bounded by their kinds. */
export class Tally {
  readonly #groups = new Map<string, Writable<GroupTally>>();
  readonly #agreement = new Map<string, Writable<AgreementCell>>();
  readonly #causes = new Map<string, Writable<CauseGroup> & { examples: string[] }>();
  readonly #latency = new Map<string, { protocol: string; phase: string; histogram: Histogram }>();

  /** Announces a cohort × target and how many checks it should come to; later calls add up. */
  expect(target: string, cohort: string, checks: number): void {
    this.#group(target, cohort).expected += checks;
  }

  add(result: Result): void {
    const { check, outcome, verdict, invocation } = result;
    const { profile } = check;
    const group = this.#group(profile.target, profile.cohort);
    if (check.derived !== null) {
      group.derived += 1;
      if (verdict.kind === "fail") group.derivedFailed += 1;
    } else {
      group[verdict.kind] += 1;
    }
    if (verdict.kind === "fail" && check.expectation === "deny" && outcome.kind === "accepted") {
      group.unexpectedAccepts += 1;
    }
    if (check.derived === null) this.#agree(result);
    this.#explain(result);
    if (invocation.kind === "allowed" || invocation.kind === "denied") {
      this.#time("api", "invoke", invocation.durationMs);
    }
    if (outcome.kind === "skipped") return;
    for (const [phase, ms] of Object.entries(outcome.transport.phasesMs))
      this.#time(check.protocol, phase, ms);
    if (outcome.kind === "accepted") this.#time(check.protocol, "total", outcome.transport.durationMs);
  }

  /** The rest of what was expected was not run. `planned` is by group, as `expect` was. */
  close(planned: ReadonlyMap<string, number>): void {
    for (const [key, group] of this.#groups) {
      const done = group.pass + group.fail + group.inconclusive + group.skipped;
      group.notRun = Math.max(0, (planned.get(key) ?? 0) - done);
    }
  }

  groups(): GroupTally[] {
    return [...this.#groups.values()]
      .map((group) => ({ ...group }))
      .sort((a, b) => a.target.localeCompare(b.target) || a.cohort.localeCompare(b.cohort));
  }

  counts(planned: number, invalidProfiles: number): Counts {
    const total = (field: "pass" | "fail" | "inconclusive" | "skipped" | "notRun" | "derived") =>
      this.groups().reduce((all, group) => all + group[field], 0);
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

  #agree({ invocation, outcome }: Result): void {
    const authorizer = authorizerWord(invocation);
    const key = `${authorizer}\n${outcome.kind}`;
    const cell = this.#agreement.get(key) ?? { authorizer, gateway: outcome.kind, checks: 0 };
    cell.checks += 1;
    this.#agreement.set(key, cell);
  }

  #explain({ verdict, check }: Result): void {
    const [first] = verdict.causes;
    if (first === undefined || (verdict.kind !== "fail" && verdict.kind !== "inconclusive")) return;
    // What a corrupted device showed is another story than what a device as it is did.
    const key = `${verdict.kind}\n${first.code}\n${check.derived ?? ""}`;
    const group = this.#causes.get(key) ?? {
      cause: first.code,
      verdict: verdict.kind,
      checks: 0,
      examples: [],
      evidence: first.evidence,
      nextStep: first.nextStep,
    };
    group.checks += 1;
    const { id } = check.profile;
    if (group.examples.length < MAX_EXAMPLES && !group.examples.includes(id)) group.examples.push(id);
    this.#causes.set(key, group);
  }

  #time(protocol: string, phase: string, ms: number): void {
    const key = `${protocol}\n${phase}`;
    let entry = this.#latency.get(key);
    if (entry === undefined) {
      entry = { protocol, phase, histogram: new Histogram() };
      this.#latency.set(key, entry);
    }
    entry.histogram.add(ms / 1000);
  }
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
} as const;

export function groupKey(target: string, cohort: string): string {
  return `${target}\n${cohort}`;
}
