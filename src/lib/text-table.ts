/** Share of the slots in use before the table grows. */
const MAX_LOAD = 0.8;
/** Less than doubling: while it grows the old table and the new one are there together. */
const GROWTH = 1.5;
const HASHES = 2 ** 32;

/**
 * A number for each of very many texts, by a 64-bit hash of the text: 12 bytes a slot, 15 to 23 MB for a million
 * texts, where a Map takes several times that. Two texts of a million share a hash once in 40 million tables.
 */
export class TextTable {
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** 0 marks a free slot. */
  #value = new Uint32Array(1024);
  #used = 0;

  /** Replaces the text's number (0 where there is none yet; up to 2^32 - 1) and answers what it was. */
  update(text: string, change: (value: number) => number): number {
    if (this.#used >= this.#value.length * MAX_LOAD) this.#grow();
    const [high, low] = hash(text);
    const slot = this.#slotOf(high, low);
    const before = this.#value[slot] ?? 0;
    const after = change(before);
    if (before === 0 && after !== 0) {
      this.#high[slot] = high;
      this.#low[slot] = low;
      this.#used += 1;
    }
    this.#value[slot] = after;
    return before;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #slotOf(high: number, low: number): number {
    const slots = this.#value.length;
    let slot = Math.floor((((low ^ high) >>> 0) / HASHES) * slots);
    while (this.#value[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) {
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
    return slot;
  }

  #grow(): void {
    const [high, low, value] = [this.#high, this.#low, this.#value];
    const slots = Math.ceil(value.length * GROWTH);
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#value = new Uint32Array(slots);
    for (let slot = 0; slot < value.length; slot += 1) {
      const each = value[slot] ?? 0;
      if (each === 0) continue;
      const target = this.#slotOf(high[slot] ?? 0, low[slot] ?? 0);
      this.#high[target] = high[slot] ?? 0;
      this.#low[target] = low[slot] ?? 0;
      this.#value[target] = each;
    }
  }
}

/** Two independent 32-bit hashes (multiply and rotate, then MurmurHash3's final mix). */
function hash(text: string): readonly [number, number] {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(rotate(high ^ code, 13), 0x5bd1e995) + code;
    low = Math.imul(rotate(low ^ code, 17), 0xcc9e2d51) + 0x1b873593;
  }
  return [mix(high ^ text.length), mix(low ^ Math.imul(text.length, 0x27d4eb2f))];
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mix(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}
