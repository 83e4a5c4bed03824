import type { DerivedKind } from "./check.ts";
import type { GateRules } from "./gate.ts";
import type { Retention } from "./history.ts";
import type { WebhookConfig } from "./notification.ts";
import type { Identity } from "./profile.ts";
import type { Secret } from "./secret.ts";
import type { Target } from "./target.ts";

/** A place profiles come from. */
export interface ProfileSource {
  /** File, folder, glob, or `-` for standard input; as written. */
  readonly path: string;
  /** Folder relative paths start from. */
  readonly baseFolder: string;
  /** For profiles that state none. */
  readonly identity: Identity | null;
  readonly clientIdSuffix: string;
  readonly exec: readonly string[] | null;
}

/** Which deliberate corruptions a suite adds to its checks. */
export interface DerivedSettings {
  /** Checks drawn of each target × cohort × protocol; each gets every kind that applies. */
  readonly perCohort: number;
  /** Ids of profiles that lend their client id and topics. */
  readonly decoys: readonly string[];
  readonly kinds: readonly DerivedKind[];
}

export interface Suite {
  readonly name: string;
  /** null: all. */
  readonly cohorts: readonly string[] | null;
  /** Checks per cohort that must be there; null: what the sources hold. */
  readonly expected: Readonly<Record<string, number>> | null;
  readonly authorizer: "every" | "sample" | "on-disagreement";
  /** null: nothing is derived. */
  readonly derived: DerivedSettings | null;
  readonly locations: readonly string[];
  readonly deadlineMs: number;
  readonly failFast: boolean;
  readonly gate: GateRules;
  readonly cohortGates: Readonly<Record<string, Partial<GateRules>>>;
}

export interface ScheduleEntry {
  readonly suite: string;
  readonly cron: string;
  readonly timezone: string;
}

export const SCOPES = ["read", "trigger", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface HttpToken {
  readonly name: string;
  /** Absolute path. */
  readonly tokenFile: string;
  readonly scopes: readonly Scope[];
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Absolute paths. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  readonly allowedHosts: readonly string[];
  readonly tokens: readonly HttpToken[];
}

export interface StoreConfig {
  /** Absolute path. */
  readonly path: string;
  readonly retention: Retention;
}

/** Who does the checks of a run. */
export type QueueConfig =
  /** Processes on this machine; 1: this one. */
  | { readonly kind: "local"; readonly workers: number | "auto" }
  /** Whoever takes them from Redis, wherever it is. */
  | {
      readonly kind: "bullmq";
      readonly redis: Secret;
      /** PEM of who signed the server's certificate; null: the system's roots. */
      readonly ca: string | null;
      readonly prefix: string;
    };

/** Nobody to share anything with. */
export const THIS_PROCESS: QueueConfig = { kind: "local", workers: 1 };

export interface Config {
  readonly file: string;
  readonly targets: readonly Target[];
  readonly profiles: readonly ProfileSource[];
  /** At least one; an implicit suite `all` where the file has none. */
  readonly suites: readonly Suite[];
  readonly schedule: readonly ScheduleEntry[];
  readonly http: HttpConfig;
  /** null: runs are forgotten with the process. */
  readonly store: StoreConfig | null;
  readonly notify: readonly WebhookConfig[];
  readonly queue: QueueConfig;
}
