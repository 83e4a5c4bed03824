import { mask } from "../../lib/scrub.ts";
import type { Json } from "../../model/invocation.ts";
import type { Secret } from "../../model/secret.ts";

/** JSON from outside, fit to be shown: indented, without credentials, of bounded length. */
export interface BoundedText {
  readonly text: string;
  /** Of the whole JSON, without white space, as AWS counts a document. */
  readonly characters: number;
  readonly isCut: boolean;
}

/** A policy document may have 2048 characters (AWS IoT Core quotas); indenting about doubles that. */
const MAX_CHARACTERS = 6000;

export function showJson(value: Json, secrets: readonly Secret[]): BoundedText {
  const text = mask(JSON.stringify(value, null, 2), secrets);
  const isCut = text.length > MAX_CHARACTERS;
  const shown = isCut ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
  return { text: shown.toWellFormed(), characters: JSON.stringify(value).length, isCut };
}
