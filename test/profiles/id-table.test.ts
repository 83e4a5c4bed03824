import fc from "fast-check";
import { expect, test } from "vitest";
import { BitSet } from "../../src/profiles/bit-set.ts";
import { IdTable } from "../../src/profiles/id-table.ts";

test("property: answers the place of the first use, like a map", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("a", "b", "__proto__"))),
      (ids) => {
        const table = new IdTable();
        const map = new Map<string, number>();
        for (const [place, id] of ids.entries()) {
          expect(table.add(id, place)).toBe(map.get(id) ?? null);
          if (!map.has(id)) map.set(id, place);
        }
      },
    ),
  );
});

test("ids that count up, as fleets' do, never share a hash", () => {
  const table = new IdTable();
  for (const [index, prefix] of ["pump-", "device/eu/", ""].entries()) {
    for (let number = 0; number < 200_000; number += 1) {
      const place = index * 200_000 + number;
      if (table.add(`${prefix}${number}`, place) !== null) expect.fail(`${prefix}${number}`);
    }
  }
  expect(table.add("pump-199999", 0)).toBe(199_999);
});

test("property: a bit set holds what was added and nothing else", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(20_000)), (numbers) => {
      const set = new BitSet();
      for (const number of numbers) set.add(number);
      const known = new Set(numbers);
      for (let number = 0; number < 20_010; number += 7) expect(set.has(number)).toBe(known.has(number));
      for (const number of numbers) expect(set.has(number)).toBe(true);
    }),
  );
});
