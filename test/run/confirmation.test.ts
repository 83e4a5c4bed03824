import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/model/outcome.ts";
import { type Attempt, Confirmations, gatewayWord } from "../../src/run/confirmation.ts";
import { ACCEPTED, CLOSED, REFUSED, unreachable } from "../support/fixtures.ts";

function attempt(outcome: Outcome, startedAtMs: number, endedAtMs: number, path = "here"): Attempt {
  return { target: path, protocol: "mqtt", startedAtMs, endedAtMs, word: gatewayWord(outcome) };
}

describe("a bare close", () => {
  it.each([
    ["accepted", ACCEPTED],
    ["refused with a code", REFUSED],
  ])("is confirmed by a later connection that was %s", (_, answer) => {
    const ledger = new Confirmations<string>();
    expect(ledger.note("a", attempt(CLOSED, 0, 10))).toEqual({ held: true, settled: [] });
    expect(ledger.note("b", attempt(answer, 11, 20)).settled).toEqual([{ item: "a", confirmed: true }]);
    expect(ledger.waiting()).toEqual([]);
  });

  it("is not confirmed by a connection that was already under way when it closed", () => {
    const ledger = new Confirmations<string>();
    ledger.note("a", attempt(CLOSED, 0, 10));
    expect(ledger.note("b", attempt(ACCEPTED, 9, 12)).settled).toEqual([]);
    expect(ledger.giveUp()).toEqual([{ item: "a", confirmed: false }]);
  });

  it("is not confirmed by another close, another target, or a failed handshake", () => {
    const ledger = new Confirmations<string>();
    ledger.note("a", attempt(CLOSED, 0, 10));
    ledger.note("b", attempt(CLOSED, 11, 12));
    ledger.note("c", attempt(ACCEPTED, 11, 12, "elsewhere"));
    ledger.note("d", attempt(unreachable("TLS_FAILED", true), 11, 12));
    expect(ledger.waiting()).toEqual([{ target: "here", protocol: "mqtt" }]);
    expect(ledger.giveUp().map(({ confirmed }) => confirmed)).toEqual([false, false]);
  });

  it.each(["TCP_REFUSED", "GATEWAY_RESET"] as const)(
    "stays unconfirmed when the gateway was down (%s) before the next answer",
    (cause) => {
      const ledger = new Confirmations<string>();
      ledger.note("a", attempt(CLOSED, 0, 10));
      expect(ledger.note("b", attempt(unreachable(cause), 11, 12)).settled).toEqual([
        { item: "a", confirmed: false },
      ]);
      expect(ledger.note("c", attempt(ACCEPTED, 13, 14)).settled).toEqual([]);
    },
  );

  it("stays unconfirmed when it was in flight while the gateway was seen down", () => {
    const ledger = new Confirmations<string>();
    ledger.note("b", attempt(unreachable("GATEWAY_RESET"), 4, 9));
    expect(ledger.note("a", attempt(CLOSED, 5, 10))).toEqual({
      held: false,
      settled: [{ item: "a", confirmed: false }],
    });
  });

  it("is settled exactly once, whatever the order of answers", () => {
    const outcome = fc.constantFrom(CLOSED, ACCEPTED, REFUSED, unreachable("TCP_REFUSED"), unreachable());
    fc.assert(
      fc.property(fc.array(fc.tuple(outcome, fc.nat(20), fc.nat(20))), (attempts) => {
        const ledger = new Confirmations<number>();
        const settled: number[] = [];
        let clock = 0;
        attempts.forEach(([each, wait, length], index) => {
          clock += wait;
          const noted = ledger.note(index, attempt(each, clock, clock + length));
          settled.push(...noted.settled.map(({ item }) => item));
        });
        settled.push(...ledger.giveUp().map(({ item }) => item));
        const closes = attempts.flatMap(([each], index) => (each === CLOSED ? [index] : []));
        expect(settled.sort((a, b) => a - b)).toEqual(closes);
      }),
    );
  });
});
