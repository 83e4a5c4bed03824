import type { Suite } from "../model/config.ts";
import type { Examined } from "../model/facts.ts";
import type { DerivedLedger } from "../model/ports.ts";
import type { Decoy } from "../model/second-wave.ts";
import { attempt, derive, type Ports } from "../pipeline.ts";
import { mayDerive, mayDeriveFrom } from "../plan/derive.ts";
import { variationsOf } from "../plan/vary.ts";
import { clientIdentity } from "../run/derived-ledger.ts";
import { Draw } from "../run/draw.ts";
import type { SecondWave } from "../run/second-wave.ts";

/** What follows from the checks of a suite: corruptions that must be denied, and second attempts. */
export function createSecondWave(
  { derived }: Pick<Suite, "derived">,
  decoys: readonly Decoy[],
  { ports, ledger }: { readonly ports: Ports; readonly ledger: DerivedLedger },
): SecondWave {
  return {
    perCohort: derived?.perCohort ?? 0,
    mayDerive,
    mayDeriveFrom,
    derive: async (passed, signal) => {
      if (derived === null) return [];
      return derive(passed, derived, chooseDecoy(passed.facts, decoys, ledger), ports, signal);
    },
    ledger,
    variationsOf,
    attempt: (examined, variation, signal) => attempt(examined, variation, ports, signal),
    random: Math.random,
  };
}

/** The least used of those that another device can pose as, by chance where several are. */
function chooseDecoy(
  { check, target }: Examined["facts"],
  decoys: readonly Decoy[],
  ledger: DerivedLedger,
): Decoy | null {
  const { id, clientId } = check.profile;
  const draw = new Draw<Decoy>(1, Math.random);
  for (const decoy of decoys) {
    const isOther = decoy.id !== id && (clientId === null || decoy.clientId !== clientId);
    if (decoy.target !== target.name || !isOther) continue;
    draw.offer(decoy, ledger.used(clientIdentity(decoy, target)));
  }
  return draw.drawn()[0] ?? null;
}
