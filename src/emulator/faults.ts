import { createHash } from "node:crypto";
import { compilePattern, type Pattern } from "./pattern.ts";
import type { FaultConfig } from "./schema.ts";

/** What a fault may be chosen by; what is not known at that point is absent. */
export interface FaultSubject {
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  readonly serverName?: string | undefined;
  readonly authorizer?: string | undefined;
  /** API operation, for example `TestInvokeAuthorizer`. */
  readonly operation?: string | undefined;
  readonly protocol?: "mqtt" | "wss" | "https" | undefined;
}

export interface Fault {
  readonly kind: FaultConfig["kind"];
  readonly code: number | undefined;
  readonly delayMs: number;
}

interface Rule {
  readonly config: FaultConfig;
  readonly match: readonly (readonly [keyof FaultSubject, Pattern])[];
}

/** Where in a connection a fault strikes, which is the start of its kind's name; `connect` has none. */
type Stage = "tls" | "connect" | "api";

/** Draws faults: the first rule that matches and whose dice falls decides. The same seed repeats the same draws. */
export class Faults {
  #rules: readonly Rule[] = [];
  #random: () => number;

  constructor(faults: readonly FaultConfig[], seed: number) {
    this.#random = seededRandom(seed);
    this.replace(faults);
  }

  replace(faults: readonly FaultConfig[]): void {
    this.#rules = faults.map((config) => ({
      config,
      match: Object.entries(config.match).map(([key, source]) => [
        key as keyof FaultSubject,
        compilePattern(source),
      ]),
    }));
  }

  draw(stage: Stage, subject: FaultSubject): Fault | null {
    for (const { config, match } of this.#rules) {
      if (stageOf(config.kind) !== stage) continue;
      if (!match.every(([key, matches]) => subject[key] !== undefined && matches(subject[key]))) continue;
      if (config.probability < 1 && this.#random() >= config.probability) continue;
      const { kind, code, delayMs, maxDelayMs = delayMs } = config;
      const spread = Math.max(0, maxDelayMs - delayMs);
      return { kind, code, delayMs: delayMs + (spread === 0 ? 0 : this.#random() * spread) };
    }
    return null;
  }
}

function stageOf(kind: FaultConfig["kind"]): Stage {
  if (kind.startsWith("tls-")) return "tls";
  return kind.startsWith("api-") ? "api" : "connect";
}

/** The next of a repeatable series of numbers from 0 to below 1. */
function seededRandom(seed: number): () => number {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash("sha256").update(`${seed}:${drawn}`).digest().readUInt32BE(0) / 2 ** 32;
  };
}
