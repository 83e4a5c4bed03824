import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { ResolvedToken } from "../model/profile.ts";
import { Secret } from "../model/secret.ts";

/** The token as the device sends it. `signature` is plain padded base64 unless the profile wrote something else. */
export interface SignedToken {
  readonly key: string;
  readonly value: Secret;
  readonly signature: Secret | null;
}

export type TokenAnswer = SignedToken | { readonly kind: "invalid"; readonly reason: string };

/**
 * Brings the three ways a profile can state its token to one: as written, signed here (RSA-SHA256, PKCS#1 v1.5
 * over the token's bytes), or split from a JWT. Source: DG/custom-auth.html, DG/custom-auth-tutorial.html.
 */
export function signedToken(token: ResolvedToken): TokenAnswer {
  switch (token.kind) {
    case "value":
      return { key: token.key, value: token.value, signature: token.signature };
    case "sign":
      return signToken(token.key, token.value, token.signingKey);
    case "jwt":
      return splitJwt(token.key, token.jwt);
  }
}

function signToken(key: string, value: Secret, pem: Secret): TokenAnswer {
  const signingKey = readRsaKey(pem);
  if (signingKey === null) {
    return { kind: "invalid", reason: "token.signingKeyFile is not an unencrypted RSA private key in PEM" };
  }
  const signature = sign("sha256", value.exposeBytes(), signingKey).toString("base64");
  return { key, value, signature: new Secret(signature) };
}

function readRsaKey(pem: Secret): KeyObject | null {
  try {
    const key = createPrivateKey(pem.exposeBytes());
    return key.asymmetricKeyType === "rsa" ? key : null;
  } catch {
    return null;
  }
}

const JWT = /^([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** What a JWT's issuer signed is `header.payload`; its signature is base64url, AWS wants padded base64. */
function splitJwt(key: string, jwt: Secret): TokenAnswer {
  const [, signed, signature] = JWT.exec(jwt.exposeText()) ?? [];
  if (signed === undefined || signature === undefined) {
    return {
      kind: "invalid",
      reason: "token.jwt is not a signed JWT (three base64url parts joined by dots)",
    };
  }
  const padded = Buffer.from(signature, "base64url").toString("base64");
  return { key, value: new Secret(signed), signature: new Secret(padded) };
}
