import { monotonicMs, sleep } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { type Check, DERIVED_KINDS } from "../../model/check.ts";
import type { JudgedCheck } from "../../model/result.ts";
import type { Decoy } from "../../model/second-wave.ts";
import type { Shard, ShardCheck, ShardEnd, ShardReport, ShardResult, ShardTask } from "../../model/shard.ts";
import type { Target } from "../../model/target.ts";
import { Confirmations, type Settled } from "../confirmation.ts";
import type { RunMemory } from "../memory.ts";
import type { SecondWave, SecondWaveReport } from "../second-wave.ts";
import { mayFollow } from "../worker.ts";
import { byLocation, cut, type Piece, shardCheck } from "./cut.ts";
import { FollowUps } from "./follow-ups.ts";
import type { ShardQueue } from "./queue.ts";

/** What is the same for all shards of a run. */
export type ShardBase = Pick<Shard, "runId" | "suite" | "files" | "configChecksum">;

export interface Distribution {
  readonly base: ShardBase;
  /** By name. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly checks: AsyncIterable<Check>;
  readonly decoys: readonly Decoy[];
  readonly wave: Pick<SecondWave, "perCohort" | "mayDeriveFrom" | "ledger" | "random">;
  readonly memory: Pick<RunMemory, "origins" | "drawOrigins" | "result">;
  /** Called once per check, in the order in which verdicts become certain. */
  readonly onJudged: (judged: JudgedCheck) => void;
  /** Aborted: start nothing more; what is in flight finishes. */
  readonly stop: AbortSignal;
  /** Aborted: give up what is in flight too. */
  readonly abort: AbortSignal;
  readonly log: Log;
}

/** Checks in a shard, on average: little is done again where a worker is lost, and handing out costs next to nothing. */
const SHARD_SIZE = 50;
/** A shard whose worker is lost again and again may be what kills them. */
const MOST_LOSSES = 5;
const AFTER_REFUSAL_MS = 1_000;

/**
 * Has a run's checks done by the workers behind a queue, and what follows from them. What is told twice counts once.
 * A worker settles what it can by itself; what closes it saw at the end of a shard were is settled here, by an answer
 * from a shard that was handed out later.
 *
 * @throws Error where workers refuse the run, and what the source of the checks throws; what was begun has its result
 */
export async function distribute(input: Distribution, queue: ShardQueue): Promise<SecondWaveReport> {
  const coordinator = new Coordinator(input, queue);
  try {
    await coordinator.firstWave();
    await coordinator.secondWave();
    if (!input.stop.aborted) await coordinator.confirmRest();
  } finally {
    await coordinator.finish();
  }
  return coordinator.report();
}

/** A shard that is under way. */
interface UnderWay {
  readonly shard: Shard;
  /** Without a result yet. */
  readonly open: Map<number, ShardCheck>;
  /** Places in the plan whose result has come. */
  readonly done: Set<number>;
  /** When it was handed out: all its connections were started later. Monotonic. */
  readonly startedAtMs: number;
}

class Coordinator {
  readonly #input: Distribution;
  readonly #queue: ShardQueue;
  readonly #closes = new Confirmations<ShardResult>();
  readonly #followUps: FollowUps;
  /** By target and protocol: a check that got in, to connect again when a close needs confirming. */
  readonly #passed = new Map<string, ShardCheck>();
  /** The last shard of each lane of each location. */
  readonly #lanes = new Map<string, Promise<unknown>>();
  readonly #failed = new AbortController();
  readonly #stop: AbortSignal;
  #nextIndex = 0;
  /** Since when shards are refused and nobody works; null: somebody works. */
  #refusedSinceMs: number | null = null;
  #nextSeq = 0;
  #report: SecondWaveReport = { capped: 0, isCutShort: false };

  constructor(input: Distribution, queue: ShardQueue) {
    this.#input = input;
    this.#queue = queue;
    const { wave, decoys, targets, memory } = input;
    this.#followUps = new FollowUps({ wave, ledger: wave.ledger, decoys, targets, memory });
    this.#stop = AbortSignal.any([input.stop, this.#failed.signal]);
  }

