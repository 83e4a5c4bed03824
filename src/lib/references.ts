import { Buffer } from "node:buffer";
import { resolve } from "node:path";
import { type BoundedFile, readBoundedFile } from "./bounded-file.ts";
import { cut, neutralize } from "./scrub.ts";

/** `${env:NAME}` or `${file:path}`. Neither name nor path can hold a `}`. */
export interface Reference {
  readonly kind: "env" | "file";
  readonly name: string;
}

export interface ReferenceScope {
  /** Relative file paths start here. */
  readonly baseFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file by absolute path, for callers that keep what they read; omitted: from disk each time. */
  readonly readFile?: (path: string) => Promise<BoundedFile>;
}

export type ReferenceAnswer =
  | { readonly kind: "resolved"; readonly bytes: Buffer }
  /** `reason` names the variable or file, never a value. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** A password or a certificate chain, generously. */
export const MAX_REFERENCED_BYTES = 1024 * 1024;

const TOKENS = /\$(?<escaped>\$\{)|\$\{(?<kind>env|file):(?<name>[^{}]+)\}/g;

interface Groups {
  readonly escaped?: string;
  readonly kind?: Reference["kind"];
  readonly name?: string;
}

/** Does the text hold a reference? Escapes (`$${`) and other `${…}` are none. */
export function hasReferences(text: string): boolean {
  return text.includes("${") && parseReferences(text).some((part) => typeof part !== "string");
}

/** The text as plain parts (escapes undone) and references, in order. */
export function parseReferences(text: string): readonly (string | Reference)[] {
  const parts: (string | Reference)[] = [];
  let from = 0;
  for (const match of text.matchAll(TOKENS)) {
    const { escaped, kind, name } = match.groups as Groups;
    parts.push(text.slice(from, match.index));
    parts.push(kind !== undefined && name !== undefined ? { kind, name } : (escaped ?? ""));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

/**
 * Replaces each reference by what it stands for: a variable's text, or a file's bytes (at most 1 MiB) less one
 * trailing newline. Bytes, because a password in a file need not be text. What is missing, unreadable or empty is
 * unavailable: an empty credential would be tested as one that was never meant.
 */
export async function resolveReferences(text: string, scope: ReferenceScope): Promise<ReferenceAnswer> {
  const values: Buffer[] = [];
  for (const part of parseReferences(text)) {
    if (typeof part === "string") {
      values.push(Buffer.from(part, "utf8"));
      continue;
    }
    const answer = part.kind === "env" ? readVariable(part.name, scope) : await readFile(part.name, scope);
    if (answer.kind === "unavailable") return answer;
    values.push(answer.bytes);
  }
  return { kind: "resolved", bytes: Buffer.concat(values) };
}

/** How messages name it: `the variable NAME`, `the file secrets/a`. */
export function describeReference({ kind, name }: Reference): string {
  return `the ${kind === "env" ? "variable" : "file"} ${cut(neutralize(name), 200)}`;
}

function readVariable(name: string, { env }: ReferenceScope): ReferenceAnswer {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined) return unavailable({ kind: "env", name }, "is not set");
  if (value === "") return unavailable({ kind: "env", name }, "is empty");
  return { kind: "resolved", bytes: Buffer.from(value, "utf8") };
}

async function readFile(name: string, scope: ReferenceScope): Promise<ReferenceAnswer> {
  const path = resolve(scope.baseFolder, name);
  const file = await (scope.readFile?.(path) ?? readBoundedFile(path, MAX_REFERENCED_BYTES));
  if (file.kind === "unreadable") return unavailable({ kind: "file", name }, file.reason);
  const bytes = withoutNewline(file.bytes);
  if (bytes.length === 0) return unavailable({ kind: "file", name }, "is empty");
  return { kind: "resolved", bytes };
}

/** Editors end a file with a newline that is not part of the secret; a second one would be. */
function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

function unavailable(reference: Reference, why: string): ReferenceAnswer {
  return { kind: "unavailable", reason: `${describeReference(reference)} ${why}` };
}
