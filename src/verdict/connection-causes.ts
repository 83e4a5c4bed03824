import { CERTIFICATE_ALPN, CERTIFICATE_PORTS, isLegacyEndpoint } from "../lib/aws-limits.ts";
import type { Facts } from "../model/facts.ts";
import { type Detector, explicable, type Finding, keptOut } from "./facts.ts";

/** Row 1. An explicit answer of MQTT's own shows that ALPN was not what was in the way. */
const alpnMissing: Detector = (facts) => {
  const { context, outcome } = facts;
  if (context?.wire.kind !== "mqtt" || !explicable(facts)) return null;
  if (outcome.kind === "refused" && outcome.how !== "closed") return null;
  const { alpn } = context.wire.tls;
  if (alpn.includes("mqtt") || alpn.some((each) => CERTIFICATE_ALPN.includes(each))) return null;
  return {
    code: "ALPN_MISSING",
    evidence: alpn.length === 0 ? "no ALPN was offered" : `ALPN offered: ${alpn.join(", ")}`,
  };
};

/**
 * Rows 3 and 36: this way in is for client certificates, and the authorizer is never asked on it. Where the domain
 * says itself what it takes, port and ALPN say nothing (DG/protocols.html).
 */
export function certificatePath({ context, target, preflight }: Facts): Finding | null {
  const { domain } = preflight;
  const isExplicit =
    domain.kind === "known" && domain.value !== null && domain.value.authenticationType !== "DEFAULT";
  if (context === null || isExplicit) return null;
  const alpn = context.wire.tls.alpn.find((each) => CERTIFICATE_ALPN.includes(each));
  if (alpn !== undefined) return bypass(`ALPN ${alpn} is the client certificate path`);
  // With an address of its own, a tunnel or a stand-in, the port says nothing about AWS's.
  return target.address === null && CERTIFICATE_PORTS.includes(target.port)
    ? bypass(`port ${target.port} is for client certificates`)
    : null;
}

function bypass(evidence: string): Finding {
  return { code: "PORT_BYPASSES_AUTHORIZER", evidence };
}

/** Row 36: let in, but not by the authorizer, so that nothing is known about it. */
export const acceptedPastAuthorizer: Detector = (facts) => {
  const found = facts.outcome.kind === "accepted" ? certificatePath(facts) : null;
  return found && bypass(`${found.evidence}: the gateway let the device in without asking the authorizer`);
};

const refusedOnCertificatePath: Detector = (facts) =>
  facts.outcome.kind === "accepted" ? null : certificatePath(facts);

/** Row 29. */
const legacyEndpoint: Detector = (facts) => {
  const { check, target } = facts;
  if (!keptOut(facts) || check.protocol === "https" || check.profile.mqttVersion !== 5) return null;
  return isLegacyEndpoint(target.endpoint)
    ? { code: "LEGACY_ENDPOINT", evidence: `${target.endpoint} has no -ats in its name` }
    : null;
};

/** Row 40: AWS agrees on the ALPN it is offered; what ends TLS in between and does not is no gateway. */
const alpnLost: Detector = ({ context, outcome }) => {
  if (context?.wire.kind !== "mqtt" || !context.wire.tls.alpn.includes("mqtt")) return null;
  const ended =
    (outcome.kind === "refused" && outcome.how === "closed") ||
    ((outcome.kind === "unreachable" || outcome.kind === "broken") &&
      (outcome.cause === "GATEWAY_RESET" || outcome.cause === "GATEWAY_PROTOCOL_VIOLATION"));
  if (!ended || outcome.transport.tls === null || outcome.transport.tls.alpn !== null) return null;
  return {
    code: "TLS_FAILED",
    evidence: "ALPN mqtt was offered and the peer agreed on none: does something on the way end TLS?",
  };
};

export const CONNECTION_DETECTORS: readonly Detector[] = [
  refusedOnCertificatePath,
  alpnMissing,
  legacyEndpoint,
  alpnLost,
];
