import { createHash } from "node:crypto";
import { type FAULT_PROTOCOLS, type FaultConfig, type FaultSettings, MAX_DELAY_MS } from "./fault-schema.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** 99 of 100 draws of the standard normal distribution lie below. */
const NORMAL_P99 = 2.326_347_874;

/** What a fault may be chosen by; what is not known at that point is absent. */
export interface FaultSubject {
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  readonly serverName?: string | undefined;
  readonly authorizer?: string | undefined;
  /** API operation, for example `TestInvokeAuthorizer`. */
  readonly operation?: string | undefined;
  readonly protocol?: (typeof FAULT_PROTOCOLS)[number] | undefined;
}

export interface Fault {
  readonly kind: FaultConfig["kind"];
  readonly code: number | undefined;
  readonly delayMs: number;
  /** What `tls-certificate` shows. */
  readonly certificate: FaultConfig["certificate"];
}

interface Rule {
  readonly config: FaultConfig;
  readonly match: readonly (readonly [keyof FaultSubject, Pattern])[];
}

/**
 * Where a fault strikes, which is the start of its kind's name; `connect` has none. `tls`: before the handshake;
 * `open`: after it; `http`: a request at the gateway; `connect`: a CONNECT or a publish request; `session`: a client
 * that is let in; `api`: a call.
 */
const STAGES = ["tls", "open", "http", "session", "api"] as const;
export type Stage = (typeof STAGES)[number] | "connect";

/** Draws faults: the first rule that matches and whose dice falls decides. The same seed repeats the same draws. */
export class Faults {
  #rules: readonly Rule[] = [];
  #random: () => number;
  #current: FaultSettings;

  constructor(settings: FaultSettings) {
    this.#current = settings;
    this.#random = seededRandom(settings.faultSeed);
    this.replace(settings);
  }

  get current(): FaultSettings {
    return this.#current;
  }

  /** Takes effect at once; the dice start anew from the seed. */
  replace(settings: FaultSettings): void {
    this.#current = settings;
    this.#random = seededRandom(settings.faultSeed);
    this.#rules = settings.faults.map((config) => ({
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
      const { kind, code, certificate } = config;
      return { kind, code, certificate, delayMs: this.#delayMs(config) };
    }
    return null;
  }

  /** Evenly between two bounds, or log-normal with the median and the 99th percentile that are given. */
  #delayMs({ delayMs, maxDelayMs = delayMs, latency }: FaultConfig): number {
    if (latency === undefined) {
      const spread = Math.max(0, maxDelayMs - delayMs);
      return delayMs + (spread === 0 ? 0 : this.#random() * spread);
    }
    const { p50Ms, p99Ms } = latency;
    const sigma = Math.log(p99Ms / p50Ms) / NORMAL_P99;
    return Math.min(MAX_DELAY_MS, p50Ms * Math.exp(sigma * this.#normal()));
  }

  /** Box and Muller's transform. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()));
    return radius * Math.cos(2 * Math.PI * this.#random());
  }
}

function stageOf(kind: FaultConfig["kind"]): Stage {
  return STAGES.find((stage) => kind.startsWith(`${stage}-`)) ?? "connect";
}

/** The next of a repeatable series of numbers from 0 to below 1. */
function seededRandom(seed: number): () => number {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash("sha256").update(`${seed}:${drawn}`).digest().readUInt32BE(0) / 2 ** 32;
  };
}
