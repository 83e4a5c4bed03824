import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { Batch } from "../../src/lib/batch.ts";

it("passes on what was said within a turn as one list, in order, and what came later in another", async () => {
  const passed: (readonly number[])[] = [];
  const batch = new Batch<number>((all) => passed.push(all));
  batch.add(1);
  batch.add(2);
  expect(passed).toEqual([]);
  await turn();
  batch.add(3);
  await turn();
  await turn();
  expect(passed).toEqual([[1, 2], [3]]);
});

it("passes on what was said within its time as one list, and at once what it is asked for", async () => {
  const passed: (readonly number[])[] = [];
  const batch = new Batch<number>((all) => passed.push(all), 5);
  batch.add(1);
  await turn();
  batch.add(2);
  expect(passed).toEqual([]);
  batch.flush();
  expect(passed).toEqual([[1, 2]]);
  batch.add(3);
  await expect.poll(() => passed).toEqual([[1, 2], [3]]);
  batch.flush();
  expect(passed).toEqual([[1, 2], [3]]);
});
