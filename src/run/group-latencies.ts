import { Histogram } from "../lib/histogram.ts";
import type { LatencyTally } from "../model/gate.ts";
import type { ResultRecord } from "../model/result.ts";
import { groupKey } from "./group-key.ts";

interface Pair {
  readonly connect: Histogram;
  readonly authorizer: Histogram;
}

/** Phases after which the device is in or out; what follows is tried on topics. */
const CONNECT_PHASES = ["dns", "tcp", "tls", "upgrade", "connack", "response"];

type Timed = Pick<ResultRecord, "target" | "cohort" | "gateway" | "authorizer" | "timings">;

/** 95th percentiles of each cohort × target and of the whole, in memory bounded by their number. */
export class GroupLatencies {
  readonly #groups = new Map<string, Pair>();
  readonly #whole = emptyPair();

  add({ target, cohort, gateway, authorizer, timings }: Timed): void {
    const pairs = [this.#pair(target, cohort), this.#whole];
    const isTimed = Object.keys(timings.phases).length > 0;
    if (isTimed && (gateway === "accepted" || gateway === "refused")) {
      const seconds = CONNECT_PHASES.reduce((all, phase) => all + (timings.phases[phase] ?? 0), 0);
      for (const { connect } of pairs) connect.add(seconds);
    }
    if (timings.invokeSeconds !== null && (authorizer === "allowed" || authorizer === "denied")) {
      for (const pair of pairs) pair.authorizer.add(timings.invokeSeconds);
    }
  }

  of({ target, cohort }: { readonly target: string; readonly cohort: string }): LatencyTally {
    return tallyOf(this.#groups.get(groupKey(target, cohort)) ?? emptyPair());
  }

  whole(): LatencyTally {
    return tallyOf(this.#whole);
  }

  #pair(target: string, cohort: string): Pair {
    const key = groupKey(target, cohort);
    const pair = this.#groups.get(key) ?? emptyPair();
    this.#groups.set(key, pair);
    return pair;
  }
}

function emptyPair(): Pair {
  return { connect: new Histogram(), authorizer: new Histogram() };
}

function tallyOf({ connect, authorizer }: Pair): LatencyTally {
  return { connectP95Seconds: p95(connect), authorizerP95Seconds: p95(authorizer) };
}

function p95(histogram: Histogram): number | null {
  return histogram.samples === 0 ? null : histogram.quantile(0.95);
}
