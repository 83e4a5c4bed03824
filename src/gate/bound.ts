import { CONFIDENCE, failureRateBound } from "../lib/failure-bound.ts";
import type { GroupTally, Tally } from "../model/gate.ts";
import type { SampleBound } from "../model/sample.ts";

/** A figure of a sample and what it says of all. */
export interface Bounded {
  readonly inSample: number;
  /** The likeliest value for all. */
  readonly estimate: number;
  /** The worst value for all that the sample does not exclude. */
  readonly bound: number;
}

export interface Bounds {
  readonly passRatio: Bounded;
  readonly failures: Bounded;
}

/** What the sample of one group says of all of it; null: every device was tested, or nothing was decided. */
export function boundsOf(tally: Tally): Bounds | null {
  const { sample, pass, fail } = tally;
  const decided = pass + fail;
  const rate = rateBound(tally);
  if (sample === undefined || rate === null) return null;
  const passRatio = { inSample: pass / decided, estimate: pass / decided, bound: complement(rate) };
  const estimate = (fail / decided) * sample.ofChecks;
  return { passRatio, failures: { inSample: fail, estimate, bound: Math.ceil(rate * sample.ofChecks) } };
}

/**
 * Of the whole: each group counts by what it stands for, with its own bound, which is more than cautious. null: no group
 * was drawn from, or nothing was decided.
 */
export function boundsOfWhole(groups: readonly Tally[]): Bounds | null {
  const decided = groups.filter(({ pass, fail }) => pass + fail > 0);
  if (!decided.some((group) => boundsOf(group) !== null)) return null;
  const parts = decided.map((group) => ({
    checks: rateBound(group) === null ? group.pass + group.fail : (group.sample?.ofChecks ?? 0),
    ...(boundsOf(group) ?? exact(group)),
  }));
  const total = (value: (part: (typeof parts)[number]) => number) =>
    parts.reduce((all, part) => all + value(part), 0);
  const checks = total((part) => part.checks);
  const pass = decided.reduce((all, group) => all + group.pass, 0);
  const fail = decided.reduce((all, group) => all + group.fail, 0);
  return {
    passRatio: {
      inSample: pass / (pass + fail),
      estimate: total((part) => part.passRatio.estimate * part.checks) / checks,
      bound: total((part) => part.passRatio.bound * part.checks) / checks,
    },
    failures: {
      inSample: fail,
      estimate: total(({ failures }) => failures.estimate),
      bound: total(({ failures }) => failures.bound),
    },
  };
}

/** For people: which failure rate is excluded; empty: every device was tested. */
export function sampleBounds(groups: readonly GroupTally[]): SampleBound[] {
  return groups.flatMap((group) => {
    const { target, cohort, sample, pass, fail } = group;
    if (sample === undefined) return [];
    const { devices, ofDevices } = sample;
    const decided = pass + fail;
    const isWhole = devices >= ofDevices && decided > 0;
    const failureRate = isWhole ? fail / decided : (rateBound(group) ?? 1);
    return { target, cohort, devices, ofDevices, decided, failed: fail, failureRate, confidence: CONFIDENCE };
  });
}

/** For people: about how many the authorizer may disagree with the gateway; empty: it was not asked about a sample. */
export function disagreementBounds(groups: readonly GroupTally[]): SampleBound[] {
  return groups.flatMap(({ target, cohort, asked }) => {
    if (asked === undefined) return [];
    const { sample, answered, disagreed } = asked;
    const bound = rateBound({ sample, pass: answered - disagreed, fail: disagreed });
    const failureRate = answered === 0 ? 1 : (bound ?? disagreed / answered);
    const { devices, ofDevices } = sample;
    const counted = { decided: answered, failed: disagreed };
    return { target, cohort, devices, ofDevices, ...counted, failureRate, confidence: CONFIDENCE };
  });
}

/**
 * Checks of one device may fail together: decided checks count as no more than the devices they stand for. null: every
 * device was tested, or nothing was decided.
 */
function rateBound({ sample, pass, fail }: Pick<Tally, "sample" | "pass" | "fail">): number | null {
  if (sample === undefined || sample.devices >= sample.ofDevices || pass + fail === 0) return null;
  const devicesPerCheck = sample.devices / sample.checks;
  const devices = (pass + fail) * devicesPerCheck;
  return failureRateBound(fail * devicesPerCheck, { devices, ofDevices: sample.ofDevices });
}

/** Without the hair that keeps `1 - 0.9` below a threshold of 0.1. */
function complement(rate: number): number {
  return Number((1 - rate).toFixed(12));
}

function exact({ pass, fail }: Tally): Bounds {
  const ratio = pass / (pass + fail);
  return {
    passRatio: { inSample: ratio, estimate: ratio, bound: ratio },
    failures: { inSample: fail, estimate: fail, bound: fail },
  };
}
