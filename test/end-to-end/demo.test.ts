import { describe, expect, it } from "vitest";
import { run, start } from "../support/program.ts";

describe("the demo", () => {
  it("ends with 3 and shows go cohorts, a no-go cohort and named causes on one screen", async () => {
    const { code, stdout } = await run(["demo", "--once"]);
    for (const cohort of ["pumps", "sensors", "gateways"]) {
      expect(stdout).toMatch(new RegExp(`^ +${cohort} +demo +✔ go`, "m"));
    }
    expect(stdout).toMatch(/^ +valves +demo +✘ no-go/m);
    for (const cause of [
      "AUTHORIZER_DENIED_EXPECTED_ALLOW",
      "POLICY_CONNECT_DENIED",
      "ALPN_MISSING",
      "SIGNATURE_NOT_BASE64",
      "SIGNATURE_INVALID",
      "AUTHORIZER_NOT_FOUND",
      "PRINCIPAL_ID_INVALID",
      "GATEWAY_REFUSED_UNEXPLAINED",
      "UNEXPECTED_ACCEPT",
    ]) {
      expect(stdout).toContain(`✘ ${cause}  4 checks`);
    }
    expect(stdout).toContain("520 checks");
    expect(code).toBe(3);
  });

  it("ends with 0 for the healthy cohort", async () => {
    const { code, stdout } = await run(["demo", "--once", "--cohort", "pumps"]);
    expect(stdout).toMatch(/GO {2}all/);
    expect(code).toBe(0);
  });

  it("stays up, says where, and ends its emulator with itself", async () => {
    const demo = start(["demo", "--cohort", "pumps"]);
    const [, gateway = ""] = await demo.says(/gateway 127\.0\.0\.1:(\d+)/);
    const [, url = ""] = await demo.says(/stays up: (http:\S+)\//);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/fleet_smoke_last_go_timestamp_seconds/);
    demo.process.kill("SIGTERM");
    expect(await demo.ended).toBe(0);
    await expect(fetch(`https://127.0.0.1:${gateway}`)).rejects.toThrow();
  });
});
