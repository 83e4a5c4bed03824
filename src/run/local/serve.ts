import { assertNever, errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Shard, ShardEnd, ShardReport } from "../../model/shard.ts";
import type { Signals } from "../shards/queue.ts";
import type { Channel, ToParent, ToWorker } from "./messages.ts";
import type { RemotePacer } from "./remote-pacer.ts";

type RunFn = (shard: Shard, report: (report: ShardReport) => void, signals: Signals) => Promise<ShardEnd>;

export interface ServeOptions {
  readonly channel: Channel<ToParent>;
  readonly pacer: RemotePacer;
  /** Makes ready for the shards of a configuration; called once, before any shard. */
  readonly begin: (begin: Extract<ToWorker, { readonly kind: "begin" }>) => RunFn;
  readonly log: Log;
}

/** A local worker's side: works on the shards that its parent sends, until the parent is gone. */
export async function serve({ channel, pacer, begin, log }: ServeOptions): Promise<void> {
  const underWay = new Map<number, { readonly stop: AbortController; readonly abort: AbortController }>();
  let run: RunFn = async () => ({ kind: "refused", reason: "the worker was told of no configuration" });

  async function work(key: number, shard: Shard): Promise<void> {
    const controls = { stop: new AbortController(), abort: new AbortController() };
    underWay.set(key, controls);
    const signals = { stop: controls.stop.signal, abort: controls.abort.signal };
    try {
      const end = await run(shard, (report) => channel.send({ kind: "report", key, report }), signals);
      channel.send({ kind: "end", key, end });
    } catch (error) {
      log.error({ shard: shard.index, error: errorMessage(error) }, "a shard failed");
      channel.send({ kind: "end", key, end: { kind: "lost", reason: errorMessage(error) } });
    } finally {
      underWay.delete(key);
    }
  }

  channel.onMessage((raw) => {
    const message = raw as ToWorker;
    switch (message.kind) {
      case "begin":
        run = begin(message);
        return;
      case "shard":
        void work(message.key, message.shard);
        return;
      case "stop":
      case "abort":
        underWay.get(message.key)?.[message.kind].abort(new Error("the run stops"));
        return;
      case "granted":
        pacer.granted(message);
        return;
      default:
        assertNever(message, "message");
    }
  });
  await gone(channel.closed);
  for (const { stop, abort } of underWay.values()) {
    stop.abort(new Error("the parent is gone"));
    abort.abort(new Error("the parent is gone"));
  }
}

function gone(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
