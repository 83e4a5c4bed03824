import { CERTIFICATE_ALPN, CERTIFICATE_PORTS, isLegacyEndpoint } from "../lib/aws-limits.ts";
import { realm } from "../lib/words.ts";
import type { Profile } from "../model/profile.ts";
import type { Target } from "../model/target.ts";
import { type LintCheck, type LintFinding, type LintRule, problem, warning } from "./finding.ts";

/** Rows 1 and 3: what the ALPN protocols offered lead to. */
export const alpn: LintCheck = ({ profile, target }) => {
  const offered = profile.tls.alpn;
  if (offered === null || !profile.protocols.includes("mqtt")) return [];
  const find = (rule: LintRule, message: string) => {
    const severity = isCertain(profile, target) ? problem : warning;
    return [severity(rule, "tls.alpn", message)];
  };
  if (offered.some((each) => CERTIFICATE_ALPN.includes(each))) {
    return find(
      "alpn-bypasses-authorizer",
      "offers the client certificate path, where no authorizer is asked",
    );
  }
  if (offered.includes("mqtt")) return [];
  return find("alpn-without-mqtt", "does not offer mqtt, which custom authentication on port 443 needs");
};

/**
 * Only the account's own endpoint surely infers the way in from port and ALPN (DG/protocols.html). A domain
 * configuration may say otherwise, and any endpoint that is written down may be one.
 */
function isCertain({ tls }: Profile, target: Target): boolean {
  return target.endpoint === null && tls.serverName === null && realm(target) === "aws";
}

/** Row 29. By its name alone, so not certain: a managed domain may be called likewise. */
export const legacyEndpoint: LintCheck = ({ profile, target }) => {
  const name = profile.tls.serverName || target.endpoint;
  const speaksMqtt = profile.protocols.some((protocol) => protocol !== "https");
  if (profile.mqttVersion !== 5 || !speaksMqtt || name === null || !isLegacyEndpoint(name)) return [];
  const message = "5, but the endpoint has no -ats in its name, as the legacy one that speaks 3.1.1 only";
  return [warning("legacy-endpoint", "mqttVersion", message)];
};

/** Row 3, of a target as a whole. An address of its own may lead anywhere: its port says nothing about AWS's. */
export function lintTarget({ address, port }: Target, index: number): readonly LintFinding[] {
  if (address !== null || !CERTIFICATE_PORTS.includes(port)) return [];
  const message = `${port} is for client certificates: custom authentication is refused there, except on a domain that demands both`;
  return [warning("port-bypasses-authorizer", `targets[${index}].port`, message)];
}
