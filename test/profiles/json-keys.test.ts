import fc from "fast-check";
import { expect, test } from "vitest";
import { repeatedKeys } from "../../src/profiles/formats/json-keys.ts";

const indents = fc.constantFrom(undefined, 1, "\t");

test("property: no key of what JSON.stringify writes stands twice", () => {
  fc.assert(
    fc.property(fc.jsonValue(), indents, (value, indent) => {
      expect(repeatedKeys(JSON.stringify(value, null, indent))).toEqual([]);
    }),
  );
});

test("property: a key that was written again is found where it stands", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
  fc.assert(
    fc.property(
      object,
      fc.array(fc.jsonValue(), { maxLength: 3 }),
      fc.jsonValue(),
      (inner, before, again) => {
        const [key = ""] = Object.keys(inner);
        const twice = `${JSON.stringify(inner).slice(0, -1)} , ${JSON.stringify(key)} : ${JSON.stringify(again)}}`;
        const items = [...before.map((each) => JSON.stringify(each)), twice];
        const [found, ...others] = repeatedKeys(`{"list":[${items.join(",")}]}`);
        expect(found?.path).toEqual(["list", before.length, key]);
        expect(others).toEqual([]);
      },
    ),
  );
});
