/**
 * A sample of unknown many, in the memory of the sample: the items of the lowest rank, and at random among equals,
 * so that none is favoured for having come first.
 */
export class Draw<T> {
  readonly #size: number;
  readonly #random: () => number;
  /** By rank, then by chance, lowest first. */
  readonly #drawn: { readonly item: T; readonly rank: number; readonly chance: number }[] = [];

  /** `random`: from 0 up to 1. */
  constructor(size: number, random: () => number) {
    this.#size = size;
    this.#random = random;
  }

  offer(item: T, rank: number): void {
    const one = { item, rank, chance: this.#random() };
    const after = this.#drawn.findIndex(
      (each) => each.rank > rank || (each.rank === rank && each.chance > one.chance),
    );
    this.#drawn.splice(after < 0 ? this.#drawn.length : after, 0, one);
    if (this.#drawn.length > this.#size) this.#drawn.pop();
  }

  drawn(): T[] {
    return this.#drawn.map(({ item }) => item);
  }
}
