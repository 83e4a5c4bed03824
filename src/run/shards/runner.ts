import type { Log } from "../../lib/log.ts";
import { DERIVED_PER_HOUR } from "../../lib/pacing.ts";
import { judgedCheck } from "../../lib/words.ts";
import type { Check } from "../../model/check.ts";
import type { Examined } from "../../model/facts.ts";
import type { DerivedLedger } from "../../model/ports.ts";
import type { Result, Verdict } from "../../model/result.ts";
import type { Decoy } from "../../model/second-wave.ts";
import type { Shard, ShardEnd, ShardReport, ShardResult, ShardTask } from "../../model/shard.ts";
import { gatewayWord } from "../confirmation.ts";
import { identityOf } from "../derived-ledger.ts";
import type { Places } from "../lanes.ts";
import { NO_MEMORY } from "../memory.ts";
import type { SecondWave } from "../second-wave.ts";
import { isWitness, saysNothingOfOthers } from "../settling.ts";
import { Worker, type WorkInput } from "../worker.ts";
import type { Signals } from "./queue.ts";

/** What a worker needs for any shard of a run; every part of it is a port. */
export interface RunnerPorts extends Pick<WorkInput, "examine" | "onFault" | "judge"> {
  /** The shard's checks with their profiles. Throws where one is not there. */
  readonly checks: (shard: Shard) => Promise<readonly Check[]>;
  readonly secondWave: (suite: string, decoys: readonly Decoy[], ledger: DerivedLedger) => SecondWave;
  readonly places: Places;
  /** Where this worker is. */
  readonly location: string;
  readonly log: Log;
}

/** Works on one shard, and tells what comes of it. Throws where its profiles cannot be read. */
export async function runShard(
  shard: Shard,
  ports: RunnerPorts,
  report: (report: ShardReport) => void,
  signals: Signals,
): Promise<ShardEnd> {
  const checks = await ports.checks(shard);
  const ledger = seededLedger(shard.task, (identities) => report({ kind: "spent", identities }));
  const decoys = shard.task.kind === "second-wave" ? shard.task.decoys : [];
  const wave = ports.secondWave(shard.suite, decoys, ledger);
  return new ShardWork(shard, checks, wave, ports, report, signals).run();
}

class ShardWork {
  readonly #shard: Shard;
  readonly #checks: readonly Check[];
  readonly #wave: SecondWave;
  readonly #report: (report: ShardReport) => void;
  readonly #signals: Signals;
  readonly #worker: Worker;
  readonly #done: ReadonlySet<number>;
  /** Of the check whose result comes next. */
  #judged: Examined | null = null;

  constructor(
    shard: Shard,
    checks: readonly Check[],
    wave: SecondWave,
    ports: RunnerPorts,
    report: (report: ShardReport) => void,
    signals: Signals,
  ) {
    this.#shard = shard;
    this.#checks = checks;
    this.#wave = wave;
    this.#report = report;
    this.#signals = signals;
    this.#done = new Set(shard.done);
    const { task } = shard;
    const isSecond = task.kind === "second-wave";
    this.#worker = new Worker({
      ...ports,
      ...signals,
      checks: none(),
      concurrency: ports.places,
      secondWave: isSecond ? wave : { ...wave, perCohort: 0, variationsOf: () => [] },
      memory: { ...NO_MEMORY, origins: () => (isSecond ? task.origins : null) },
      isDone: (seq) => this.#done.has(seq),
      onJudged: (examined) => {
        this.#judged = examined;
      },
      onResult: (result) => {
        if (this.#judged === null) throw new Error("a result of what was not judged");
        this.#tell(this.#judged, result, null);
      },
    });
  }

  async run(): Promise<ShardEnd> {
    const { task } = this.#shard;
    if (task.kind === "confirmation") {
      await Promise.all(this.#checks.map((check) => this.#confirm(check)));
      return NOTHING_LEFT_OUT;
    }
    const origins = new Set(task.kind === "second-wave" ? task.origins : []);
    for (const check of this.#checks) {
      if (this.#signals.stop.aborted) break;
      if (origins.has(check.seq)) this.#worker.recall(check);
      else if (!this.#done.has(check.seq)) await this.#worker.begin(check);
    }
    await this.#worker.drained();
    if (task.kind === "second-wave") await this.#worker.secondWave(task.firstDerivedSeq);
    const open = await this.#worker.handOver();
    for (const { examined, confirmed, unconfirmed } of open) this.#tell(examined, confirmed, unconfirmed);
    return task.kind === "second-wave" ? { kind: "done", ...this.#worker.report() } : NOTHING_LEFT_OUT;
  }

  async #confirm(check: Check): Promise<void> {
    const seen = this.#signals.stop.aborted ? null : await this.#worker.witness(check);
    if (seen === null) return;
    const { target } = check.profile;
    this.#report({
      kind: "witness",
      target,
      protocol: check.protocol,
      word: gatewayWord(seen.outcome),
    });
  }

  #tell(examined: Examined, result: Result, unconfirmed: Result | null): void {
    const judged = judgedCheck(result);
    const told: ShardResult = {
      judged,
      unconfirmed: unconfirmed === null ? null : judgedCheck(unconfirmed),
      word: saysNothingOfOthers(examined) ? "nothing" : gatewayWord(result.outcome),
      ...this.#followUps(examined, result.verdict),
      mayConfirm: unconfirmed === null && isWitness(result),
    };
    this.#report({ kind: "result", result: told });
  }

  /** What may follow from a result; nothing follows from what the second wave brings. */
  #followUps({ facts, ...times }: Examined, verdict: Verdict): Pick<ShardResult, "origin" | "retry"> {
    if (this.#shard.task.kind !== "first-wave") return { origin: null, retry: false };
    const { check, target } = facts;
    const mayDerive = this.#wave.perCohort > 0 && this.#wave.mayDerive({ facts, ...times }, verdict);
    return {
      origin: mayDerive ? identityOf(check, target) : null,
      retry: this.#wave.variationsOf(facts).length > 0,
    };
  }
}

const NOTHING_LEFT_OUT: ShardEnd = { kind: "done", capped: 0, isCutShort: false };

async function* none(): AsyncGenerator<Check> {}

/** Goes on from what whoever handed out the shard knows. */
function seededLedger(task: ShardTask, onSpent: (identities: readonly string[]) => void): DerivedLedger {
  const counts = new Map(task.kind === "second-wave" ? Object.entries(task.used) : []);
  const used = (identity: string) => counts.get(identity) ?? 0;
  return {
    used,
    spend(identities) {
      if (identities.some((identity) => used(identity) >= DERIVED_PER_HOUR)) return false;
      for (const identity of identities) counts.set(identity, used(identity) + 1);
      onSpent(identities);
      return true;
    },
  };
}
