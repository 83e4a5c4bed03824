import { Buffer } from "node:buffer";
import { PLAIN_BASE64 } from "../lib/aws-limits.ts";
import { isSignedByAny, rsaPublicKeys } from "../lib/token-signature.ts";
import {
  parametersNamed,
  SIGNATURE_KEY,
  type WireParameter,
  wireParameters,
} from "../lib/wire-parameters.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Facts } from "../model/facts.ts";
import type { AuthorizerDescription } from "../model/preflight.ts";
import type { Detector } from "./facts.ts";
import { onAuthorizer } from "./preflight-causes.ts";

/* The device's token and signature, held against what DescribeAuthorizer says of the authorizer. */

/** Row 33. */
const tokenKeyMismatch = onAuthorizer((authorizer, facts) => {
  const mismatch = mismatchedKey(authorizer, facts);
  if (mismatch === null) return null;
  const { sent, wanted } = mismatch;
  // What else stands there may be part of a credential that was taken for a suffix.
  const shown = TOKEN_KEY_NAME.test(sent)
    ? `${sent}${howTheyDiffer(sent, wanted)}`
    : "something no key can be called";
  return {
    code: "TOKEN_KEY_MISMATCH",
    evidence: `DescribeAuthorizer ${authorizer.name}: tokenKeyName ${wanted}; the device sends its token as ${shown}`,
  };
});

/** What a token's key can be called (API_AuthorizerDescription). */
const TOKEN_KEY_NAME = /^[\w-]{1,128}$/;

interface Mismatch {
  readonly sent: string;
  readonly wanted: string;
}

function mismatchedKey(
  { signing, tokenKeyName: wanted }: AuthorizerDescription,
  { check, context }: Facts,
): Mismatch | null {
  const sent = context?.tokenKey ?? null;
  if (context === null || wanted === null || sent === null || isTorn(context)) return null;
  // Without signing a pair of a raw user name may be meant for the function, and be no token.
  if (!signing && check.profile.token === null) return null;
  return parametersNamed(wireParameters(context.wire), wanted).length > 0 ? null : { sent, wanted };
}

function howTheyDiffer(sent: string, wanted: string): string {
  if (sent.toLowerCase() === wanted.toLowerCase()) return ", in another case";
  const plain = (key: string) => key.replace(/[-_]/g, "").toLowerCase();
  return plain(sent) === plain(wanted) ? ", with other dashes" : "";
}

/** A user name with more than one question mark is taken apart in ways nobody knows; it has a cause of its own. */
function isTorn({ wire }: DeviceContext): boolean {
  if (wire.kind === "https") return false;
  return (wire.connect.username?.exposeText().split("?").length ?? 1) > 2;
}

const signatureInvalid = onAuthorizer((authorizer, facts) => {
  const { context } = facts;
  if (!authorizer.signing || context === null || isTorn(context)) return null;
  if (mismatchedKey(authorizer, facts) !== null) return null;
  const wrong = whatIsWrong(authorizer, context);
  if (wrong === null) return null;
  return {
    code: "SIGNATURE_INVALID",
    evidence: `DescribeAuthorizer ${authorizer.name}: signing is on; ${wrong}`,
  };
});

/** Every reading of token and signature is tried: only what none of them can mean is wrong. */
function whatIsWrong(
  { tokenKeyName, publicKeys }: AuthorizerDescription,
  context: DeviceContext,
): string | null {
  const { token, tokenSignature } = context.request;
  const parameters = wireParameters(context.wire);
  const tokens = readings(tokenKeyName === null ? [] : parametersNamed(parameters, tokenKeyName), token);
  if (tokens.length === 0)
    return `the device sends no token${tokenKeyName === null ? "" : ` (${tokenKeyName})`}`;
  const signatures = readings(parametersNamed(parameters, SIGNATURE_KEY), tokenSignature);
  if (signatures.length === 0) return `the device sends no signature (${SIGNATURE_KEY})`;
  const wellFormed = signatures.filter((each) => PLAIN_BASE64.test(each));
  const names = Object.keys(publicKeys);
  const keys = rsaPublicKeys(Object.values(publicKeys));
  if (wellFormed.length === 0 || keys === null || keys.length === 0) return null;
  const isSigned = tokens.some((each) =>
    wellFormed.some((signature) => isSignedByAny(keys, Buffer.from(each), signature)),
  );
  return isSigned ? null : `the signature verifies with none of its public keys (${names.join(", ")})`;
}

function readings(parameters: readonly WireParameter[], known: DeviceContext["request"]["token"]): string[] {
  const texts = parameters.flatMap((each) => each.readings);
  return [...texts, known?.exposeText() ?? ""].filter((text) => text !== "");
}

/** What is wrong with one device's token; known for sure, so before what the gateway's answer only hints at. */
export const TOKEN_DETECTORS: readonly Detector[] = [tokenKeyMismatch, signatureInvalid];
