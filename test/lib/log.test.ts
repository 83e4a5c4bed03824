import { expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/model/secret.ts";

it("a level that does not exist is refused with those that do", () => {
  expect(() => createLog("loud")).toThrow(/FLEET_SMOKE_LOG_LEVEL: expected one of trace, debug, info/);
});

it("a secret is logged as <secret>, however deep it lies", () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => lines.push(line) });
  log.info({ a: { deep: { password: new Secret("hunter2") } } }, "said");
  expect(lines.join("")).toContain('"password":"<secret>"');
  expect(lines.join("")).not.toContain("hunter2");
});
