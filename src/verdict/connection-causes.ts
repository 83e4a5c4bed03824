import { CERTIFICATE_ALPN, CERTIFICATE_PORTS, isLegacyEndpoint } from "../lib/aws-limits.ts";
import { type Detector, hungUp, keptOut } from "./facts.ts";

const alpnMissing: Detector = (facts) => {
  const { context } = facts;
  if (context?.wire.kind !== "mqtt" || !hungUp(facts)) return null;
  const { alpn } = context.wire.tls;
  if (alpn.includes("mqtt") || alpn.some((each) => CERTIFICATE_ALPN.includes(each))) return null;
  return {
    code: "ALPN_MISSING",
    evidence: alpn.length === 0 ? "no ALPN was offered" : `ALPN offered: ${alpn.join(", ")}`,
  };
};

const portBypassesAuthorizer: Detector = ({ context, target }) => {
  const onCertificatePath = context?.wire.tls.alpn.find((each) => CERTIFICATE_ALPN.includes(each));
  if (onCertificatePath !== undefined) {
    return {
      code: "PORT_BYPASSES_AUTHORIZER",
      evidence: `ALPN ${onCertificatePath} is the client certificate path`,
    };
  }
  // With an address of its own, a tunnel or a stand-in, the port says nothing about AWS's.
  return target.address === null && CERTIFICATE_PORTS.includes(target.port)
    ? { code: "PORT_BYPASSES_AUTHORIZER", evidence: `port ${target.port} is for client certificates` }
    : null;
};

const legacyEndpoint: Detector = (facts) => {
  const { check, target } = facts;
  if (!keptOut(facts) || check.protocol === "https" || check.profile.mqttVersion !== 5) return null;
  return isLegacyEndpoint(target.endpoint)
    ? { code: "LEGACY_ENDPOINT", evidence: `${target.endpoint} has no -ats in its name` }
    : null;
};

export const CONNECTION_DETECTORS: readonly Detector[] = [
  portBypassesAuthorizer,
  alpnMissing,
  legacyEndpoint,
];
