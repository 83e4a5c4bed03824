import type { Access, Profile, Protocol } from "./profile.ts";

export const DERIVED_KINDS = [
  "wrong-password",
  "tampered-signature",
  "tampered-token",
  "no-authorizer",
  "no-sni",
  "foreign-client-id",
  "foreign-topic",
] as const;
/** A deliberate corruption that must be denied. */
export type DerivedKind = (typeof DERIVED_KINDS)[number];

/** One profile over one protocol. */
export interface Check {
  /** Place in the plan, from 0; results are reported in this order. */
  readonly seq: number;
  readonly profile: Profile;
  readonly protocol: Protocol;
  readonly expectation: Access;
  readonly derived: DerivedKind | null;
  /** This run may connect although a live device may use the client id (`--allow-device-identity`). */
  readonly guardLifted: boolean;
  /**
   * When the authorizer is asked: before the gateway, only if the gateway does otherwise than expected, or not at all
   * where the gateway has an answer; omitted: first.
   */
  readonly asks?: "first" | "on-disagreement" | "never";
  /** Where it is to be tested from; omitted: anywhere. */
  readonly location?: string;
}
