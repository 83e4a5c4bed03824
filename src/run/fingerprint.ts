import type { Check } from "../model/check.ts";
import type { Fingerprint, TargetFingerprint } from "../model/fingerprint.ts";
import type { ResultRecord } from "../model/result.ts";

/** A target and the authorizers that a run met there, by name. */
export interface UsedTarget {
  readonly target: string;
  readonly authorizers: readonly string[];
}

/** What a run learns, check by check, of what its decision is bound to. */
export interface Used {
  readonly fleetChecksum: string;
  readonly firmware: readonly string[];
  readonly targets: readonly UsedTarget[];
}

/** How a run's circumstances were found at its end. */
export interface Binding {
  /** null: they could not be found out; the decision then binds nobody. */
  readonly fingerprint: Fingerprint | null;
  /** Forbids to believe that the run tested the account it names; null: nothing does. */
  readonly contradiction: string | null;
}

export type BindFn = (used: Used, signal: AbortSignal) => Promise<Binding>;

const MAX_FIRMWARE = 20;
/** Looking at one costs a call; AWS allows 10 a second, and whoever asks for a decision waits for them. */
const MAX_AUTHORIZERS = 20;
/** For looking at all targets of a run. */
const MOST_MS = 10_000;

/** Collects targets, authorizers and firmware labels of a run, however large it is. */
export class UsedParts {
  readonly #firmware = new Set<string>();
  readonly #targets = new Map<string, Set<string>>();
  #isCapped = false;

  /** There were more authorizers than are looked at. */
  get isCapped(): boolean {
    return this.#isCapped;
  }

  /** Passes the plan's checks on and takes note of them. */
  async *watch(checks: AsyncIterable<Check>): AsyncGenerator<Check> {
    for await (const check of checks) {
      const { firmware } = check.profile.labels;
      if (firmware !== undefined) this.#noteFirmware(firmware);
      yield check;
    }
  }

  note({ target, authorizerName }: Pick<ResultRecord, "target" | "authorizerName">): void {
    const names = this.#targets.get(target) ?? new Set<string>();
    this.#targets.set(target, names);
    if (authorizerName === null || names.has(authorizerName)) return;
    if (names.size < MAX_AUTHORIZERS) names.add(authorizerName);
    else this.#isCapped = true;
  }

  used(fleetChecksum: string): Used {
    const targets = [...this.#targets].map(([target, names]) => ({ target, authorizers: [...names].sort() }));
    return { fleetChecksum, firmware: [...this.#firmware].sort(), targets };
  }

  /** Keeps the first few in their order, whichever come first. */
  #noteFirmware(firmware: string): void {
    this.#firmware.add(firmware);
    if (this.#firmware.size <= MAX_FIRMWARE) return;
    const last = [...this.#firmware].sort().at(-1);
    if (last !== undefined) this.#firmware.delete(last);
  }
}

export interface BindingPorts {
  readonly configChecksum: string;
  /** Of the sources as they are now; null: they cannot be read. */
  readonly fleetChecksum: (signal: AbortSignal) => Promise<string | null>;
  /** null: it is not known where the target's devices connect. */
  readonly look: (used: UsedTarget, signal: AbortSignal) => Promise<TargetFingerprint | null>;
  readonly contradiction: (fingerprint: Fingerprint) => string | null;
}

/** Makes the fingerprints of decisions. Neither throws. */
export interface Bindings {
  readonly bind: BindFn;
  /** What a decision was bound to, as it is now; null: it cannot be found out. */
  readonly now: (then: Fingerprint, signal: AbortSignal) => Promise<Fingerprint | null>;
}

export function createBindings({
  configChecksum,
  fleetChecksum: readChecksum,
  look,
  contradiction,
}: BindingPorts): Bindings {
  return {
    async bind({ fleetChecksum, firmware, targets: used }, signal) {
      const targets = await lookAtAll(used, look, signal);
      if (targets === null) return { fingerprint: null, contradiction: null };
      const fingerprint = { configChecksum, fleetChecksum, firmware, targets };
      return { fingerprint, contradiction: contradiction(fingerprint) };
    },
    async now(then, signal) {
      const used = then.targets.map(({ target, authorizers }) => {
        return { target, authorizers: authorizers.map(({ name }) => name) };
      });
      const [fleetChecksum, targets] = await Promise.all([
        readChecksum(signal).catch(() => null),
        lookAtAll(used, look, signal),
      ]);
      if (fleetChecksum === null || targets === null) return null;
      // The same bytes under the same configuration hold the same labels.
      return { configChecksum, fleetChecksum, firmware: then.firmware, targets };
    },
  };
}

/** Looks at the targets side by side; null: one of them could not be looked at in time. */
async function lookAtAll(
  used: readonly UsedTarget[],
  look: BindingPorts["look"],
  signal: AbortSignal,
): Promise<readonly TargetFingerprint[] | null> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error("out of time")), MOST_MS);
  try {
    const ending = AbortSignal.any([signal, late.signal]);
    const targets = await Promise.all(used.map((each) => look(each, ending)));
    const found = targets.filter((each) => each !== null);
    return found.length === targets.length ? found : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
