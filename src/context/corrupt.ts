import { isUtf8 } from "node:buffer";
import { assertNever } from "../lib/errors.ts";
import { NAME_KEY, SIGNATURE_KEY } from "../lib/wire-parameters.ts";
import type { DerivedKind } from "../model/check.ts";
import type { Credentials } from "../model/profile.ts";
import { Secret } from "../model/secret.ts";
import { type SignedToken, signedToken } from "./token.ts";
import { parseWireUsername } from "./username.ts";

/**
 * Credentials as a device would have them that must not get in: one of them is changed, wherever the device sends
 * it, and nothing else is. What the device sends and what the API is asked are made from the answer, so that both
 * see the same corruption. Kinds that corrupt something else than a credential leave them as they are.
 * null: the credential to corrupt is not there.
 */
export function corruptCredentials(kind: DerivedKind, credentials: Credentials): Credentials | null {
  switch (kind) {
    case "wrong-password":
      return wrongPassword(credentials);
    case "tampered-signature":
      return tamperedSignature(credentials);
    case "tampered-token":
      return tamperedToken(credentials);
    case "no-authorizer":
      return withoutValue(credentials, NAME_KEY);
    case "no-sni":
    case "foreign-client-id":
    case "foreign-topic":
      return credentials;
    default:
      return assertNever(kind, "derived kind");
  }
}

/** As long as the right one, and text where that is text. */
function wrongPassword(credentials: Credentials): Credentials | null {
  const bytes = credentials.password?.exposeBytes();
  if (bytes === undefined || bytes.length === 0) return null;
  if (isUtf8(bytes)) {
    const [first = "", ...rest] = bytes.toString("utf8");
    return { ...credentials, password: new Secret((first === "x" ? "y" : "x") + rest.join("")) };
  }
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return { ...credentials, password: new Secret(bytes) };
}

function tamperedSignature(credentials: Credentials): Credentials | null {
  const token = asSent(credentials);
  const changed = changeValue(credentials, SIGNATURE_KEY, tamperFirst);
  if (token?.signature && token.signature.length > 0) {
    const signature = new Secret(tamperFirst(token.signature.exposeText()));
    return { ...changed, token: { kind: "value", ...token, signature } };
  }
  return hasValue(credentials, SIGNATURE_KEY) ? changed : null;
}

/** The signature stays that of the right token. */
function tamperedToken(credentials: Credentials): Credentials | null {
  const token = asSent(credentials);
  if (token) {
    if (token.value.length === 0) return null;
    const value = new Secret(tamperToken(token.value.exposeText()));
    return {
      ...changeValue(credentials, token.key, tamperToken),
      token: { kind: "value", ...token, value },
    };
  }
  const raw = parseWireUsername(credentials.username?.exposeText() ?? "").token;
  return raw ? changeValue(credentials, raw.key, tamperToken) : null;
}

/** The token in the form that is sent; null: there is none, or it cannot be signed. */
function asSent({ token }: Credentials): SignedToken | null {
  const signed = token ? signedToken(token) : null;
  return signed === null || "kind" in signed ? null : signed;
}

function hasValue({ username, headers, queryString }: Credentials, key: string): boolean {
  const pairs = [username, queryString].flatMap((each) => pairsOf(each?.exposeText() ?? ""));
  const named = [...pairs.map((pair) => keyOf(pair)), ...Object.keys(headers)];
  return named.some((each) => isSame(each, key));
}

/** Changes the value of `key` wherever the profile wrote it itself: raw user name, headers, query string. */
function changeValue(credentials: Credentials, key: string, change: (value: string) => string): Credentials {
  const { username, headers, queryString } = credentials;
  const inPair = (pair: string) => {
    const at = pair.indexOf("=");
    const isIt = at >= 0 && at < pair.length - 1 && isSame(keyOf(pair), key);
    return isIt ? pair.slice(0, at + 1) + change(pair.slice(at + 1)) : pair;
  };
  const inHeader = ([name, value]: [string, Secret]): [string, Secret] => [
    name,
    isSame(name, key) && value.length > 0 ? new Secret(change(value.exposeText())) : value,
  ];
  return {
    ...credentials,
    username: username && inUsername(username, (pairs) => pairs.map(inPair)),
    headers: Object.fromEntries(Object.entries(headers).map(inHeader)),
    queryString: queryString && inQuery(queryString, (pairs) => pairs.map(inPair)),
  };
}

function withoutValue(credentials: Credentials, key: string): Credentials {
  const { username, headers, queryString } = credentials;
  const without = (pairs: readonly string[]) => pairs.filter((pair) => !isSame(keyOf(pair), key));
  return {
    ...credentials,
    username: username && inUsername(username, without),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !isSame(name, key))),
    queryString: queryString && inQuery(queryString, without),
  };
}

type Rewrite = (pairs: readonly string[]) => readonly string[];

/** Only what follows the mark is a query; a user name without one stays as it is, byte for byte. */
function inUsername(username: Secret, rewrite: Rewrite): Secret {
  const text = username.exposeText();
  const mark = text.indexOf("?");
  if (mark < 0) return username;
  const pairs = rewrite(text.slice(mark + 1).split("&"));
  return new Secret(pairs.length === 0 ? text.slice(0, mark) : `${text.slice(0, mark)}?${pairs.join("&")}`);
}

function inQuery(queryString: Secret, rewrite: Rewrite): Secret {
  const text = queryString.exposeText();
  const mark = text.startsWith("?") ? "?" : "";
  return new Secret(mark + rewrite(text.slice(mark.length).split("&")).join("&"));
}

function pairsOf(text: string): string[] {
  return text.slice(text.indexOf("?") + 1).split("&");
}

function keyOf(pair: string): string {
  const [key = ""] = pair.split("=", 1);
  return decoded(key);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** One character of what may be URL-encoded: an escape counts as one. */
const UNIT = /%[0-9A-Fa-f]{2}|./gsu;

function tamperFirst(text: string): string {
  return tamperAt(text, () => 0);
}

/**
 * A JSON Web Token in its own signature, so that only an authorizer that verifies notices; anything else in its
 * middle, behind a prefix that tells kinds of tokens apart.
 */
function tamperToken(text: string): string {
  const [, head] = /^([\w-]+\.[\w-]+\.)[\w-]+$/.exec(text) ?? [];
  if (head !== undefined) return head + tamperFirst(text.slice(head.length));
  return tamperAt(text, (units) => {
    const middle = Math.floor(units.length / 2);
    const isPlain = (unit: string) => /^[A-Za-z0-9]$/.test(unit);
    const after = units.findIndex((unit, at) => at >= middle && isPlain(unit));
    return after >= 0 ? after : middle;
  });
}

/** Puts another letter in one place. A letter is base64 too, and needs no encoding anywhere. */
function tamperAt(text: string, where: (units: readonly string[]) => number): string {
  const units = text.match(UNIT) ?? [];
  const at = where(units);
  return units.map((unit, index) => (index === at ? (decoded(unit) === "A" ? "B" : "A") : unit)).join("");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
