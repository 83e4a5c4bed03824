import { expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { GuardRemarks } from "../../src/run/guard-remarks.ts";
import { resultOf } from "../support/results.ts";

const PASSED = toRecord(resultOf());

function skipped(device: string, evidence: string): ResultRecord {
  const code = "DEVICE_IDENTITY_GUARDED" as const;
  return { ...PASSED, device, verdict: "skipped", causes: [{ code, evidence, nextStep: "" }] };
}

function said(...records: readonly ResultRecord[]): string[] {
  const remarks = new GuardRemarks();
  for (const record of records) remarks.add(record);
  return remarks.remarks();
}

it("says nothing where nobody was guarded", () => {
  expect(said(PASSED, { ...PASSED, verdict: "fail" })).toEqual([]);
});

it("tells why devices were left alone, each reason once", () => {
  const [live, other] = ["a live device may be using it", "not known whether it is connected"];
  const records = ["a", "b", "c", "d"].map((device) => skipped(device, live));
  expect(said(...records, skipped("e", other))).toEqual([
    `gateway left alone, 4 checks (a, b, c, …): DEVICE_IDENTITY_GUARDED: ${live}`,
    `gateway left alone, 1 check (e): DEVICE_IDENTITY_GUARDED: ${other}`,
  ]);
});

it("bounds what every device has a reason of its own for", () => {
  const records = Array.from({ length: 9 }, (_, index) => skipped(`d${index}`, `reason ${index}`));
  const remarks = said(...records);
  expect(remarks).toHaveLength(6);
  expect(remarks.at(-1)).toBe("gateway left alone for other reasons: 4");
});

it("tells as whom it connected although a live device may be there", () => {
  const state = { state: "offline", via: "GetConnection", evidence: "offline" } as const;
  const guard = { ...state, connected: true, sessionPresent: false };
  expect(
    said({ ...PASSED, device: "a", guard }, { ...PASSED, guard: { ...guard, connected: false } }),
  ).toEqual(["connected as a live device that AWS called offline, 1 check (a)"]);
});
