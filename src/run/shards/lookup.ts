import type { Profile } from "../../model/profile.ts";

/** Profiles kept after they were read: more than a stretch of the plan, whose shards come one after the other. */
const KEEP = 4096;

/**
 * Finds profiles by id in a source that is read forwards, in bounded memory. Shards come nearly in the order of the
 * source, so it is read about once for a whole run; only for one that is done again it starts anew.
 */
export class ProfileLookup implements AsyncDisposable {
  readonly #open: () => AsyncIterable<Profile>;
  readonly #kept = new Map<string, Profile>();
  #reading: AsyncIterator<Profile> | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param open reads the source from its start */
  constructor(open: () => AsyncIterable<Profile>) {
    this.#open = open;
  }

  /** The profiles in the order of their ids. Throws where one is not there, and what the source throws. */
  find(ids: readonly string[]): Promise<Profile[]> {
    const found = this.#turn.then(() => this.#find(ids));
    this.#turn = found.catch(() => {});
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.#stopReading();
    this.#kept.clear();
  }

  async #find(ids: readonly string[]): Promise<Profile[]> {
    const found = new Map<string, Profile>();
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (kept !== undefined) found.set(id, kept);
    }
    const missing = new Set(ids).difference(found);
    const isUnderWay = this.#reading !== null;
    await this.#readUntil(missing, found);
    if (missing.size > 0 && isUnderWay) await this.#readUntil(missing, found);
    return ids.map((id) => {
      const profile = found.get(id);
      if (profile === undefined) throw new Error(`no valid profile has the id ${JSON.stringify(id)}`);
      return profile;
    });
  }

  /** Reads on, to the end at most; what is found is missing no more. */
  async #readUntil(missing: Set<string>, found: Map<string, Profile>): Promise<void> {
    while (missing.size > 0) {
      this.#reading ??= this.#open()[Symbol.asyncIterator]();
      const next = await this.#next(this.#reading);
      if (next.done) {
        this.#reading = null;
        return;
      }
      const profile = next.value;
      this.#keep(profile);
      if (missing.delete(profile.id)) found.set(profile.id, profile);
    }
  }

  async #next(reading: AsyncIterator<Profile>): Promise<IteratorResult<Profile>> {
    try {
      return await reading.next();
    } catch (error) {
      this.#reading = null;
      throw error;
    }
  }

  #keep(profile: Profile): void {
    this.#kept.delete(profile.id);
    this.#kept.set(profile.id, profile);
    if (this.#kept.size <= KEEP) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  async #stopReading(): Promise<void> {
    await this.#reading?.return?.();
    this.#reading = null;
  }
}
