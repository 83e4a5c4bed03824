import { TextTable } from "../lib/text-table.ts";

/** Remembers where each of very many ids was seen first. */
export class IdTable {
  /** Place plus one. */
  readonly #places = new TextTable();

  /** Notes the id at `place`; answers the place where it was seen first, or null when it is new. */
  add(id: string, place: number): number | null {
    const first = this.#places.update(id, (known) => (known === 0 ? place + 1 : known));
    return first === 0 ? null : first - 1;
  }
}
