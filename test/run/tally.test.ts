import { expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { Tally } from "../../src/run/tally.ts";
import { acceptedOver, judged, resultOf } from "../support/results.ts";

const FAILED: ResultRecord = toRecord(resultOf({ verdict: judged("fail", "UNEXPECTED_ACCEPT") }));

it("tells what a corrupted device showed apart from what a device as it is did", () => {
  const tally = new Tally();
  tally.add(FAILED);
  tally.add({ ...FAILED, derived: "wrong-password" });
  tally.add({ ...FAILED, derived: "no-sni" });
  tally.add({ ...FAILED, derived: "no-sni" });
  expect(tally.causes().map(({ checks, evidence }) => [checks, evidence])).toEqual([
    [2, "derived check no-sni: seen"],
    [1, "seen"],
    [1, "derived check wrong-password: seen"],
  ]);
  expect(tally.causes().map(({ derived }) => derived)).toEqual(["no-sni", undefined, "wrong-password"]);
});

it("counts where authorizer and gateway differ about devices that should get in, where a sample is asked", () => {
  const tally = new Tally();
  const { target, cohort } = FAILED;
  const asked = { devices: 7, ofDevices: 100, checks: 7, ofChecks: 100 };
  tally.expect(target, cohort, 7, { asked });
  const seen = { ...FAILED, expectation: "allow", prediction: "allow", derived: null } as const;
  const records: readonly Partial<ResultRecord>[] = [
    { authorizer: "allowed", gateway: "accepted" },
    { authorizer: "denied", gateway: "refused" },
    // The policy is why: they agree.
    { authorizer: "allowed", prediction: "deny", gateway: "refused" },
    { authorizer: "allowed", gateway: "refused" },
    { authorizer: "denied", gateway: "accepted" },
    // Nothing to compare.
    { authorizer: "skipped", gateway: "accepted" },
    { authorizer: "errored", gateway: "refused" },
    { authorizer: "allowed", gateway: "unreachable" },
    { authorizer: "denied", gateway: "accepted", expectation: "deny" },
    { authorizer: "denied", gateway: "accepted", derived: "wrong-password" },
  ];
  for (const record of records) tally.add({ ...seen, ...record });
  expect(tally.groups()[0]?.asked).toEqual({ sample: asked, answered: 5, disagreed: 2 });
});

it("takes no percentile from times that were discarded", () => {
  const tally = new Tally();
  tally.expect("here", "pumps", 2);
  tally.add(toRecord(resultOf()));
  const before = tally.wholeLatency();
  tally.add(toRecord(resultOf({ outcome: acceptedOver({ delayMs: 60_000 }) })));
  expect(tally.wholeLatency()).toEqual(before);
  expect(tally.groups()[0]).toMatchObject({ pass: 2, connectP95Seconds: before.connectP95Seconds });
});
