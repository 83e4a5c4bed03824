import { expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { Tally } from "../../src/run/tally.ts";
import { judged, resultOf } from "../support/results.ts";

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
});
