import { CERTIFICATE_ALPN } from "../lib/aws-limits.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Facts } from "../model/facts.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Variation } from "../model/second-wave.ts";
import type { Finding } from "./facts.ts";

const CHANGED: Readonly<Record<Variation, { readonly code: CauseCode; readonly how: string }>> = {
  "alpn-mqtt": { code: "ALPN_MISSING", how: "with ALPN mqtt" },
  "no-client-certificate": { code: "CLIENT_CERTIFICATE_UNEXPECTED", how: "without its client certificate" },
  "signature-encoding": { code: "SIGNATURE_URL_ENCODING", how: "with the signature URL-encoded once" },
  "endpoint-server-name": { code: "SNI_MISMATCH", how: "with the endpoint as SNI" },
  "clean-session-no-will": {
    code: "POLICY_WILL_OR_SESSION",
    how: "with a clean session and without a will",
  },
};

/** What changing one thing about the device showed. */
export interface Tried {
  /** The changed device got in: nothing explains the refusal better. */
  readonly proven: readonly Finding[];
  /** The changed device was kept out just the same: this alone it was not. By code, with what is to be said of it. */
  readonly doubtful: ReadonlyMap<CauseCode, string>;
}

/** Reads the second attempts of a device that should have got in. */
export function whatWasTried(facts: Facts): Tried {
  const proven: Finding[] = [];
  const doubtful = new Map<CauseCode, string>();
  // Of a device that has to stay out nothing is proven by its staying out.
  const attempts = facts.check.expectation === "allow" ? facts.secondAttempts : [];
  for (const { variation, outcome } of attempts) {
    const code = codeOf(variation, facts);
    const { how } = CHANGED[variation];
    if (outcome.kind === "accepted") proven.push({ code, evidence: `${how} the same device got in` });
    else if (isSame(outcome, facts.outcome)) doubtful.set(code, `${how} it was kept out just the same`);
  }
  return { proven, doubtful };
}

/** A device that offered the certificate path's ALPN did not forget the other one. */
function codeOf(variation: Variation, { context }: Facts): CauseCode {
  const isOnCertificatePath = context?.wire.tls.alpn.some((each) => CERTIFICATE_ALPN.includes(each)) === true;
  return variation === "alpn-mqtt" && isOnCertificatePath
    ? "PORT_BYPASSES_AUTHORIZER"
    : CHANGED[variation].code;
}

function isSame(second: Outcome, first: Outcome): boolean {
  if (second.kind === "refused" && first.kind === "refused") {
    return second.how === first.how && second.code === first.code;
  }
  return second.kind === "unreachable" && first.kind === "unreachable" && second.cause === first.cause;
}
