import type { DeviceContext, InvokeRequest, Wire } from "./context.ts";
import type { ConnectionState } from "./guard.ts";
import type { DefaultAuthorizer, Invocation } from "./invocation.ts";
import type { Outcome } from "./outcome.ts";
import type { Preflight } from "./preflight.ts";
import type { Credentials, Profile } from "./profile.ts";
import type { TopicTest } from "./proof.ts";
import type { Secret } from "./secret.ts";
import type { ReadyTarget, Target } from "./target.ts";

/** One gateway connection as the device would make it: one attempt, no retry, nothing left open. */
export type ProbeFn<W extends Wire = Wire> = (input: ProbeInput<W>) => Promise<Outcome>;

export interface ProbeInput<W extends Wire = Wire> {
  readonly target: ReadyTarget;
  readonly wire: W;
  /** What text from the gateway is scrubbed of. */
  readonly secrets: readonly Secret[];
  /** What to try after CONNACK, in this order; the connection is ended when all are settled. */
  readonly topics: readonly TopicTest[];
  /** A live device may own the session: if the gateway kept one, leave at once and try nothing. */
  readonly leaveIfSessionPresent: boolean;
  /** For the whole connection, from name resolution to the close. */
  readonly timeoutMs: number;
  /** Aborted: end at once; the outcome is `broken`, `INTERRUPTED`. */
  readonly signal: AbortSignal;
}

export interface InvokeInput {
  readonly target: Target;
  readonly authorizer: string;
  readonly request: InvokeRequest;
  readonly secrets: readonly Secret[];
  readonly signal: AbortSignal;
}

/** Calls TestInvokeAuthorizer under the budget; never throws for anything AWS or the network does. */
export type InvokeFn = (input: InvokeInput) => Promise<Invocation>;

/** Finds the authorizer a device without a name relies on; cached a few minutes per target. */
export type DefaultAuthorizerFn = (target: ReadyTarget, signal: AbortSignal) => Promise<DefaultAuthorizer>;

/** Does this target's domain demand a client certificate beside the authorizer (CUSTOM_AUTH_X509)? */
export type NeedsCertificateFn = (target: ReadyTarget, signal: AbortSignal) => Promise<boolean | "unknown">;

/**
 * What is known about the target and the authorizer, asked once and kept a few minutes; `authorizer` null: none is
 * known to apply. Never throws for anything AWS or the network does.
 */
export type PreflightFn = (
  target: ReadyTarget,
  authorizer: string | null,
  signal: AbortSignal,
) => Promise<Preflight>;

/** Reads from AWS whether somebody is connected with this client id. */
export type ConnectionStateFn = (
  target: ReadyTarget,
  clientId: string,
  signal: AbortSignal,
) => Promise<ConnectionState>;

/** Reads a profile's credentials at the moment they are needed. */
export type CredentialsFn = (profile: Profile, signal: AbortSignal) => Promise<CredentialsAnswer>;

export type CredentialsAnswer =
  | {
      readonly kind: "ready";
      readonly credentials: Credentials;
      /** When the first of them ends, in milliseconds since the epoch; null: none of them says. */
      readonly expiresAtMs: number | null;
    }
  /** `reason` names file, variable or command, never a value. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Pacing of everything that spends a quota (design 5). Waiting ends early, with a throw, when aborted. */
export interface Pacer {
  /** Waits for one token of a control-plane operation of the target's account and Region. */
  take(target: Target, operation: string, signal: AbortSignal): Promise<void>;
  /** A call was throttled although it was paced. */
  throttled(target: Target, operation: string): void;
  /**
   * Waits until a gateway connection may start: a token of the account's connects, and for a client id that
   * nobody here is connected with it nor was within the last second. Call the answer when the connection is over.
   */
  connect(target: Target, clientId: string | null, signal: AbortSignal): Promise<() => void>;
}

/** How often each identity was connected with corrupted on purpose, lately. `identity`: unique over all accounts. */
export interface DerivedLedger {
  /** Derived connections within the last hour. */
  used(identity: string): number;
  /** Takes note of one more for each, unless one of them has had enough; false: it must not be made. */
  spend(identities: readonly string[]): boolean;
}

/** What happened, for metrics and progress; must not throw. */
export interface Observer {
  awsRequest(event: { readonly target: string; readonly operation: string; readonly code: string }): void;
  budgetUsed(event: { readonly target: string; readonly operation: string }): void;
  credentialFailure(event: { readonly cohort: string }): void;
}

export type BuildContextFn = (
  profile: Profile,
  protocol: Profile["protocols"][number],
  credentials: Credentials,
  target: ReadyTarget,
) => DeviceContext | { readonly kind: "invalid"; readonly reason: string };
