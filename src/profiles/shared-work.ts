import { Recent } from "./recent.ts";

interface Job<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
  settled: boolean;
  /** The answer may be used until then. */
  untilMs: number;
}

/**
 * Work that several may ask for at once and whose answer is good for a while: it is done once, and aborted when
 * nobody waits for it any more.
 */
export class SharedWork<T> {
  readonly #jobs: Recent<Job<T>>;
  readonly #running = new Set<Job<T>>();
  readonly #goodUntilMs: (answer: T) => number;
  readonly #now: () => number;

  /** `goodUntilMs` says how long an answer may be used; a time in the past: only by those who waited for it. */
  constructor(max: number, goodUntilMs: (answer: T) => number, now: () => number) {
    this.#jobs = new Recent(max);
    this.#goodUntilMs = goodUntilMs;
    this.#now = now;
  }

  /** Throws the signal's reason when aborted, and whatever `work` throws. */
  async do(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const now = this.#now();
    this.#jobs.deleteWhere(({ untilMs }) => untilMs <= now);
    const job = this.#jobs.get(key) ?? this.#start(key, work);
    job.waiters += 1;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([job.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      job.waiters -= 1;
      if (job.waiters === 0 && !job.settled) {
        this.#jobs.delete(key, job);
        job.controller.abort(signal.reason);
      }
    }
  }

  /** Aborts what runs and waits for its end; forgets everything. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const { controller } of running) controller.abort(new Error("closed"));
    await Promise.allSettled(running.map(({ promise }) => promise));
    this.#jobs.clear();
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> {
    const controller = new AbortController();
    const job: Job<T> = {
      promise: work(controller.signal),
      controller,
      waiters: 0,
      settled: false,
      untilMs: Number.POSITIVE_INFINITY,
    };
    this.#jobs.set(key, job);
    this.#running.add(job);
    const settle = (untilMs: number) => {
      job.settled = true;
      job.untilMs = untilMs;
      this.#running.delete(job);
      if (untilMs <= this.#now()) this.#jobs.delete(key, job);
    };
    job.promise.then(
      (answer) => settle(this.#goodUntilMs(answer)),
      () => settle(0),
    );
    return job;
  }
}
