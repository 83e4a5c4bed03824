import pLimit, { type LimitFunction } from "p-limit";

/** Jobs that may wait for a place at one target before reading the source pauses. */
const WAITING_PER_TARGET = 16;

/** Places in flight at each target, which all that goes on at once in a process shares. */
export class Places {
  readonly #limits: ReadonlyMap<string, LimitFunction>;
  #freed = Promise.withResolvers<void>();

  /** `concurrency`: by target name. */
  constructor(concurrency: ReadonlyMap<string, number>) {
    this.#limits = new Map([...concurrency].map(([target, inFlight]) => [target, pLimit(inFlight)]));
  }

  /** Waits until the target has room in its queue. */
  async room(target: string): Promise<void> {
    const limit = this.#limitOf(target);
    while (limit.pendingCount >= WAITING_PER_TARGET) await this.#freed.promise;
  }

  /** Runs the job when it is its turn. */
  run<T>(target: string, job: () => Promise<T>): Promise<T> {
    return this.#limitOf(target)(job).finally(() => {
      this.#freed.resolve();
      this.#freed = Promise.withResolvers();
    });
  }

  #limitOf(target: string): LimitFunction {
    const limit = this.#limits.get(target);
    if (limit === undefined) throw new Error(`unknown target ${target}`);
    return limit;
  }
}

/** What one run or shard has in flight: for each target as many jobs as there are places, the rest waits. */
export class Lanes {
  readonly #places: Places;
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(places: Places) {
    this.#places = places;
  }

  /** Waits until the target has room in its queue. */
  room(target: string): Promise<void> {
    return this.#places.room(target);
  }

  /** Runs the job when it is its turn. */
  run<T>(target: string, job: () => Promise<T>): Promise<T> {
    const done = this.#places.run(target, job).finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
    return done;
  }

  /** Waits until nothing is in flight; throws what a job threw. */
  async drained(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }
}
