import { Buffer } from "node:buffer";
import type { Secret } from "../model/secret.ts";

const MASK = "<secret>";
const MAX_CHARACTERS = 500;
/** Shorter ones would blank half of any sentence; they are masked only where they stand as a whole word. */
const MIN_PLAIN_LENGTH = 4;

/**
 * Makes text from outside (CONNACK reasons, AWS messages, policies) fit to be shown: no credential in it in any
 * usual encoding, no control character or line break, at most 500 characters. Each sink still escapes it.
 */
export function scrub(text: string, secrets: readonly Secret[]): string {
  return cut(neutralize(mask(text, secrets)));
}

/** Replaces each secret, also base64, URL- or JSON-encoded, by `<secret>`. */
export function mask(text: string, secrets: readonly Secret[]): string {
  const needles = new Set<string>();
  for (const secret of secrets) for (const form of encodings(secret)) needles.add(form);
  let masked = text;
  // Longest first, so that a form that contains another is not left half visible.
  for (const needle of [...needles].sort((a, b) => b.length - a.length)) {
    masked = needle.length >= MIN_PLAIN_LENGTH ? replaceAllFold(masked, needle) : replaceWord(masked, needle);
  }
  return masked;
}

/** Control, format (bidirectional overrides, zero width) and line-separator characters become spaces. */
export function neutralize(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}

export function cut(text: string, max = MAX_CHARACTERS): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

function* encodings(secret: Secret): Generator<string> {
  const plain = secret.exposeText();
  const bytes = secret.exposeBytes();
  if (bytes.length === 0) return;
  yield plain;
  yield JSON.stringify(plain).slice(1, -1);
  const url = encodeURIComponent(plain.toWellFormed());
  yield url;
  yield encodeURIComponent(url);
  yield url.replace(/%20/g, "+");
  yield bytes.toString("hex");
  if (bytes.length < MIN_PLAIN_LENGTH) {
    yield bytes.toString("base64");
    return;
  }
  for (const form of base64Windows(bytes)) {
    yield form;
    yield encodeURIComponent(form);
    yield form.replaceAll("+", "-").replaceAll("/", "_");
  }
}

/** The base64 of the bytes as it looks at each of the three alignments inside a longer text. */
function base64Windows(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // Characters that also hold bits of the neighbours differ with the neighbours: leave them out.
    const first = shift === 0 ? 0 : shift + 1;
    const whole = Math.floor(((shift + bytes.length) * 8) / 6);
    return encoded.slice(first, whole);
  });
}

function replaceAllFold(text: string, needle: string): string {
  // Percent and hex forms come in either case; folding the rest costs only a mask too many.
  const pattern = new RegExp(RegExp.escape(needle), "gi");
  return text.replace(pattern, MASK);
}

function replaceWord(text: string, needle: string): string {
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${RegExp.escape(needle)}(?![\\p{L}\\p{N}])`, "gu");
  return text.replace(pattern, MASK);
}
