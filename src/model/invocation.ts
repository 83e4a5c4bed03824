import type { CauseCode } from "./causes.ts";

/** JSON as parsed; nothing about its shape is promised. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The five response fields of TestInvokeAuthorizer (API_TestInvokeAuthorizer). */
export interface AuthorizerAnswer {
  readonly isAuthenticated: boolean;
  readonly principalId: string | null;
  /** Each element parsed from the JSON text the API returns. */
  readonly policyDocuments: readonly Json[];
  /** SHA-256 of the documents in canonical form, credentials masked; null where none came. */
  readonly policyHash: string | null;
  readonly refreshAfterSeconds: number | null;
  readonly disconnectAfterSeconds: number | null;
}

/**
 * Why the API gave no usable answer. `caller`: our permission, credentials, clock or the Region we ask in;
 * `throttled`: the quota; `service`: AWS or the network to it; `signature`: the request was refused as
 * malformed, which is how a failed signature stage shows; `response`: the authorizer's answer was unusable.
 */
export type ErroredWhy = "caller" | "throttled" | "service" | "signature" | "response";

/** What TestInvokeAuthorizer said. */
export type Invocation =
  | {
      readonly kind: "allowed" | "denied";
      readonly authorizer: string;
      readonly answer: AuthorizerAnswer;
      readonly durationMs: number;
      /** At most so much of `durationMs` may be our own event loop's. */
      readonly delayMs: number;
      readonly requestId: string | null;
    }
  | {
      /** Known without a call: the device names no authorizer and neither the domain nor the account has one. */
      readonly kind: "no-authorizer";
      readonly evidence: string;
    }
  | {
      readonly kind: "errored";
      readonly why: ErroredWhy;
      readonly cause: CauseCode;
      readonly authorizer: string | null;
      /** The exception's name or the system error code, for example `ThrottlingException`, `ECONNREFUSED`. */
      readonly code: string;
      /** Scrubbed text. */
      readonly message: string;
      readonly durationMs: number | null;
      readonly delayMs: number;
      readonly requestId: string | null;
    }
  | {
      readonly kind: "skipped";
      /** `client-certificate`: the API cannot carry the certificate the authorizer needs. */
      readonly why: "client-certificate" | "not-selected";
    };

/** Which authorizer the gateway will call. `from`: who names it. */
export type DefaultAuthorizer =
  | { readonly kind: "known"; readonly name: string; readonly from: "device" | "domain" | "account" }
  | { readonly kind: "none"; readonly evidence: string }
  | { readonly kind: "unknown"; readonly cause: CauseCode; readonly code: string; readonly message: string };
