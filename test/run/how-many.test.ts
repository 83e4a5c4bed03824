import { expect, test } from "vitest";
import { howMany } from "../../src/run/local/how-many.ts";
import { targetOf } from "../support/fixtures.ts";

function target(connectsPerSecond: number, accountId = "123456789012") {
  return targetOf({ accountId, budgets: { invokesPerSecond: 10, connectsPerSecond, burst: 1 } });
}

test.each([
  ["as many as are asked for", 3, [target(10)], 2, 3],
  ["one where the budget keeps no more busy", "auto", [target(100)], 64, 1],
  ["one for each 100 connections a second", "auto", [target(250)], 64, 3],
  ["as many as all accounts together keep busy", "auto", [target(100), target(150, "2")], 64, 3],
  ["what the lower limit of a shared account keeps busy", "auto", [target(900), target(90)], 64, 1],
  ["a processor less than there are", "auto", [target(10_000)], 4, 3],
  ["one where there is only one processor", "auto", [target(10_000)], 1, 1],
] as const)("workers are %s", (_, workers, targets, processors, expected) => {
  expect(howMany(workers, targets, processors)).toBe(expected);
});
