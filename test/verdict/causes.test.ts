import { describe, expect, it } from "vitest";
import { CAUSE_CODES, FAULTS } from "../../src/model/causes.ts";
import { CAUSES } from "../../src/verdict/causes.ts";
import { CATALOGUE } from "./catalogue.ts";
import { renderCauses } from "./render-causes.ts";

const CODES = FAULTS.flatMap((fault) => CAUSE_CODES[fault]);

describe("the table of causes", () => {
  it("is what docs/causes.md says", async () => {
    await expect(renderCauses()).toMatchFileSnapshot("../../docs/causes.md");
  });

  it("names every code once, in a form that AWS IoT Jobs takes as a reason code", () => {
    expect(new Set(CODES).size).toBe(CODES.length);
    expect(Object.keys(CAUSES).sort()).toEqual([...CODES].sort());
    for (const code of CODES) expect(code).toMatch(/^[A-Z0-9_]{1,128}$/);
  });

  it("says of each what it means, what shows it and what to do, in whole sentences", () => {
    for (const code of CODES) {
      expect(CAUSES[code].meaning).toMatch(/^\p{L}.*\.$/u);
      expect(CAUSES[code].evidence).toMatch(/^\p{L}.*\.$/u);
      expect(CAUSES[code].nextStep).toMatch(/^\p{Lu}.*\.$/u);
    }
  });

  it("is in docs/causes.md with every code and every row of the catalogue", () => {
    const page = renderCauses();
    expect(page.match(/^### [A-Z0-9_]+$/gm)).toEqual(CODES.map((code) => `### ${code}`));
    const rows = page.match(/^\| \d+ \|/gm)?.map((cell) => Number.parseInt(cell.slice(2), 10));
    expect(rows).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });
});

describe("the catalogue", () => {
  it("has 40 rows, each with a code or a place to look", () => {
    expect(CATALOGUE).toHaveLength(40);
    for (const { row, codes, look } of CATALOGUE) {
      expect(codes.length > 0 || look !== null, `row ${row}`).toBe(true);
    }
  });

  it("agrees with the table on which code belongs to which row", () => {
    for (const { row, codes } of CATALOGUE) {
      const claimed = CODES.filter((code) => (CAUSES[code].rows as readonly number[]).includes(row));
      expect(codes, `row ${row}`).toEqual(expect.arrayContaining(claimed));
    }
    for (const code of CODES) {
      const listed = CATALOGUE.filter(({ codes }) => codes.includes(code)).map(({ row }) => row);
      expect(listed, code).toEqual(expect.arrayContaining([...CAUSES[code].rows]));
    }
  });
});
