import type { Lasting } from "../../app/lasting.ts";
import { App } from "../../app.ts";
import type { StaticCredentials } from "../../aws/client.ts";
import type { Log } from "../../lib/log.ts";
import type { Config } from "../../model/config.ts";
import type { Problem } from "../../model/problem.ts";
import type { Scan } from "../../profiles/scanner.ts";
import type { Io } from "../io.ts";

export interface SetupParts {
  readonly io: Io;
  readonly log: Log;
  readonly lasting: Lasting;
  readonly awsCredentials: StaticCredentials | null;
}

/** One configuration with what is built from it; a reload puts another one in its place. */
export class Setup {
  readonly config: Config;
  readonly app: App;
  readonly #scan: Scan;
  readonly #closed = Promise.withResolvers<void>();
  #users = 0;
  #isRetired = false;

  /**
   * What is wrong at the start is told at the start; what is lost later makes checks inconclusive. null: its profiles
   * are not fit to run, after the problems were told.
   */
  static async open(
    config: Config,
    { io, log, lasting, awsCredentials }: SetupParts,
    onProblem: (problem: Problem) => void,
  ): Promise<Setup | null> {
    await using opening = new AsyncDisposableStack();
    const app = opening.use(new App({ ...io, stdin: null, config, log, lasting, awsCredentials }));
    let problems = 0;
    const scanned = await app.scan((problem) => {
      problems += 1;
      onProblem(problem);
    }, io.signal);
    await scanned?.fleet.close();
    if (scanned === null || problems > 0) return null;
    opening.move();
    return new Setup(config, app, scanned.scan);
  }

  private constructor(config: Config, app: App, scan: Scan) {
    this.config = config;
    this.app = app;
    this.#scan = scan;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Puts it in force. */
  async takeOver(): Promise<void> {
    await this.app.takeOver(this.#scan);
  }

  /** Keeps the parts for as long as the work takes. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      this.#closeWhenUnused();
    }
  }

  /** Another one is in force: the parts go with the last work that uses them, and then the answer is fulfilled. */
  retire(): Promise<void> {
    this.#isRetired = true;
    this.app.stepBack();
    this.#closeWhenUnused();
    return this.#closed.promise;
  }

  #closeWhenUnused(): void {
    if (this.#isRetired && this.#users === 0) this.#closed.resolve(this.app[Symbol.asyncDispose]());
  }
}
