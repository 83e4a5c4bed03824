import { clientCertificate } from "./certificate.ts";
import { alpn, legacyEndpoint } from "./connection.ts";
import type { LintCheck, LintFinding, LintSubject } from "./finding.ts";
import { clientId, lengths } from "./lengths.ts";
import { signatureEncoding, signatureForm, signatureVerifies, usernameQuery } from "./signatures.ts";
import { tokenExpiry } from "./tokens.ts";

/** What spoils a check whatever it expects. */
const ALWAYS: readonly LintCheck[] = [lengths, clientCertificate];

/** What keeps a device out: where that is expected, it may be on purpose. */
const WHERE_ALLOW_IS_EXPECTED: readonly LintCheck[] = [
  signatureForm,
  signatureEncoding,
  signatureVerifies,
  usernameQuery,
  tokenExpiry,
  clientId,
  alpn,
  legacyEndpoint,
];

/** Everything that can be found about one valid profile without asking anybody; each finding once. */
export function lintProfile(subject: LintSubject): readonly LintFinding[] {
  const checks = subject.profile.expect.access === "allow" ? [...WHERE_ALLOW_IS_EXPECTED, ...ALWAYS] : ALWAYS;
  const findings = checks.flatMap((check) => check(subject));
  // Several protocols carry the same fields.
  const seen = new Set<string>();
  return findings.filter(({ rule, field, message }) => {
    const key = `${rule}\n${field}\n${message}`;
    return seen.size < seen.add(key).size;
  });
}
