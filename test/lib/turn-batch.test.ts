import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { TurnBatch } from "../../src/lib/turn-batch.ts";

it("passes on what was said within a turn as one list, in order, and what came later in another", async () => {
  const passed: (readonly number[])[] = [];
  const batch = new TurnBatch<number>((all) => passed.push(all));
  batch.add(1);
  batch.add(2);
  expect(passed).toEqual([]);
  await turn();
  batch.add(3);
  await turn();
  await turn();
  expect(passed).toEqual([[1, 2], [3]]);
});