  async firstWave(): Promise<void> {
    const { lanes } = this.#queue;
    const pieces = cut(this.#notRecorded(), { lanes, size: SHARD_SIZE, targets: this.#input.targets });
    const waiting = new Set<Promise<void>>();
    for await (const piece of pieces) {
      // A stretch ahead, so that a lane that is done need not wait for one that is not.
      while (waiting.size > 2 * lanes && !this.#stop.aborted) await Promise.race(waiting);
      if (this.#stop.aborted) break;
      const lane = `${piece.location}/${piece.lane}`;
      const before = this.#lanes.get(lane) ?? Promise.resolve();
      const after = before.then(() => this.#complete({ kind: "first-wave" }, piece));
      this.#lanes.set(lane, after);
      const done = after.then(
        () => void waiting.delete(done),
        (error: unknown) => {
          this.#failed.abort(error);
          waiting.delete(done);
        },
      );
      waiting.add(done);
    }
    await this.#settled();
  }

  async secondWave(): Promise<void> {
    if (this.#stop.aborted) {
      this.#report = { capped: 0, isCutShort: this.#input.wave.perCohort > 0 };
      return;
    }
    const next = this.#followUps.shard(this.#nextSeq);
    if (next === null) return;
    const ends = await Promise.all(
      this.#atLocations(next.checks).map((piece) => this.#complete(next.task, piece)),
    );
    const done = ends.filter((end) => end?.kind === "done");
    this.#report = {
      capped: done.reduce((all, { capped }) => all + capped, 0),
      isCutShort: done.length < ends.length || done.some(({ isCutShort }) => isCutShort),
    };
  }

  /** Asks the gateway once more, with devices that got in, where closes still wait for an explicit answer. */
  async confirmRest(): Promise<void> {
    const wanted = this.#closes.waiting().flatMap((path) => this.#passed.get(pathKey(path)) ?? []);
    await Promise.all(
      this.#atLocations(wanted).map((piece) => this.#complete({ kind: "confirmation" }, piece)),
    );
  }

  /** What was begun gets its result. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#lanes.values());
    for (const { check, result } of this.#followUps.takeRetried()) this.#settleOne(check, result, null);
    this.#settle(this.#closes.giveUp());
  }

  report(): SecondWaveReport {
    return this.#report;
  }

  #atLocations(checks: readonly ShardCheck[]): Piece[] {
    return [...byLocation(checks)].map(([location, own]) => ({ lane: 0, location, checks: own }));
  }

  async *#notRecorded(): AsyncGenerator<Check> {
    for await (const check of this.#input.checks) {
      if (this.#stop.aborted) return;
      this.#nextSeq = Math.max(this.#nextSeq, check.seq + 1);
      const recorded = this.#input.memory.result(check.seq);
      if (recorded === null) yield check;
      else if (mayFollow(check, recorded)) {
        const { profile, protocol, location = null } = check;
        const target = placeOf(profile.target, location);
        this.#passed.set(pathKey({ target, protocol }), shardCheck(check));
        this.#followUps.recall(check);
      }
    }
  }

  /** Waits for what is under way; throws what went wrong with it. */
  async #settled(): Promise<void> {
    await Promise.allSettled(this.#lanes.values());
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
  }

  /** Has a shard done, again where its worker is lost, until nothing of it is open; null: it was stopped before. */
  async #complete(task: ShardTask, piece: Piece): Promise<ShardEnd | null> {
    const { checks } = piece;
    const open = new Map(task.kind === "confirmation" ? [] : checks.map((check) => [check.seq, check]));
    const origins = new Set(task.kind === "second-wave" ? task.origins : []);
    for (const seq of origins) open.delete(seq);
    const done = new Set(this.#recorded(task));
    let losses = 0;
    while (!this.#stop.aborted) {
      const index = this.#nextIndex++;
      const shard = { ...this.#input.base, ...piece, index, task, done: [...done] };
      const underWay = { shard, open, done, startedAtMs: monotonicMs() };
      const end = await this.#queue.work(shard, (report) => this.#take(report, underWay), {
        stop: this.#stop,
        abort: this.#input.abort,
      });
      if (end.kind === "done" && (open.size === 0 || this.#stop.aborted)) return end;
      if (end.kind === "refused") {
        await this.#afterRefusal(end.reason);
        continue;
      }
      losses += 1;
      const reason = end.kind === "lost" ? end.reason : "results are missing";
      this.#input.log.warn({ shard: index, open: open.size, reason }, "a shard is done again");
      if (losses >= MOST_LOSSES) throw new Error(`checks were given up after ${losses} attempts: ${reason}`);
    }
    return null;
  }

  /** Derived checks that an earlier process of the run recorded. */
  #recorded(task: ShardTask): number[] {
    if (task.kind !== "second-wave") return [];
    const { origins, firstDerivedSeq } = task;
    const places = origins.length * DERIVED_KINDS.length;
    return Array.from({ length: places }, (_, index) => firstDerivedSeq + index).filter(
      (seq) => this.#input.memory.result(seq) !== null,
    );
  }

  /** A worker with other profiles leaves the shard to the next one, which may be the same. */
  async #afterRefusal(reason: string): Promise<void> {
    this.#input.log.warn({ reason }, "a worker refused a shard");
    const now = monotonicMs();
    this.#refusedSinceMs ??= now;
    if (now - this.#refusedSinceMs >= this.#queue.refusalsMs) {
      throw new Error(`no worker takes the run; one refused it: ${reason}`);
    }
    // A stop is dealt with by whoever goes on.
    await sleep(AFTER_REFUSAL_MS, this.#stop).catch(() => {});
  }

  #take(report: ShardReport, underWay: UnderWay): void {
    switch (report.kind) {
      case "result":
        this.#takeResult(report.result, underWay);
        return;
      case "witness": {
        const { protocol, word } = report;
        const { startedAtMs, shard } = underWay;
        const target = placeOf(report.target, shard.location);
        const endedAtMs = monotonicMs();
        this.#settle(this.#closes.witness({ target, protocol, word, startedAtMs, endedAtMs }));
        return;
      }
      case "spent":
        this.#input.wave.ledger.spend(report.identities);
        return;
      default:
        assertNever(report, "report");
    }
  }

  #takeResult(result: ShardResult, underWay: UnderWay): void {
    this.#refusedSinceMs = null;
    const { record } = result.judged;
    const { task } = underWay.shard;
    // Told before, by the same worker or by one that was taken for lost.
    if (underWay.done.has(record.seq)) return;
    if (task.kind === "second-wave" && record.derived !== null) {
      underWay.done.add(record.seq);
      this.#settleOne(null, result, underWay);
      return;
    }
    const check = underWay.open.get(record.seq);
    if (check === undefined || check.device !== record.device) return;
    underWay.open.delete(record.seq);
    underWay.done.add(record.seq);
    if (task.kind === "first-wave" && this.#followUps.keeps(check, result)) {
      this.#witness(result, underWay);
      return;
    }
    if (task.kind === "second-wave") this.#followUps.cameBack(record.seq);
    this.#settleOne(check, result, underWay);
  }

  /** @param underWay null: what it tells about others was noted before, or is too old to tell anything */
  #settleOne(check: ShardCheck | null, result: ShardResult, underWay: UnderWay | null): void {
    const { judged, unconfirmed, mayConfirm } = result;
    const { protocol } = judged.record;
    const location = underWay?.shard.location ?? check?.location ?? null;
    const target = placeOf(judged.record.target, location);
    const startedAtMs = underWay?.startedAtMs ?? Number.NEGATIVE_INFINITY;
    const attempt = { target, protocol, word: "closed", startedAtMs, endedAtMs: monotonicMs() } as const;
    if (unconfirmed !== null) {
      const { held, settled } = this.#closes.note(result, attempt);
      this.#settle(held ? [] : settled);
      return;
    }
    if (underWay !== null) this.#witness(result, underWay);
    if (mayConfirm && check !== null) this.#passed.set(pathKey({ target, protocol }), check);
    if (check !== null) this.#followUps.offer(check, result);
    this.#input.onJudged(judged);
  }

  /** A close that was settled where it was seen says nothing about others. */
  #witness({ judged, word }: ShardResult, { startedAtMs, shard }: UnderWay): void {
    if (word === "closed") return;
    const { target: name, protocol } = judged.record;
    const target = placeOf(name, shard.location);
    this.#settle(this.#closes.witness({ target, protocol, word, startedAtMs, endedAtMs: monotonicMs() }));
  }

  #settle(settled: readonly Settled<ShardResult>[]): void {
    for (const { item, confirmed } of settled) {
      const { judged, unconfirmed } = item;
      this.#input.onJudged(confirmed || unconfirmed === null ? judged : unconfirmed);
    }
  }
}

/** From another location another part of the gateway may answer. */
function placeOf(target: string, location: string | null): string {
  return `${location ?? ""}/${target}`;
}

function pathKey({ target, protocol }: { target: string; protocol: string }): string {
  return `${target}\n${protocol}`;
}
