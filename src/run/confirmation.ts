import type { Outcome } from "../model/outcome.ts";
import type { GatewayWord } from "../model/shard.ts";

/** One gateway connection as the ledger sees it. Times are monotonic milliseconds; a wider span is always safe. */
export interface Attempt {
  readonly target: string;
  readonly protocol: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly word: GatewayWord;
}

export interface Settled<T> {
  readonly item: T;
  readonly confirmed: boolean;
}

interface Pending<T> {
  readonly item: T;
  readonly attempt: Attempt;
}

interface Path<T> {
  pending: Pending<T>[];
  /** When the gateway was last seen down on this path; -Infinity: never. */
  lastDownAtMs: number;
}

/**
 * Decides which bare closes were refusals. A gateway that dies closes its connections just as one that refuses a
 * device does, so a close counts only when the same target and protocol gave an explicit answer (accepted, or a
 * code) to a connection that was started after the close, and was not seen down in between.
 */
export class Confirmations<T> {
  readonly #paths = new Map<string, Path<T>>();

  /**
   * Takes note of an attempt. Answers `held` when it is a close that must wait, and the earlier ones that this
   * attempt settles.
   */
  note(item: T, attempt: Attempt): { readonly held: boolean; readonly settled: readonly Settled<T>[] } {
    const path = this.#path(attempt);
    if (attempt.word === "closed") {
      if (path.lastDownAtMs >= attempt.startedAtMs) {
        return { held: false, settled: [{ item, confirmed: false }] };
      }
      path.pending.push({ item, attempt });
      return { held: true, settled: [] };
    }
    return { held: false, settled: this.witness(attempt) };
  }

  /** An attempt that needs no settling itself; a close says nothing. Answers the earlier closes that it settles. */
  witness(attempt: Attempt): readonly Settled<T>[] {
    const path = this.#path(attempt);
    if (attempt.word === "explicit") return this.#confirm(path, attempt.startedAtMs);
    if (attempt.word !== "down") return [];
    path.lastDownAtMs = attempt.endedAtMs;
    return drain(path, false);
  }

  /** The targets and protocols on which closes still wait. */
  waiting(): { readonly target: string; readonly protocol: string }[] {
    return [...this.#paths].flatMap(([key, path]) => {
      const [target = "", protocol = ""] = key.split("\n");
      return path.pending.length > 0 ? [{ target, protocol }] : [];
    });
  }

  /** The run is over: what still waits stays unconfirmed. */
  giveUp(): Settled<T>[] {
    return [...this.#paths.values()].flatMap((path) => drain(path, false));
  }

  /** Hands what still waits to somebody who may see more. */
  handOver(): T[] {
    return this.giveUp().map(({ item }) => item);
  }

  #confirm(path: Path<T>, startedAtMs: number): Settled<T>[] {
    const [earlier, rest] = partition(path.pending, ({ attempt }) => attempt.endedAtMs <= startedAtMs);
    path.pending = rest;
    return earlier.map(({ item }) => ({ item, confirmed: true }));
  }

  #path({ target, protocol }: Attempt): Path<T> {
    const key = `${target}\n${protocol}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = { pending: [], lastDownAtMs: Number.NEGATIVE_INFINITY };
      this.#paths.set(key, path);
    }
    return path;
  }
}

function drain<T>(path: Path<T>, confirmed: boolean): Settled<T>[] {
  const settled = path.pending.map(({ item }) => ({ item, confirmed }));
  path.pending = [];
  return settled;
}

/** A failed handshake or a bad name says nothing about the gateway's health; a dying one looks otherwise. */
export function gatewayWord(outcome: Outcome): GatewayWord {
  switch (outcome.kind) {
    case "accepted":
      return "explicit";
    case "refused":
      return outcome.how === "closed" ? "closed" : "explicit";
    case "unreachable":
      return outcome.cause === "TCP_REFUSED" || outcome.cause === "GATEWAY_RESET" ? "down" : "nothing";
    case "broken":
    case "skipped":
      return "nothing";
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
