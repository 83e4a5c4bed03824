import { describe, expect, it } from "vitest";
import { Draw } from "../../src/run/draw.ts";

/** A fixed sequence that looks like chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a draw", () => {
  it("holds no more than its size, and all where there are fewer", () => {
    const draw = new Draw<number>(3, chance(1));
    expect(draw.drawn()).toEqual([]);
    for (const item of [1, 2]) draw.offer(item, 0);
    expect(draw.drawn().toSorted()).toEqual([1, 2]);
    for (let item = 3; item < 100; item += 1) draw.offer(item, 0);
    expect(new Set(draw.drawn()).size).toBe(3);
  });

  it("gives every item the same chance, whenever it came", () => {
    const [items, size, rounds] = [20, 5, 8000];
    const times = Array.from({ length: items }, () => 0);
    const random = chance(7);
    for (let round = 0; round < rounds; round += 1) {
      const draw = new Draw<number>(size, random);
      for (let item = 0; item < items; item += 1) draw.offer(item, 0);
      for (const item of draw.drawn()) times[item] = (times[item] ?? 0) + 1;
    }
    const expected = (rounds * size) / items;
    // Six standard deviations of a binomial count.
    const bound = 6 * Math.sqrt(rounds * (size / items) * (1 - size / items));
    expect(times.filter((count) => Math.abs(count - expected) > bound)).toEqual([]);
  });

  it("takes those of the lowest rank, wherever they stand", () => {
    const draw = new Draw<string>(3, chance(3));
    const ranks = { a: 2, b: 0, c: 1, d: 2, e: 0 };
    for (const [item, rank] of Object.entries(ranks)) draw.offer(item, rank);
    expect(draw.drawn().toSorted()).toEqual(["b", "c", "e"]);
  });
});
