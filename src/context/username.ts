import { NAME_KEY, SIGNATURE_KEY } from "../lib/wire-parameters.ts";
import { Secret } from "../model/secret.ts";
import type { SignedToken } from "./token.ts";

/** What AWS's SDKs append to the username for their own statistics; never the token. */
const SDK_METRICS = new Set(["SDK", "Version", "Platform", "Metadata"]);

/** The three things custom authentication needs, wherever they travel. Pairs in the documented order. */
export interface Trio {
  readonly authorizer: string | null;
  readonly token: SignedToken | null;
}

/**
 * The query suffix of the MQTT username: `?x-amz-customauthorizer-name=…&…-signature=<URL-encoded>&<key>=<token>`.
 * The token goes as it is: whether the gateway decodes it before it checks the signature is undocumented.
 * Empty when there is nothing to say. Source: DG/custom-auth.html.
 */
export function usernameSuffix(trio: Trio): string {
  const pairs = encodedPairs(trio, (value) => value);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** The same three as query parameters, without a leading mark. Here the token is URL-encoded like any value. */
export function trioQuery(trio: Trio): string {
  return encodedPairs(trio, encodeURIComponent).join("&");
}

function encodedPairs({ authorizer, token }: Trio, encodeToken: (value: string) => string): string[] {
  const pairs: string[] = [];
  if (authorizer !== null) pairs.push(`${NAME_KEY}=${encodeURIComponent(authorizer)}`);
  if (token?.signature) pairs.push(`${SIGNATURE_KEY}=${encodeURIComponent(token.signature.exposeText())}`);
  if (token) pairs.push(`${encodeURIComponent(token.key)}=${encodeToken(token.value.exposeText())}`);
  return pairs;
}

/** The same three as headers, where nothing is encoded. */
export function trioHeaders({ authorizer, token }: Trio): Record<string, Secret> {
  // From entries: an assignment would lose a key named `__proto__`, which is a tokenKeyName like any other.
  return Object.fromEntries([
    ...(authorizer === null ? [] : [[NAME_KEY, new Secret(authorizer)] as const]),
    ...(token?.signature ? [[SIGNATURE_KEY, token.signature] as const] : []),
    ...(token ? [[token.key, token.value] as const] : []),
  ]);
}

/**
 * Reads the trio back out of a raw wire username, only to fill the API's own fields. Which key carries the token
 * is the authorizer's `tokenKeyName`; without asking, it is the first pair that is neither AWS's nor an SDK's.
 */
export function parseWireUsername(username: string): Trio {
  const mark = username.indexOf("?");
  if (mark < 0) return { authorizer: null, token: null };
  const pairs = username
    .slice(mark + 1)
    .split("&")
    .map(splitPair);
  const name = pairs.find(({ key }) => key.toLowerCase() === NAME_KEY);
  const signature = pairs.find(({ key }) => key.toLowerCase() === SIGNATURE_KEY);
  const token = pairs.find(
    (pair) => pair !== name && pair !== signature && pair.value !== "" && !SDK_METRICS.has(pair.key),
  );
  return {
    authorizer: name && name.value !== "" ? decode(name.value) : null,
    token: token
      ? {
          key: decode(token.key),
          value: new Secret(token.value),
          signature: signature && signature.value !== "" ? new Secret(decode(signature.value)) : null,
        }
      : null,
  };
}

function splitPair(pair: string): { readonly key: string; readonly value: string } {
  const at = pair.indexOf("=");
  return at < 0 ? { key: pair, value: "" } : { key: pair.slice(0, at), value: pair.slice(at + 1) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
