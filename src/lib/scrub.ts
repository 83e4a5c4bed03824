import { Buffer } from "node:buffer";
import type { Secret } from "../model/secret.ts";

const MASK = "<secret>";
const MAX_CHARACTERS = 500;
/** Enough for 500 characters behind any number of masks; what follows is not even searched. */
const MAX_SHOWN = 16_384;
/** Shorter ones would blank half of any sentence; they are masked only where they stand as a whole word. */
const MIN_PLAIN_LENGTH = 4;

/** A character of base64 in either alphabet, also percent-encoded. */
const BASE64_CHARACTER = "(?:[A-Za-z0-9+/_-]|%(?:25)?2[BF])";
const BASE64_PADDING = "(?:=|%(?:25)?3D)";
const MAYBE_BASE64 = `${BASE64_CHARACTER}?`;
const MAYBE_BASE64_END = `(?:${BASE64_CHARACTER}${BASE64_PADDING}{0,2})?`;
/** What the two can take beside a form. */
const BESIDE = 20;

/** One way a secret may be written in a text. */
interface Form {
  readonly text: string;
  /** Patterns of what stands beside it and still holds bits of the secret. */
  readonly before: string;
  readonly after: string;
  /** In lower case; null where it holds a character beyond ASCII. */
  readonly lower: string | null;
}

/**
 * Makes text from outside (CONNACK reasons, AWS messages, policies) fit to be shown: no credential in it in any
 * usual encoding, no control character or line break, at most 500 characters. Each sink still escapes it.
 */
export function scrub(text: string, secrets: readonly Secret[]): string {
  const forms = formsOf(secrets);
  // A secret that begins in the part that is shown is looked at to its end.
  const longest = Math.max(0, ...forms.map((form) => form.text.length + BESIDE));
  const masked = maskForms(text.slice(0, MAX_SHOWN + longest), forms, MAX_SHOWN);
  return cut(neutralize(text.length > MAX_SHOWN ? `${masked}…` : masked));
}

/** Replaces each secret, also base64, URL- or JSON-encoded, by `<secret>`. */
export function mask(text: string, secrets: readonly Secret[]): string {
  return maskForms(text, formsOf(secrets), text.length);
}

/** Control, format (bidirectional overrides, zero width) and line-separator characters become spaces. */
export function neutralize(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}

/** At most `max` UTF-16 units, never half a character at the end. */
export function cut(text: string, max = MAX_CHARACTERS): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Up to `end`. All places are found before one is replaced: where secrets overlap, no end of one stays visible. */
function maskForms(text: string, forms: readonly Form[], end: number): string {
  const lower = text.toLowerCase();
  const places = forms
    .flatMap((form) => (mayHold(text, lower, form) ? [...placesOf(text, form)] : []))
    .sort(([a], [b]) => a - b);
  if (places.length === 0) return text.slice(0, end);
  let masked = "";
  let done = 0;
  for (const [from, to] of places) {
    if (from >= end) break;
    if (from >= done) masked += `${text.slice(done, from)}${MASK}`;
    done = Math.max(done, to);
  }
  return masked + text.slice(done, Math.max(done, end));
}

/**
 * false: the form's pattern matches nowhere. Nearly every text holds no secret, and this tells it at a hundredth of what the
 * patterns cost. A pattern that ignores case never takes a character beyond ASCII for one of ASCII (ECMA-262,
 * Canonicalize), so that lower case finds all that an ASCII form matches, and at most more.
 */
function mayHold(text: string, lower: string, form: Form): boolean {
  if (form.text.length < MIN_PLAIN_LENGTH) return text.includes(form.text);
  return form.lower === null || lower.includes(form.lower);
}

function* placesOf(text: string, form: Form): Generator<readonly [number, number]> {
  for (const match of text.matchAll(patternOf(form))) yield [match.index, match.index + match[0].length];
}

function patternOf({ text, before, after }: Form): RegExp {
  const literal = RegExp.escape(text);
  if (text.length < MIN_PLAIN_LENGTH) {
    return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, "gu");
  }
  // Percent and hex forms come in either case; folding the rest costs only a mask too many.
  return new RegExp(`${before}${literal}${after}`, "gi");
}

function formsOf(secrets: readonly Secret[]): readonly Form[] {
  return secrets.length === 1 && secrets[0] ? formsOfOne(secrets[0]) : secrets.flatMap(formsOfOne);
}

/** Each secret of a check is looked for in several texts; its forms live as long as it does. */
const known = new WeakMap<Secret, readonly Form[]>();

function formsOfOne(secret: Secret): readonly Form[] {
  const before = known.get(secret);
  if (before !== undefined) return before;
  const all = encodings(secret);
  known.set(secret, all);
  return all;
}

function encodings(secret: Secret): readonly Form[] {
  const bytes = secret.exposeBytes();
  if (bytes.length === 0) return [];
  const plain = plainEncodings(secret.exposeText());
  const isShort = bytes.length < MIN_PLAIN_LENGTH;
  plain.push(bytes.toString("hex"), ...(isShort ? [bytes.toString("base64")] : []));
  const forms = [...new Set(plain)].map((text) => formOf(text, "", ""));
  return isShort ? forms : [...forms, ...base64Windows(bytes)];
}

/** No encoding changes such a text (RFC 3986 section 2.3). */
const UNRESERVED = /^[\w.-]*$/;

function plainEncodings(text: string): string[] {
  if (UNRESERVED.test(text)) return [text];
  const json = JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(text.toWellFormed());
  // JSON inside a JSON text, and JSON of a writer that keeps to ASCII: both are usual in a Lambda's error.
  const twice = JSON.stringify(json).slice(1, -1);
  const ascii = json.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [text, json, url, encodeURIComponent(url), url.replace(/%20/g, "+"), twice, ascii];
}

function formOf(text: string, before: string, after: string): Form {
  return { text, before, after, lower: /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : null };
}

/**
 * The base64 of the bytes as it looks at each of the three alignments inside a longer text, in either alphabet and in a
 * URL. A character that also holds bits of a neighbour differs with the neighbour: it may be any.
 */
function base64Windows(bytes: Buffer): readonly Form[] {
  const padded = Buffer.alloc(2 + bytes.length);
  bytes.copy(padded, 2);
  const forms: Form[] = [];
  for (let shift = 0; shift < 3; shift += 1) {
    const encoded = padded.toString("base64", 2 - shift);
    const bits = (shift + bytes.length) * 8;
    const text = encoded.slice(shift === 0 ? 0 : shift + 1, Math.floor(bits / 6));
    const before = shift === 0 ? "" : MAYBE_BASE64;
    const after = bits % 6 === 0 ? "" : MAYBE_BASE64_END;
    forms.push(formOf(text, before, after));
    if (UNRESERVED.test(text)) continue;
    forms.push(formOf(encodeURIComponent(text), before, after));
    forms.push(formOf(text.replaceAll("+", "-").replaceAll("/", "_"), before, after));
  }
  return forms;
}
