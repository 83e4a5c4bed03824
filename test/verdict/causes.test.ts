import { describe, expect, it } from "vitest";
import { CAUSE_CODES, FAULTS } from "../../src/model/causes.ts";
import { CAUSES } from "../../src/verdict/causes.ts";
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

  it("says of each what it means and what to do, in whole sentences", () => {
    for (const code of CODES) {
      expect(CAUSES[code].meaning).toMatch(/^\p{L}.*\.$/u);
      expect(CAUSES[code].nextStep).toMatch(/^\p{Lu}.*\.$/u);
    }
  });
});
