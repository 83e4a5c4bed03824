import { AUTHORIZER_NAME, isOwnEndpoint, MOST_CLOCK_SKEW_MS } from "../lib/aws-limits.ts";
import type { Facts } from "../model/facts.ts";
import type { Invocation } from "../model/invocation.ts";
import type { AuthorizerDescription, DomainDescription, Preflight } from "../model/preflight.ts";
import type { Protocol } from "../model/profile.ts";
import type { Detector, Finding } from "./facts.ts";

/*
 * What the account itself says: its domain configuration, its authorizer, its endpoint, its clock. Each detector says
 * by itself when its finding explains anything; evidence names the call it was read from.
 */

/** The gateway was there and did not let the device in, be it that its answer was not to be understood. */
function notIn({ outcome }: Facts): boolean {
  if (outcome.kind === "broken") return NOT_UNDERSTOOD.has(outcome.cause);
  return outcome.kind === "refused" || beganHandshake(outcome);
}

const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(["GATEWAY_PROTOCOL_VIOLATION", "SUBPROTOCOL_MISSING"]);

function beganHandshake(outcome: Facts["outcome"]): boolean {
  return outcome.kind === "unreachable" && outcome.transport.phasesMs.tls !== undefined;
}

/** The API lets the device in, and the gateway was left alone: what else would keep the device out? */
function leftAlone({ outcome, invocation }: Facts): boolean {
  return outcome.kind === "skipped" && invocation.kind === "allowed";
}

/** The gateway or the API refused, for a reason that the authorizer may be. */
export function refusedByAuthorizer({ outcome, invocation }: Facts): boolean {
  return outcome.kind === "refused" || isRefusal(invocation);
}

function isRefusal(invocation: Invocation): boolean {
  if (invocation.kind !== "errored") return invocation.kind === "denied";
  const { why, cause } = invocation;
  return why === "signature" || why === "response" || cause === "AUTHORIZER_NOT_FOUND";
}

function onDomain(look: (domain: DomainDescription, facts: Facts) => Finding | null): Detector {
  return (facts) => {
    const { domain } = facts.preflight;
    return (notIn(facts) || leftAlone(facts)) && domain.kind === "known" && domain.value !== null
      ? look(domain.value, facts)
      : null;
  };
}

/** Looks at the authorizer that would be asked, where it is known. */
export function onAuthorizer(
  look: (authorizer: AuthorizerDescription, facts: Facts) => Finding | null,
): Detector {
  return (facts) => {
    const { authorizer } = facts.preflight;
    return refusedByAuthorizer(facts) && authorizer.kind === "known" && authorizer.value !== null
      ? look(authorizer.value, facts)
      : null;
  };
}

const domainDisabled = onDomain(({ name, enabled }) =>
  enabled
    ? null
    : { code: "DOMAIN_DISABLED", evidence: `DescribeDomainConfiguration ${name}: status DISABLED` },
);

/** Only the handshake shows a certificate: where it was completed, one that is not valid was not used. */
export const domainCertificateInvalid = onDomain(({ name, invalidCertificates: [invalid] }, { outcome }) => {
  if (invalid === undefined || outcome.kind !== "unreachable") return null;
  const inHandshake = outcome.cause === "TLS_FAILED" || outcome.cause.startsWith("SERVER_CERTIFICATE_");
  const evidence = `DescribeDomainConfiguration ${name}: server certificate ${invalid}`;
  return inHandshake ? { code: "DOMAIN_DISABLED", evidence } : null;
});

/** What a domain configuration offers, where it does not leave that to port and ALPN (DG/protocols.html). */
const PROTOCOL_OF: Readonly<Record<string, Protocol>> = {
  SECURE_MQTT: "mqtt",
  MQTT_WSS: "wss",
  HTTPS: "https",
};
const PROTOCOL_NAME: Readonly<Record<Protocol, string>> = {
  mqtt: "MQTT over TLS",
  wss: "MQTT over WebSocket",
  https: "HTTPS",
};
const WITHOUT_AUTHORIZER: ReadonlySet<string> = new Set(["AWS_X509", "AWS_SIGV4"]);

const domainProtocolMismatch = onDomain((domain, { check, context }) => {
  const { name, authenticationType, applicationProtocol } = domain;
  const found = (evidence: string): Finding => ({
    code: "DOMAIN_PROTOCOL_MISMATCH",
    evidence: `DescribeDomainConfiguration ${name}: ${evidence}`,
  });
  if (WITHOUT_AUTHORIZER.has(authenticationType)) {
    return found(`authenticationType ${authenticationType} asks no authorizer`);
  }
  // An application protocol that is not known here decides nothing.
  const offered = Object.hasOwn(PROTOCOL_OF, applicationProtocol)
    ? PROTOCOL_OF[applicationProtocol]
    : undefined;
  if (offered !== undefined && offered !== check.protocol) {
    return found(
      `applicationProtocol ${applicationProtocol}; the device speaks ${PROTOCOL_NAME[check.protocol]}`,
    );
  }
  if (authenticationType !== "CUSTOM_AUTH_X509" || context === null) return null;
  return context.wire.tls.clientCertificate === null
    ? found("authenticationType CUSTOM_AUTH_X509; the device sends no client certificate")
    : null;
});

