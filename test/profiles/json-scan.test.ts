import fc from "fast-check";
import { expect, test } from "vitest";
import { endOfValue, offsetOfField } from "../../src/profiles/formats/json-scan.ts";

const spaces = fc.constantFrom("", " ", "\n", "\r\n\t");
const indents = fc.constantFrom(undefined, 1, "\t");

test("property: the end of any JSON value is found, whatever follows", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      indents,
      fc.constantFrom("", ",", "]", " ", ',"a"', "]}"),
      (value, indent, tail) => {
        const text = JSON.stringify(value, null, indent);
        expect(endOfValue(text + tail, 0)).toBe(text.length);
      },
    ),
  );
});

test("property: every field of an object is found where it stands", () => {
  const key = fc.string().filter((each) => each !== "__proto__");
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }),
      spaces,
      indents,
      (object, space, indent) => {
        const text = space + JSON.stringify(object, null, indent);
        for (const [name, value] of Object.entries(object)) {
          const at = offsetOfField(text, [name]);
          expect(text.startsWith(JSON.stringify(name), at)).toBe(true);
          if (!Array.isArray(value) || value.length === 0) continue;
          const last = value.length - 1;
          const item = text.slice(offsetOfField(text, [name, last]));
          expect(JSON.parse(item.slice(0, endOfValue(item, 0)))).toEqual(
            JSON.parse(JSON.stringify(value[last])),
          );
        }
      },
    ),
  );
});

test("property: broken text never makes it run past the end or throw", () => {
  const broken = fc
    .array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", " "))
    .map((all) => all.join(""));
  fc.assert(
    fc.property(broken, (text) => {
      expect(endOfValue(text, 0)).toBeLessThanOrEqual(text.length);
    }),
  );
});
