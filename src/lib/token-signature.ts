import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** Reads an authorizer's public keys; null where one of them is no RSA key in PEM, which leaves the question open. */
export function rsaPublicKeys(pems: readonly string[]): readonly KeyObject[] | null {
  try {
    const keys = pems.map((pem) => createPublicKey(pem));
    return keys.every(({ asymmetricKeyType }) => asymmetricKeyType === "rsa") ? keys : null;
  } catch {
    return null;
  }
}

/**
 * Did one of the keys sign the token? RSA, SHA-256, PKCS#1 v1.5 over the token's bytes (DG/custom-auth-tutorial.html);
 * an authorizer may have several keys (API_DescribeAuthorizer). `signature`: base64.
 */
export function isSignedByAny(keys: readonly KeyObject[], token: Uint8Array, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64");
  return keys.some((key) => verify("sha256", token, key, bytes));
}
