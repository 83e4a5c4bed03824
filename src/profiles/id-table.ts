/** Share of the slots in use before the table doubles. */
const MAX_LOAD = 0.8;

/**
 * Remembers where each id was seen first, by a 64-bit hash of the id: 12 bytes a slot, about 25 MB for a million
 * ids, where a Set of texts takes several times that. Two ids of a million share a hash once in 40 million fleets.
 */
export class IdTable {
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** Place plus one; 0 marks a free slot. */
  #place = new Uint32Array(1024);
  #used = 0;

  /** Notes the id at `place`; answers the place where it was seen first, or null when it is new. */
  add(id: string, place: number): number | null {
    if (this.#used >= this.#place.length * MAX_LOAD) this.#grow();
    const [high, low] = hash(id);
    const slot = this.#slotOf(high, low);
    const first = this.#place[slot] ?? 0;
    if (first !== 0) return first - 1;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#place[slot] = place + 1;
    this.#used += 1;
    return null;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #slotOf(high: number, low: number): number {
    const mask = this.#place.length - 1;
    let slot = (low ^ high) & mask;
    while (this.#place[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [high, low, place] = [this.#high, this.#low, this.#place];
    this.#high = new Uint32Array(place.length * 2);
    this.#low = new Uint32Array(place.length * 2);
    this.#place = new Uint32Array(place.length * 2);
    for (const [slot, each] of place.entries()) {
      if (each === 0) continue;
      const target = this.#slotOf(high[slot] ?? 0, low[slot] ?? 0);
      this.#high[target] = high[slot] ?? 0;
      this.#low[target] = low[slot] ?? 0;
      this.#place[target] = each;
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