const authorizerNotFound: Detector = (facts) => {
  const { authorizer } = facts.preflight;
  if (!refusedByAuthorizer(facts) || authorizer.kind !== "known" || authorizer.value !== null) return null;
  const name = authorizerName(facts);
  if (name === null) return null;
  const { accountId, region } = facts.target;
  const evidence = AUTHORIZER_NAME.test(name)
    ? `DescribeAuthorizer: account ${accountId} has no authorizer ${name} in ${region}`
    : "the authorizer's name is none that an authorizer can have";
  return { code: "AUTHORIZER_NOT_FOUND", evidence };
};

function authorizerName({ authorizer, context }: Facts): string | null {
  return authorizer?.kind === "known" ? authorizer.name : (context?.authorizer ?? null);
}

/** The API asks an inactive authorizer all the same; a gateway does not. */
const authorizerInactive: Detector = (facts) => {
  const { authorizer } = facts.preflight;
  if (!refusedByAuthorizer(facts) && !leftAlone(facts)) return null;
  if (authorizer.kind !== "known" || authorizer.value === null || authorizer.value.active) return null;
  const evidence = `DescribeAuthorizer ${authorizer.value.name}: status INACTIVE`;
  return { code: "AUTHORIZER_INACTIVE", evidence };
};

const overrideDisallowed = onDomain((domain, facts) => {
  const { context, outcome } = facts;
  const named = context?.authorizer ?? null;
  const { name, defaultAuthorizer, allowAuthorizerOverride } = domain;
  if (outcome.kind !== "refused" && !leftAlone(facts)) return null;
  if (named === null || defaultAuthorizer === null) return null;
  if (allowAuthorizerOverride || named === defaultAuthorizer) return null;
  const settings = `default authorizer ${defaultAuthorizer}, allowAuthorizerOverride false`;
  return {
    code: "AUTHORIZER_OVERRIDE_DISALLOWED",
    evidence: `DescribeDomainConfiguration ${name}: ${settings}; the device names ${named}`,
  };
});

/** What keeps every device out that takes this way in. */
export const DOMAIN_DETECTORS: readonly Detector[] = [domainDisabled, domainProtocolMismatch];

/** Which authorizer the way leads to, and whether there is one. */
export const CHOICE_DETECTORS: readonly Detector[] = [
  authorizerNotFound,
  authorizerInactive,
  overrideDisallowed,
];

/**
 * What the account says against a device that is left alone, although the API lets it in. That it names another
 * authorizer than the domain's is a doubt only: a gateway may ask the domain's own instead.
 */
export const BARRING_DETECTORS: readonly Detector[] = [...DOMAIN_DETECTORS, authorizerInactive];
export const BARRING_DOUBTS: readonly Detector[] = [overrideDisallowed];

/** Row 4: the server name is missing or leads elsewhere, or the target's own endpoint does. */
export const sniMismatch: Detector = (facts) => {
  const { context, target, outcome } = facts;
  if (context === null || !(outcome.kind === "refused" || beganHandshake(outcome))) return null;
  const { serverName } = context.wire.tls;
  if (serverName === null) return { code: "SNI_MISMATCH", evidence: "no SNI was sent" };
  const own = ownNames(facts.preflight);
  if (own.some((name) => isSame(name, serverName) || isOwnEndpoint(serverName, name))) return null;
  if (isSame(serverName, target.endpoint)) return foreignEndpoint(facts);
  const others = own.filter((name) => !isSame(name, target.endpoint)).map((name) => ` or ${name}`);
  return {
    code: "SNI_MISMATCH",
    evidence: `SNI ${serverName} is not ${target.endpoint}${others.join("")}`,
  };
};

/** The endpoint as configured: wrong for sure only where both calls that could know it were answered. */
function foreignEndpoint({ target, preflight }: Facts): Finding | null {
  const { accountEndpoint, domain } = preflight;
  if (accountEndpoint.kind !== "known" || domain.kind !== "known") return null;
  const own = `the account's own (DescribeEndpoint: ${accountEndpoint.value})`;
  return {
    code: "SNI_MISMATCH",
    evidence: `${target.endpoint} is neither ${own} nor the name of one of its domain configurations`,
  };
}

function ownNames({ accountEndpoint, domain }: Preflight): string[] {
  const domainName = domain.kind === "known" ? (domain.value?.domainName ?? null) : null;
  return [
    ...(accountEndpoint.kind === "known" ? [accountEndpoint.value] : []),
    ...(domainName === null ? [] : [domainName]),
  ];
}

function isSame(name: string, other: string): boolean {
  return name.toLowerCase() === other.toLowerCase();
}

/** Row 38: our clock explains what our own signature, or a certificate's dates, came to. */
export const callerClockSkew: Detector = ({ invocation, outcome, preflight }) => {
  const { clockSkewMs } = preflight;
  if (clockSkewMs.kind !== "known" || Math.abs(clockSkewMs.value) <= MOST_CLOCK_SKEW_MS) return null;
  const signatureRefused = invocation.kind === "errored" && invocation.why === "caller";
  const byDates = outcome.kind === "unreachable" && outcome.cause === "SERVER_CERTIFICATE_EXPIRED";
  if (!signatureRefused && !byDates) return null;
  return { code: "CALLER_CLOCK_SKEW", evidence: `AWS's clock is ${describeSkew(clockSkewMs.value)}` };
};

function describeSkew(skewMs: number): string {
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return `${minutes} minutes ${skewMs > 0 ? "ahead of" : "behind"} this machine's (Date of its answers)`;
}
