import { expect, it } from "vitest";
import type { Check } from "../../src/model/check.ts";
import type { Profile } from "../../src/model/profile.ts";
import { planChecks } from "../../src/plan/select.ts";
import { profileOf } from "../support/fixtures.ts";

const FLEET = [
  profileOf({ id: "a" }),
  profileOf({ id: "b", identity: "device", cohort: "valves" }),
  profileOf({ id: "c", identity: "device", protocols: ["https", "mqtt", "wss"] }),
  profileOf({ id: "d", identity: "device" }),
];

async function plan(allowDeviceIdentity: number, cohorts: readonly string[] | null = null): Promise<Check[]> {
  async function* profiles(): AsyncGenerator<Profile> {
    yield* FLEET;
  }
  const selection = { suite: "all", cohorts, devices: null, allowDeviceIdentity };
  const checks: Check[] = [];
  const everybody = { includes: () => true, asks: () => "first" as const };
  for await (const check of planChecks(profiles(), { cohorts: null }, selection, everybody))
    checks.push(check);
  return checks;
}

function lifted(checks: readonly Check[]): string[] {
  return checks
    .filter(({ guardLifted }) => guardLifted)
    .map(({ profile, protocol }) => `${profile.id} ${protocol}`);
}

it("lifts the guard of the first checks of live devices that are selected, and never over HTTPS", async () => {
  expect(lifted(await plan(0))).toEqual([]);
  expect(lifted(await plan(2))).toEqual(["b mqtt", "c mqtt"]);
  expect(lifted(await plan(2, ["pumps"]))).toEqual(["c mqtt", "c wss"]);
  expect(lifted(await plan(100))).toEqual(["b mqtt", "c mqtt", "c wss", "d mqtt"]);
});

it("numbers the checks in the order of the sources", async () => {
  expect((await plan(1)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
});
