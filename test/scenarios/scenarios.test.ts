import { beforeAll, describe, expect, it } from "vitest";
import type { Result } from "../../src/model/result.ts";
import { makePki } from "../support/gateway-pki.ts";
import { CATALOGUE } from "../verdict/catalogue.ts";
import { AUTHORIZERS } from "./authorizers.ts";
import { CONTROLS } from "./controls.ts";
import { CREDENTIALS } from "./credentials.ts";
import { POLICIES } from "./policies.ts";
import type { Scenario } from "./scenario.ts";
import { SURROUNDINGS } from "./surroundings.ts";
import { byEmulator, enact } from "./world.ts";

const SCENARIOS: readonly Scenario[] = [
  ...CONTROLS,
  ...CREDENTIALS,
  ...AUTHORIZERS,
  ...POLICIES,
  ...SURROUNDINGS,
];

describe("scenarios", () => {
  const results = new Map<string, Result>();

  beforeAll(async () => {
    const pki = makePki();
    const worlds = byEmulator(SCENARIOS);
    const enacted = await Promise.all(worlds.map((each) => enact(each, pki)));
    for (const [name, result] of enacted.flatMap((each) => [...each])) results.set(name, result);
  }, 120_000);

  it("are enough, each with a name of its own, and cover what a prober can see", () => {
    expect(SCENARIOS.length).toBeGreaterThanOrEqual(30);
    expect(CONTROLS.length).toBeGreaterThanOrEqual(6);
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
    const played = new Set(SCENARIOS.flatMap(({ rows }) => rows));
    const missing = CATALOGUE.filter(({ row, codes }) => codes.length > 0 && !played.has(row));
    // 2: no check sends ALPN over WebSocket. 20: such a run is refused before it begins.
    expect(missing.map(({ row }) => row)).toEqual([2, 20]);
  });

  it("names the right cause first, and none where nothing is wrong", () => {
    const wrong = SCENARIOS.flatMap((scenario) => wrongness(scenario, results.get(scenario.name)));
    process.stdout.write(`scenarios: ${SCENARIOS.length}, right: ${SCENARIOS.length - wrong.length}\n`);
    expect(wrong.join("\n")).toBe("");
  });
});

/** One line about a scenario that went wrong. */
function wrongness({ name, rows, verdict, cause, evidence }: Scenario, result: Result | undefined): string[] {
  if (result === undefined) return [`${name}: no result`];
  const causes = result.verdict.causes;
  const said = `${result.verdict.kind} ${causes[0]?.code ?? null}`;
  const expected = `${verdict} ${cause}`;
  const isProven = evidence === undefined || evidence.test(causes[0]?.evidence ?? "");
  if (said === expected && isProven && (cause !== null || causes.length === 0)) return [];
  const named = causes.map((each) => `\n      ${each.code}: ${each.evidence}`).join("");
  const facts = `${result.invocation.kind}/${result.prediction.decision}/${result.outcome.kind}`;
  return [`row ${rows.join(", ") || "-"}: ${name}: expected ${expected}, got ${said} (${facts})${named}`];
}
