import type { KeyObject } from "node:crypto";
import type { DeviceContext } from "../model/context.ts";
import type { Credentials, Profile } from "../model/profile.ts";
import type { Target } from "../model/target.ts";

/** Everything lint looks for beyond the form of a profile, each with what it means. */
export const LINT_RULES = {
  "credentials-unreadable": "A credential cannot be read, or what was read cannot stand in its field.",
  "cannot-be-sent": "The profile's fields do not go together on the wire.",
  "signature-not-base64": "The signature is not plain base64: the API refuses it, and so does the gateway.",
  "signature-unpadded": "The signature lacks base64's padding, as base64url leaves it out.",
  "signature-encoding": "A signature inside a raw user name or query string is not URL-encoded, or twice.",
  "signature-unverified": "The signature verifies with none of the public keys given (`--public-key`).",
  "token-expired": "A JWT has expired.",
  "token-expires-soon": "A JWT expires within 24 hours.",
  "token-in-username": "The token holds characters that mean something inside the user name's query suffix.",
  "username-question-marks": "The wire user name holds more than one question mark.",
  "too-long": "A field is longer than TestInvokeAuthorizer or MQTT can take: the check cannot be made.",
  "client-id-too-long": "The client id is longer than the gateway's 128 bytes.",
  "client-id-wildcard":
    "The client id holds `+`, `#` or `*`, which widen a policy that uses `${iot:ClientId}`.",
  "client-id-assigned": "The client id starts with `$GEN/`: the gateway assigned it to somebody.",
  "alpn-without-mqtt": "MQTT with custom authentication on port 443 needs the ALPN protocol `mqtt`.",
  "alpn-bypasses-authorizer": "The ALPN protocol is the client certificate path's: no authorizer is asked.",
  "port-bypasses-authorizer": "The port is the client certificate path's: no authorizer is asked.",
  "legacy-endpoint": "The endpoint looks like the legacy one, which does not speak MQTT 5.",
  "certificate-unreadable": "The client certificate is not a certificate in PEM.",
  "certificate-key-mismatch": "The private key is not the certificate's.",
  "certificate-expires": "The client certificate has expired, expires within 30 days, or is not valid yet.",
  "decoy-unfit": "A suite's decoy is no dedicated profile with a client id of its own.",
} as const;
export type LintRule = keyof typeof LINT_RULES;

/** `problem`: it certainly cannot work. `warning`: it is suspicious. */
export type Severity = "problem" | "warning";

/** One thing lint found. Never holds a value: it may be a secret. */
export interface LintFinding {
  readonly rule: LintRule;
  readonly severity: Severity;
  /** As the profile or the configuration names it. */
  readonly field: string;
  readonly message: string;
}

/** One profile with everything that can be known of it offline. */
export interface LintSubject {
  readonly profile: Profile;
  readonly target: Target;
  /** null: unreadable. Of a profile whose credentials come from a command, only the client certificate. */
  readonly credentials: Credentials | null;
  /** One for each protocol, as far as its credentials could be read. */
  readonly contexts: readonly DeviceContext[];
  /** Authorizers' public keys; empty: signatures are not verified. */
  readonly publicKeys: readonly KeyObject[];
  readonly nowMs: number;
}

/** Looks at a subject for one kind of thing. Pure. */
export type LintCheck = (subject: LintSubject) => readonly LintFinding[];

export function problem(rule: LintRule, field: string, message: string): LintFinding {
  return { rule, severity: "problem", field, message };
}

export function warning(rule: LintRule, field: string, message: string): LintFinding {
  return { rule, severity: "warning", field, message };
}
