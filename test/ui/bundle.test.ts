import { describe, expect, it } from "vitest";
import { firstScreenFiles } from "./bundle.ts";

describe("the built dashboard", () => {
  it("needs less than 150 kB of compressed scripts and styles for the first screen", () => {
    const files = firstScreenFiles();
    expect(files.map(({ file }) => file.split(".").at(-1))).toEqual(expect.arrayContaining(["js", "css"]));
    expect(files.reduce((all, { gzipBytes }) => all + gzipBytes, 0)).toBeLessThan(150_000);
  });
});
