import { type ChildProcess, fork } from "node:child_process";
import { Batch } from "../../lib/batch.ts";
import type { ToParent, ToWorker } from "./messages.ts";

/** A worker process as its parent holds it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #outgoing = new Batch<ToWorker>((messages) => {
    if (this.#process.connected) this.#process.send([...messages], () => {});
  });
  readonly ended: Promise<string>;

  /** @param self how to start this program again: the runtime and its arguments up to the command */
  constructor(self: readonly string[], onMessage: (message: ToParent) => void) {
    const [execPath = "", ...rest] = self;
    const script = rest.at(-1) ?? "";
    this.#process = fork(script, ["shard-worker"], {
      execPath,
      execArgv: rest.slice(0, -1),
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#process.on("message", (messages) => {
      for (const message of messages as readonly ToParent[]) onMessage(message);
    });
    // A pipe that breaks is told by the end of the process.
    this.#process.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => resolve(String(signal ?? `exit ${code}`)));
    });
  }

  send(message: ToWorker): void {
    this.#outgoing.add(message);
  }

  /** Asks it to end, and sees to it that it does. */
  async end(withinMs: number): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), withinMs);
    await this.ended;
    clearTimeout(timer);
  }
}
