import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ImportStatement, importsOf, mask } from "./source.ts";

function specifiers(source: string): (string | null)[] {
  return importsOf(source).map((each) => each.specifier);
}

describe("finds every form of import", () => {
  const forms: Readonly<Record<string, Partial<ImportStatement>>> = {
    'import a from "x";': { form: "import", names: ["default"] },
    "import a from 'x'": { form: "import", names: ["default"] },
    'import type A from "x";': { form: "import", names: ["default"] },
    'import * as a from "x";': { form: "import", names: ["*"] },
    'import type * as a from "x";': { form: "import", names: ["*"] },
    'import { a, type B, c as d } from "x";': { form: "import", names: ["a", "B", "c"] },
    'import type { A } from "x";': { form: "import", names: ["A"] },
    'import a, { type B } from "x";': { form: "import", names: ["default", "B"] },
    'import {\n  a,\n  b,\n} from "x";': { form: "import", names: ["a", "b"] },
    'import type from "x";': { form: "import", names: ["default"] },
    'import { type } from "x";': { form: "import", names: ["type"] },
    'import "x";': { form: "import", names: [] },
    'import data from "x" with { type: "json" };': { form: "import", names: ["default"] },
    'export { a } from "x";': { form: "re-export", names: ["a"] },
    'export type { A } from "x";': { form: "re-export", names: ["A"] },
    'export * from "x";': { form: "re-export", names: ["*"] },
    'export * as a from "x";': { form: "re-export", names: ["*"] },
    'const a = await import("x");': { form: "dynamic", names: [] },
    'let a: typeof import("x");': { form: "dynamic", names: [] },
    'const a = await import("x", { with: { type: "json" } });': { form: "dynamic", names: [] },
    'const a = `text ${await import("x")} text`;': { form: "dynamic", names: [] },
  };
  for (const [source, expected] of Object.entries(forms)) {
    test(source, () => {
      expect(importsOf(source)).toMatchObject([{ specifier: "x", line: 1, ...expected }]);
    });
  }

  test("a computed import has no specifier", () => {
    expect(specifiers("await import(path); await import(`./x.ts`); await import('a' + b)")).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("the line is the statement's first", () => {
    expect(importsOf('/* a\n b */\nimport {\n a,\n} from "x";').map((each) => each.line)).toEqual([3]);
  });
});

describe("is not fooled by what only looks like an import", () => {
  const decoys = [
    '// import a from "x";',
    '/* import a from "x"; */',
    "const text = 'import a from \"x\"';",
    'const text = "say \\"import a from x\\"";',
    'const text = `import a from "x";`;',
    'const pattern = /import "x"/;',
    'export const a = "x";',
    'export default "x";',
    "object.import('x');",
    "import.meta.dirname;",
    'const from = "x";',
    'exports.import = "x";',
  ];
  for (const decoy of decoys) {
    test(decoy, () => {
      expect(importsOf(decoy)).toEqual([]);
    });
  }
});

describe("goes on after what confuses simple readers", () => {
  const confusing = [
    'const url = "https://example.com";',
    "const quote = /[\"'`/]/g;",
    'const half = total / 2; const other = "/";',
    "const same = a[0] / b / c;",
    "return /`/.test(text);",
    "const nested = `a ${b ? `c ${ {d: `}`}.d } \\`` : '`'} e`;",
    "const escaped = 'it\\'s';",
    "const dollar = `$ $$ {`;",
    "const comment = 1; // it's \"open",
    "/** it's `open */",
    "const emptyStrings = '' + \"\" + ``;",
    "const type = a as unknown; const b = x++ / 2;",
  ];
  for (const text of confusing) {
    test(text, () => {
      expect(specifiers(`${text}\nimport a from "x";\n`)).toEqual(["x"]);
    });
  }

  test("any mixture of imports and confusing text gives the imports in order", () => {
    const statement = fc.constantFrom("a", "./b.ts", "node:net").map((specifier) => ({
      text: `import { x } from "${specifier}";`,
      specifiers: [specifier],
    }));
    const noise = fc.constantFrom(...confusing).map((text) => ({ text, specifiers: [] as string[] }));
    fc.assert(
      fc.property(fc.array(fc.oneof(statement, noise)), (parts) => {
        const source = parts.map((each) => each.text).join("\n");
        expect(specifiers(source)).toEqual(parts.flatMap((each) => each.specifiers));
      }),
    );
  });
});

test("masking keeps the length and the lines of any text, and never throws", () => {
  const bits = fc.constantFrom("/", "*", '"', "'", "`", "${", "{", "}", "\\", "\n", "a", " ", "import", "(");
  fc.assert(
    fc.property(fc.array(bits), (parts) => {
      const source = parts.join("");
      const masked = mask(source);
      expect(masked).toHaveLength(source.length);
      expect(masked.replace(/[^\n]/g, "")).toBe(source.replace(/[^\n]/g, ""));
    }),
  );
});
