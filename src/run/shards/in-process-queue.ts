import { errorMessage } from "../../lib/errors.ts";
import type { Shard, ShardEnd, ShardReport } from "../../model/shard.ts";
import type { ShardQueue, Signals } from "./queue.ts";
import { type RunnerPorts, runShard } from "./runner.ts";

const LANES = 4;

/** Works on shards in this process: what the others do, without what lies between. */
export class InProcessQueue implements ShardQueue {
  readonly lanes = LANES;
  readonly refusalsMs = 0;
  readonly #ports: RunnerPorts;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
  }

  async work(shard: Shard, onReport: (report: ShardReport) => void, signals: Signals): Promise<ShardEnd> {
    try {
      return await runShard(shard, this.#ports, onReport, signals);
    } catch (error) {
      return { kind: "lost", reason: errorMessage(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
