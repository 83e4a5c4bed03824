import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRatio, formatSeconds, formatSpan } from "../../src/ui/format.ts";
import { type Mark, paceOf, withMark } from "../../src/ui/pace.ts";
import { deviceLink, overviewLink, parseRoute, resultsLink, runLink } from "../../src/ui/route.ts";

describe("a link", () => {
  it("leads back to what it was made for, whatever the names are", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (name) => {
        expect(parseRoute(deviceLink(name))).toEqual({ view: "device", device: name });
        expect(parseRoute(runLink(name))).toEqual({ view: "run", runId: name });
        expect(parseRoute(overviewLink(name))).toEqual({ view: "overview", suite: name });
        const filter = { verdict: "fail", cohort: name };
        expect(parseRoute(resultsLink(name, filter))).toEqual({ view: "results", runId: name, filter });
      }),
    );
  });

  it.each([
    ["", { view: "overview", suite: null }],
    ["#/", { view: "overview", suite: null }],
    ["#/runs/a", { view: "run", runId: "a" }],
    ["#/runs/a/results?cause=X&colour=red", { view: "results", runId: "a", filter: { cause: "X" } }],
    ["#/runs", { view: "nowhere" }],
    ["#/runs/a/b", { view: "nowhere" }],
    ["#/runs/a/results/b", { view: "nowhere" }],
    ["#/devices", { view: "nowhere" }],
    ["#/devices/%zz", { view: "nowhere" }],
    ["#/elsewhere", { view: "nowhere" }],
  ])("%j is read as what it is", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  it("never throws, whatever somebody types", () => {
    fc.assert(fc.property(fc.string(), (hash) => void parseRoute(hash)));
  });
});

describe("numbers for people", () => {
  it.each([
    [1, "100 %"],
    [0, "0 %"],
    [0.9999999, "99.99 %"],
    [0.00000001, "0.01 %"],
    [0.775, "77.5 %"],
    [0.995, "99.50 %"],
  ])("the ratio %d is %s: all and none are never rounded to", (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text);
  });

  it.each([
    [0.00081, "0.81 ms"],
    [0.034, "34 ms"],
    [1.25, "1.25 s"],
    [34.56, "34.6 s"],
    [200, "3 min"],
  ])("%d seconds take %s", (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [-3, "0 s"],
    [40, "40 s"],
    [180, "3 min"],
    [3_600, "1 h"],
    [7_500, "2 h 5 min"],
    [400_000, "5 days"],
  ])("%d seconds ago was %s ago", (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });
});

describe("the pace of a run", () => {
  const marksOf = (marks: readonly Mark[]) => marks.reduce<readonly Mark[]>(withMark, []);

  it("is unknown until something has moved", () => {
    expect(paceOf([], 10)).toEqual({ perSecond: null, secondsLeft: null });
    expect(paceOf(marksOf([{ atMs: 0, done: 0 }]), 10)).toEqual({ perSecond: null, secondsLeft: null });
    const still = marksOf([0, 1000, 2000].map((atMs) => ({ atMs, done: 4 })));
    expect(paceOf(still, 10)).toEqual({ perSecond: 0, secondsLeft: null });
  });

  it("says when it is over, at the rate of the last moments", () => {
    const slow = [0, 10_000, 20_000, 30_000].map((atMs) => ({ atMs, done: atMs / 1000 }));
    const fast = [40_000, 50_000, 60_000].map((atMs) => ({ atMs, done: 30 + (atMs - 30_000) / 100 }));
    const { perSecond, secondsLeft } = paceOf(marksOf([...slow, ...fast]), 430);
    expect(perSecond).toBeCloseTo(10);
    expect(secondsLeft).toBeCloseTo(10);
  });

  it("goes on after a gap", () => {
    const marks = marksOf([
      { atMs: 0, done: 0 },
      { atMs: 600_000, done: 60 },
    ]);
    expect(paceOf(marks, 120).perSecond).toBeCloseTo(0.1);
  });
});
