import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DERIVED_PER_HOUR } from "../../src/lib/pacing.ts";
import { createDerivedLedger, identityOf } from "../../src/run/derived-ledger.ts";
import { profileOf, targetOf } from "../support/fixtures.ts";

const HOUR_MS = 3_600_000;

describe("the ledger of derived connections", () => {
  it("gives each identity eight in any hour, never more", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: HOUR_MS / 4 })));
    fc.assert(
      fc.property(steps, (all) => {
        let now = 0;
        const ledger = createDerivedLedger(() => now);
        const spent: { identity: string; at: number }[] = [];
        for (const [identity, ms] of all) {
          now += ms;
          const recent = spent.filter((each) => each.identity === identity && each.at > now - HOUR_MS).length;
          expect(ledger.used(identity)).toBe(recent);
          expect(ledger.spend([identity])).toBe(recent < DERIVED_PER_HOUR);
          if (recent < DERIVED_PER_HOUR) spent.push({ identity, at: now });
        }
      }),
    );
  });

  it("spends for all identities of a connection or for none", () => {
    const ledger = createDerivedLedger(() => 0);
    for (let use = 0; use < DERIVED_PER_HOUR; use += 1) ledger.spend(["decoy"]);
    expect(ledger.spend(["device", "decoy"])).toBe(false);
    expect(ledger.used("device")).toBe(0);
  });
});

describe("whom a connection is made as", () => {
  const target = targetOf();
  const of = (changes: Parameters<typeof profileOf>[0], protocol: "mqtt" | "https" = "mqtt", at = target) =>
    identityOf({ profile: profileOf(changes), protocol }, at);

  it("is the client id, whatever the profile and the target's name are", () => {
    expect(of({ id: "x" })).toBe(of({ id: "y" }, "mqtt", targetOf({ name: "there" })));
    expect(of({ clientId: "x" })).not.toBe(of({ clientId: "y" }));
  });

  it("is the profile where no client id is sent, and never the same as a client id", () => {
    expect(of({ id: "x", clientId: "c" }, "https")).toBe(of({ id: "x", clientId: null }, "https"));
    expect(of({ id: "x" }, "https")).not.toBe(of({ clientId: "x" }));
  });

  it("belongs to an account and its Region", () => {
    expect(of({})).not.toBe(of({}, "mqtt", targetOf({ region: "eu-central-1" })));
    expect(of({})).not.toBe(of({}, "mqtt", targetOf({ accountId: "210987654321" })));
  });
});
