/** Which records are valid, by number: one bit each. */
export class BitSet {
  #bytes = new Uint8Array(1024);

  add(index: number): void {
    const byte = index >>> 3;
    if (byte >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, byte + 1));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[byte] = (this.#bytes[byte] ?? 0) | (1 << (index & 7));
  }

  has(index: number): boolean {
    return ((this.#bytes[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }
}
