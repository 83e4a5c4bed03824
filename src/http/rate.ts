import { monotonicMs } from "../lib/clock.ts";

export interface Rate {
  /** At once, after a pause. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Keys remembered; beyond them the one that was new the longest ago starts afresh. */
const MAX_KEYS = 10_000;

/** A token bucket for each key, as one time stamp: when its bucket will be full again (GCRA). */
export class RateLimit {
  readonly #rate: Rate;
  readonly #fullAtMs = new Map<string, number>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one; null: it was there. Else the seconds to wait for one, at least 1. */
  take(key: string): number | null {
    const { burst, perSecond } = this.#rate;
    const nowMs = monotonicMs();
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0) + 1000 / perSecond;
    const waitMs = fullAtMs - nowMs - (1000 * burst) / perSecond;
    if (waitMs > 0) return Math.max(1, Math.ceil(waitMs / 1000));
    this.#fullAtMs.set(key, fullAtMs);
    if (this.#fullAtMs.size > MAX_KEYS) this.#forget(nowMs);
    return null;
  }

  #forget(nowMs: number): void {
    for (const [key, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(key);
    for (const key of this.#fullAtMs.keys()) {
      if (this.#fullAtMs.size <= MAX_KEYS) break;
      this.#fullAtMs.delete(key);
    }
  }
}

/** One client, as far as an address tells: whoever has an IPv6 address has 2^64 of them. */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return "";
  const bare = address.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "");
  if (!bare.includes(":")) return bare;
  const [head = "", tail] = bare.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length;
  return [...groups, ...Array<string>(zeros).fill("0"), ...after].slice(0, 4).join(":");
}
