import { quotaOwner } from "../../lib/pacing.ts";
import type { Check } from "../../model/check.ts";
import type { ShardCheck } from "../../model/shard.ts";
import type { Target } from "../../model/target.ts";

/** Checks of one lane and location, in plan order. */
export interface Piece {
  readonly lane: number;
  /** null: anywhere. */
  readonly location: string | null;
  readonly checks: readonly ShardCheck[];
}

export interface CutOptions {
  readonly lanes: number;
  /** Checks in a piece, on average. */
  readonly size: number;
  /** By name. */
  readonly targets: ReadonlyMap<string, Target>;
}

/**
 * Cuts a plan into pieces, stretch by stretch and each stretch by lanes, in the memory of one stretch. Whose client id
 * is the same in the same account and Region is always in the same lane.
 */
export async function* cut(checks: AsyncIterable<Check>, options: CutOptions): AsyncGenerator<Piece> {
  const { lanes, size, targets } = options;
  let stretch: ShardCheck[][] = [];
  let held = 0;
  for await (const check of checks) {
    const lane = laneOf(check, targets, lanes);
    const piece = stretch[lane] ?? [];
    stretch[lane] = piece;
    piece.push(shardCheck(check));
    held += 1;
    if (held < lanes * size) continue;
    yield* pieces(stretch);
    stretch = [];
    held = 0;
  }
  yield* pieces(stretch);
}

/** A check by name: nothing of its profile goes along. */
export function shardCheck({ profile, ...check }: Check): ShardCheck {
  return { ...check, device: profile.id };
}

function* pieces(stretch: readonly (readonly ShardCheck[])[]): Generator<Piece> {
  // A sparse array: lanes without a check are left out.
  for (const [lane, checks] of Object.entries(stretch)) {
    for (const [location, own] of byLocation(checks)) yield { lane: Number(lane), location, checks: own };
  }
}

export function byLocation(checks: readonly ShardCheck[]): Map<string | null, ShardCheck[]> {
  return Map.groupBy(checks, ({ location = null }) => location);
}

function laneOf({ profile }: Check, targets: ReadonlyMap<string, Target>, lanes: number): number {
  const { target, clientId, id } = profile;
  const known = targets.get(target);
  const owner = known === undefined ? target : quotaOwner(known);
  return hash(`${owner}/${clientId ?? id}`) % lanes;
}

/** FNV-1a, 32 bits: spreads evenly, and is the same everywhere. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}
