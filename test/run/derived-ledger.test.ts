import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DERIVED_PER_HOUR } from "../../src/lib/pacing.ts";
import { createDerivedLedger, type DerivedUses, identityOf } from "../../src/run/derived-ledger.ts";
import { History } from "../../src/store/history.ts";
import { profileOf, targetOf } from "../support/fixtures.ts";

const HOUR_MS = 3_600_000;

describe("the ledger of derived connections", () => {
  it("gives each identity eight in any hour, never more", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: HOUR_MS / 4 })));
    fc.assert(
      fc.property(steps, (all) => {
        let now = 0;
        const ledger = createDerivedLedger({ now: () => now });
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
    const ledger = createDerivedLedger({ now: () => 0 });
    for (let use = 0; use < DERIVED_PER_HOUR; use += 1) ledger.spend(["decoy"]);
    expect(ledger.spend(["device", "decoy"])).toBe(false);
    expect(ledger.used("device")).toBe(0);
  });
});

describe("a ledger that is kept", () => {
  /** What a process finds that starts when the wall clock shows `wallMs`. */
  const startAt = (kept: DerivedUses, wallMs: number, onProblem = (_: string): void => {}) => {
    let elapsedMs = 0;
    const ledger = createDerivedLedger({
      now: () => 5_000 + elapsedMs,
      wall: () => wallMs + elapsedMs,
      kept,
      onProblem,
    });
    const pass = (ms: number): void => {
      elapsedMs += ms;
    };
    return { ledger, pass };
  };
  const WALL = Date.UTC(2026, 10, 23);

  it("goes on where the process before was, as far as the hour goes", () => {
    using history = temporaryHistory();
    const before = startAt(history.derivedUses, WALL);
    before.ledger.spend(["a", "b"]);
    before.pass(HOUR_MS / 2);
    for (let use = 1; use < DERIVED_PER_HOUR; use += 1) before.ledger.spend(["a"]);

    const after = startAt(history.derivedUses, WALL + HOUR_MS - 1);
    expect([after.ledger.used("a"), after.ledger.used("b")]).toEqual([DERIVED_PER_HOUR, 1]);
    expect(after.ledger.spend(["a"])).toBe(false);
    after.pass(1);
    expect([after.ledger.used("a"), after.ledger.used("b")]).toEqual([DERIVED_PER_HOUR - 1, 0]);
    expect(after.ledger.spend(["a"])).toBe(true);
  });

  it("keeps no more than an hour of it", () => {
    using history = temporaryHistory();
    const { ledger, pass } = startAt(history.derivedUses, WALL);
    ledger.spend(["a"]);
    pass(HOUR_MS);
    ledger.spend(["b"]);
    expect(history.derivedUses.all()).toEqual([{ identity: "b", atMs: WALL + HOUR_MS }]);
  });

  it("takes a use that a clock set back puts into the future for one just made, and one far off for none", () => {
    using history = temporaryHistory();
    history.derivedUses.add(["soon"], WALL + HOUR_MS / 2, 0);
    history.derivedUses.add(["far"], WALL + HOUR_MS, 0);
    const { ledger, pass } = startAt(history.derivedUses, WALL);
    expect([ledger.used("soon"), ledger.used("far")]).toEqual([1, 0]);
    pass(HOUR_MS);
    expect(ledger.used("soon")).toBe(0);
  });

  it("counts on by itself where nothing can be read or written, and says so once", () => {
    const problems: string[] = [];
    const fail = (): never => {
      throw new Error("database or disk is full");
    };
    const { ledger } = startAt({ all: fail, add: fail }, WALL, (problem) => problems.push(problem));
    for (let use = 0; use < DERIVED_PER_HOUR; use += 1) expect(ledger.spend(["a"])).toBe(true);
    expect(ledger.spend(["a"])).toBe(false);
    expect(problems).toEqual(["database or disk is full"]);
  });
});

function temporaryHistory(): History {
  const opened = History.open("");
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}

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
