import { type Check, DERIVED_KINDS, type DerivedKind } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { Expectation, Profile } from "../model/profile.ts";
import type { Verdict } from "../model/result.ts";
import type { Decoy } from "../model/second-wave.ts";

/** A check without its place in the plan. */
export type DerivedCheck = Omit<Check, "seq">;

export interface DeriveInput {
  /** Of a check that `mayDerive`. */
  readonly facts: Examined["facts"];
  /** It is known that neither the domain nor the account has an authorizer for devices that name none. */
  readonly noDefaultAuthorizer: boolean;
  /** A dedicated profile on the same target; null: what needs one is left out. */
  readonly decoy: Decoy | null;
  /** Others are left out. */
  readonly kinds: readonly DerivedKind[];
}

/**
 * Only a device that got in shows something by being refused, and only one that no live device shares may be tried.
 * With a will or a lasting session even a refused connection might touch what lives on behind it.
 */
export function mayDerive({ facts }: Examined, verdict: Verdict): boolean {
  const { check, context, outcome } = facts;
  if (context === null || verdict.kind !== "pass" || outcome.kind !== "accepted") return false;
  return mayDeriveFrom(check);
}

/** As far as the check alone tells. */
export function mayDeriveFrom({ profile, protocol, expectation, derived }: Check): boolean {
  if (expectation !== "allow" || derived !== null || profile.identity !== "dedicated") return false;
  if (protocol === "https") return true;
  const { mqttVersion, connect } = profile;
  const { cleanSession, sessionExpirySeconds, will } = connect;
  return will === null && cleanSession && !(mqttVersion === 5 && sessionExpirySeconds > 0);
}

/** Every deliberate corruption that applies to a device that got in; each must be denied. */
export function deriveChecks(input: DeriveInput): DerivedCheck[] {
  const { check } = input.facts;
  return DERIVED_KINDS.filter((kind) => input.kinds.includes(kind)).flatMap((kind) => {
    const profile = CORRUPTIONS[kind](input);
    if (profile === null) return [];
    return [{ ...check, profile, expectation: "deny" as const, derived: kind, guardLifted: false }];
  });
}

/** The profile of the corrupted check; null: the kind does not apply. Credentials are corrupted when they are read. */
const CORRUPTIONS: Readonly<Record<DerivedKind, (input: DeriveInput) => Profile | null>> = {
  "wrong-password": (input) => {
    const wire = input.facts.context?.wire;
    const password = wire === undefined || wire.kind === "https" ? null : wire.connect.password;
    return password !== null && password.length > 0 ? corrupted(input) : null;
  },
  "tampered-signature": (input) => {
    const { context, preflight } = input.facts;
    // With signing off nobody looks at it, and who may not ask whether it is on must not raise an alarm for that.
    const signingIsOn = preflight.authorizer.kind === "known" && preflight.authorizer.value?.signing;
    return context?.request.tokenSignature && signingIsOn ? corrupted(input) : null;
  },
  "tampered-token": (input) => (isTokenOfAuthorizer(input.facts) ? corrupted(input) : null),
  "no-authorizer": (input) => {
    const { context } = input.facts;
    // With a client certificate the device may be meant to come in without an authorizer.
    if (!context || context.authorizer === null || context.wire.tls.clientCertificate) return null;
    return input.noDefaultAuthorizer ? corrupted(input, { authorizer: null }) : null;
  },
  "no-sni": (input) => {
    const { check, context } = input.facts;
    // Over https and wss the gateway may go by the Host header.
    if (check.protocol !== "mqtt" || !context || context.wire.tls.serverName === null) return null;
    return corrupted(input, { tls: { ...check.profile.tls, serverName: "" } });
  },
  "foreign-client-id": (input) => {
    const { check } = input.facts;
    const clientId = input.decoy?.clientId ?? null;
    if (clientId === null || check.protocol === "https" || clientId === check.profile.clientId) return null;
    return corrupted(input, { clientId });
  },
  "foreign-topic": (input) => {
    const { check } = input.facts;
    if (check.protocol === "https") return null;
    const own = ownTopics(check.profile);
    const topic = input.decoy?.topics.find((each) => !own.includes(each));
    if (topic === undefined) return null;
    return corrupted(input, { expect: { ...NOTHING_EXPECTED, subscribe: { allow: [], deny: [topic] } } });
  },
};

const NO_TOPICS = { allow: [], deny: [] };
/** Of a corrupted check only that it is denied: should it get in, it does nothing more. */
const NOTHING_EXPECTED: Expectation = {
  access: "deny",
  publish: NO_TOPICS,
  subscribe: NO_TOPICS,
  receive: NO_TOPICS,
  principalId: null,
  refreshAfterSeconds: null,
  disconnectAfterSeconds: null,
  preset: null,
};

function corrupted({ facts }: DeriveInput, changes: Partial<Profile> = {}): Profile {
  return { ...facts.check.profile, expect: NOTHING_EXPECTED, ...changes };
}

/**
 * Is what the device sends as its token certainly what its authorizer reads? One that reads another key lets a
 * device in whatever stands here, and a raw user name does not say which of its pairs is the token.
 */
function isTokenOfAuthorizer({ check, context, preflight }: DeriveInput["facts"]): boolean {
  if (!context?.request.token) return false;
  const described = preflight.authorizer.kind === "known" ? preflight.authorizer.value : null;
  const expectedKey = described?.tokenKeyName ?? null;
  return expectedKey === null ? check.profile.token !== null : context.tokenKey === expectedKey;
}

function ownTopics({ topic, expect }: Profile): readonly string[] {
  const { publish, subscribe, receive } = expect;
  return [...publish.allow, ...subscribe.allow, ...receive.allow, ...(topic === null ? [] : [topic])];
}
