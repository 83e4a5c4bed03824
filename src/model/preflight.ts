import type { CauseCode } from "./causes.ts";
import type { Transport } from "./outcome.ts";

/** What was asked about a target, or why it is not known: a missing permission degrades a check, it fails none. */
export type Checked<T> =
  | { readonly kind: "known"; readonly value: T }
  /** `reason`: scrubbed, for people. */
  | { readonly kind: "not-checked"; readonly reason: string };

/** What matters of an authorizer (API_DescribeAuthorizer). */
export interface AuthorizerDescription {
  readonly name: string;
  readonly active: boolean;
  readonly signing: boolean;
  /** null where signing is off and none was given. */
  readonly tokenKeyName: string | null;
  /** PEM by key name. */
  readonly publicKeys: Readonly<Record<string, string>>;
}

/** What matters of a domain configuration (API_DescribeDomainConfiguration); values as AWS spells them. */
export interface DomainDescription {
  readonly name: string;
  readonly domainName: string | null;
  readonly enabled: boolean;
  readonly defaultAuthorizer: string | null;
  readonly allowAuthorizerOverride: boolean;
  readonly authenticationType: string;
  readonly applicationProtocol: string;
  /** Of server certificates that are not VALID: AWS's own words. */
  readonly invalidCertificates: readonly string[];
}

/** What was asked before the device was tried: about its target, and about the authorizer it leads to. */
export interface Preflight {
  /** null: no authorizer of this name. */
  readonly authorizer: Checked<AuthorizerDescription | null>;
  /** null: no domain configuration of the account has the target's endpoint as its name. */
  readonly domain: Checked<DomainDescription | null>;
  /** The account's own data endpoint in the target's Region (DescribeEndpoint, iot:Data-ATS). */
  readonly accountEndpoint: Checked<string>;
  /** AWS's clock less ours. */
  readonly clockSkewMs: Checked<number>;
}

/** What an account may do in a Region, as Service Quotas has it; null: it does not list it. */
export interface AccountLimits {
  readonly invokesPerSecond: number | null;
  readonly connectsPerSecond: number | null;
}

/** One line of what was looked at before a run, for the report. */
export interface PreflightFinding {
  readonly target: string;
  /** For example `DescribeDomainConfiguration`, `clock`, `certificate`. */
  readonly what: string;
  readonly state: "ok" | "problem" | "not-checked";
  readonly detail: string;
}

/** A connection to a target as far as TLS goes, and no further. */
export type Handshake =
  | { readonly kind: "done"; readonly transport: Transport }
  | {
      readonly kind: "failed";
      readonly cause: CauseCode;
      /** Scrubbed. */
      readonly reason: string;
      readonly tlsAlert: boolean;
      readonly transport: Transport;
    };
