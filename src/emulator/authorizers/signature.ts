import { Buffer } from "node:buffer";
import { type KeyObject, verify } from "node:crypto";

/** Base64 of the standard alphabet, without line breaks: what the API's model demands of a tokenSignature. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Did one of the keys sign the token? RSA with SHA-256 and PKCS#1 v1.5 padding over the token's bytes
 * (DG custom-auth-tutorial). Several keys may be registered, for rotation.
 */
export function isSignedBy(keys: readonly KeyObject[], token: string, signature: string): boolean {
  if (!BASE64.test(signature)) return false;
  const bytes = Buffer.from(signature, "base64");
  return keys.some((key) => verify("sha256", Buffer.from(token, "utf8"), key, bytes));
}
