import type { Check } from "../../model/check.ts";
import type { DerivedLedger } from "../../model/ports.ts";
import type { Decoy } from "../../model/second-wave.ts";
import type { ShardCheck, ShardResult, ShardTask } from "../../model/shard.ts";
import type { Target } from "../../model/target.ts";
import { clientIdentity, identityOf } from "../derived-ledger.ts";
import { Draw } from "../draw.ts";
import type { RunMemory } from "../memory.ts";
import { drawKey, RETRIED_PER_GROUP, type SecondWave } from "../second-wave.ts";
import { shardCheck } from "./cut.ts";

/** A check to derive from. */
interface Origin {
  readonly check: ShardCheck;
  /** Whom its connections are made as. */
  readonly identity: string;
}

/** A result that waits for second attempts. */
export interface Retried {
  readonly check: ShardCheck;
  readonly result: ShardResult;
}

export interface FollowUpsOptions {
  readonly wave: Pick<SecondWave, "perCohort" | "mayDeriveFrom" | "random">;
  readonly ledger: DerivedLedger;
  readonly decoys: readonly Decoy[];
  /** By name. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly memory: Pick<RunMemory, "origins" | "drawOrigins">;
}

/** Collects during the first wave what the second one starts from, over all workers of a run. */
export class FollowUps {
  readonly #options: FollowUpsOptions;
  /** Drawn by an earlier process of the run; null: none drew. */
  readonly #drawnBefore: readonly number[] | null;
  readonly #draws = new Map<string, Draw<Origin>>();
  readonly #retried = new Map<number, Retried>();
  readonly #retriedOfGroup = new Map<string, number>();

  constructor(options: FollowUpsOptions) {
    this.#options = options;
    this.#drawnBefore = options.memory.origins();
  }

  /** A check that was judged: may something be derived from it? */
  offer(check: ShardCheck, { origin, judged }: ShardResult): void {
    if (origin === null) return;
    const rank = this.#options.ledger.used(origin);
    this.#draw({ check, identity: origin }, judged.record, rank);
  }

  /** A check that an earlier process of the run saw passing. */
  recall(check: Check): void {
    const { wave, targets } = this.#options;
    const target = targets.get(check.profile.target);
    if (target === undefined || !wave.mayDeriveFrom(check)) return;
    const of = { ...check.profile, protocol: check.protocol };
    this.#draw({ check: shardCheck(check), identity: identityOf(check, target) }, of, 0);
  }

  #draw(origin: Origin, of: Parameters<typeof drawKey>[0], rank: number): void {
    const { perCohort, random } = this.#options.wave;
    if (perCohort === 0) return;
    const key = `${drawKey(of)}\n${origin.check.location ?? ""}`;
    const draw = this.#draws.get(key) ?? new Draw<Origin>(perCohort, random);
    this.#draws.set(key, draw);
    if (this.#drawnBefore === null) draw.offer(origin, rank);
    else if (this.#drawnBefore.includes(origin.check.seq)) draw.offer(origin, 0);
  }

  /** Is this result kept back, because its check is going to be tried again? */
  keeps(check: ShardCheck, result: ShardResult): boolean {
    if (!result.retry) return false;
    const key = `${drawKey(result.judged.record)}\n${check.location ?? ""}`;
    const kept = this.#retriedOfGroup.get(key) ?? 0;
    if (kept >= RETRIED_PER_GROUP) return false;
    this.#retriedOfGroup.set(key, kept + 1);
    this.#retried.set(check.seq, { check, result });
    return true;
  }

  /** A check came back from being tried again; false: it was not kept for that, or came back before. */
  cameBack(seq: number): boolean {
    return this.#retried.delete(seq);
  }

  /** What was kept back and not tried again; it is kept no more. */
  takeRetried(): Retried[] {
    const all = [...this.#retried.values()];
    this.#retried.clear();
    return all;
  }

  /** The second wave's work; null: there is none. */
  shard(firstDerivedSeq: number): { checks: ShardCheck[]; task: ShardTask } | null {
    const { decoys, ledger, memory } = this.#options;
    const drawn = [...this.#draws.values()].flatMap((draw) => draw.drawn());
    const before = this.#drawnBefore ?? [];
    // As an earlier process numbered them, so that what it recorded is known again.
    const origins = before.length > 0 ? before : drawn.map(({ check }) => check.seq);
    if (this.#drawnBefore === null) memory.drawOrigins(origins);
    const checks = [...drawn, ...this.#retried.values()].map(({ check }) => check);
    if (checks.length === 0) return null;
    const identities = [...drawn.map(({ identity }) => identity), ...this.#decoyIdentities()];
    const used = Object.fromEntries(identities.map((identity) => [identity, ledger.used(identity)]));
    return {
      checks: checks.sort((a, b) => a.seq - b.seq),
      task: { kind: "second-wave", origins, firstDerivedSeq, decoys, used },
    };
  }

  #decoyIdentities(): string[] {
    const { decoys, targets } = this.#options;
    return decoys.flatMap((decoy) => {
      const target = targets.get(decoy.target);
      return target === undefined ? [] : clientIdentity(decoy, target);
    });
  }
}
