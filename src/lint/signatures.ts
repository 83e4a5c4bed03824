import { oddSignature, oddSignatureEncoding } from "../lib/aws-limits.ts";
import { isSignedByAny } from "../lib/token-signature.ts";
import type { Credentials } from "../model/profile.ts";
import { type LintCheck, type LintFinding, type LintSubject, problem, warning } from "./finding.ts";

/** Catalogue row 7: what the API's model does not take as `tokenSignature`. */
export const signatureForm: LintCheck = (subject) => {
  const { credentials, contexts } = subject;
  const signature = contexts.find(({ request }) => request.tokenSignature)?.request.tokenSignature;
  // A wrong encoding around it is a finding of its own.
  if (!credentials || !signature || signatureEncoding(subject).length > 0) return [];
  const field = signatureField(credentials);
  const text = signature.exposeText();
  const odd = oddSignature(text);
  if (odd !== null) return [problem("signature-not-base64", field, `not plain base64: ${odd}`)];
  if (text.length % 4 === 0) return [];
  return [warning("signature-unpadded", field, "base64 without its padding, as base64url leaves it out")];
};

/** Row 6: only where the profile wrote the wire form itself can the encoding be wrong. */
export const signatureEncoding: LintCheck = ({ credentials }) =>
  (["username", "queryString"] as const).flatMap((field) => {
    const odd = oddSignatureEncoding(credentials?.[field]?.exposeText() ?? "");
    return odd === null ? [] : [problem("signature-encoding", field, `the signature in it ${odd}`)];
  });

/** By any of the keys: an authorizer may have several (DG/custom-auth.html). */
export const signatureVerifies: LintCheck = (subject) => {
  const { credentials, contexts, publicKeys } = subject;
  const request = contexts.find((context) => context.request.tokenSignature)?.request;
  if (publicKeys.length === 0 || !credentials || !request?.token || !request.tokenSignature) return [];
  const text = request.tokenSignature.exposeText();
  if (oddSignature(text) !== null) return [];
  if (isSignedByAny(publicKeys, request.token.exposeBytes(), text)) return [];
  const which =
    publicKeys.length === 1 ? "the public key given" : `any of the ${publicKeys.length} public keys given`;
  return [problem("signature-unverified", signatureField(credentials), `does not verify with ${which}`)];
};

function signatureField({ token }: Credentials): string {
  switch (token?.kind) {
    case "value":
      return "token.signature";
    case "sign":
      return "token.signingKeyFile";
    case "jwt":
      return "token.jwt";
    case undefined:
      return "username";
  }
}

/** Row 8: AWS takes one query suffix, and the token is part of it. */
export const usernameQuery: LintCheck = (subject) => [...questionMarks(subject), ...tokenInUsername(subject)];

function questionMarks({ credentials, contexts }: LintSubject): readonly LintFinding[] {
  const marks = Math.max(
    0,
    ...contexts.map(({ wire }) => (wire.kind === "https" ? 0 : marksIn(wire.connect.username?.exposeText()))),
  );
  if (marks < 2) return [];
  const own = marksIn(credentials?.username?.exposeText());
  const field = own === marks || credentials?.token === null ? "username" : "token";
  return [
    problem(
      "username-question-marks",
      field,
      `makes ${marks} question marks in the wire username, at most one may be`,
    ),
  ];
}

function marksIn(text: string | undefined): number {
  return (text ?? "").split("?").length - 1;
}

/** Whether the gateway decodes the token is not documented: what needs no encoding is safe. */
function tokenInUsername({ profile, credentials, contexts }: LintSubject): readonly LintFinding[] {
  const travels =
    profile.protocols.includes("mqtt") ||
    (profile.protocols.includes("wss") && profile.credentialsIn === "username");
  const token = credentials?.token ? contexts[0]?.request.token?.exposeText() : undefined;
  if (!travels || token === undefined) return [];
  const field = profile.token?.kind === "jwt" ? "token.jwt" : "token.value";
  if (token.includes("&")) {
    return [problem("token-in-username", field, "holds '&', which ends the token inside the username")];
  }
  if (!/[%+#\s]/.test(token)) return [];
  const message = "holds '%', '+', '#' or white space: whether they arrive as they are is not documented";
  return [warning("token-in-username", field, message)];
}
