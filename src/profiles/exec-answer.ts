import { isUtf8 } from "node:buffer";
import type { ProfileToken } from "../model/profile.ts";
import { Secret } from "../model/secret.ts";
import { buildToken, mapValues } from "./build.ts";
import { check } from "./check.ts";
import { checkToken } from "./cross-checks.ts";
import { type Finding, formatFieldPath } from "./finding.ts";
import { repeatedKeys } from "./formats/json-keys.ts";
import { CREDENTIAL_FIELDS } from "./profile-schema.ts";
import { type Infer, object, text } from "./schema.ts";

const ANSWER = object({
  ...CREDENTIAL_FIELDS,
  expiresAt: text("a time in ISO 8601, as in 2026-01-31T12:00:00Z", (value) => isTime(value)),
});

/** Credentials a command gave. They stand for themselves: references in them are not resolved. */
export interface ExecAnswer {
  readonly username: Secret | null;
  readonly password: Secret | null;
  readonly token: ProfileToken | null;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly queryString: Secret | null;
  readonly expiresAtMs: number | null;
}

export type ParsedAnswer =
  | { readonly kind: "answered"; readonly answer: ExecAnswer }
  /** `reason` continues a sentence about the command; it holds nothing of the answer. */
  | { readonly kind: "failed"; readonly reason: string };

/** Reads the JSON object a command wrote. `cwd` is where a relative `signingKeyFile` starts. */
export function parseExecAnswer(bytes: Buffer, cwd: string): ParsedAnswer {
  const value = parseJson(bytes);
  if (value === undefined) return failed("did not write one JSON object");
  const findings: Finding[] = [...repeatedKeys(bytes.toString("utf8"))];
  check(ANSWER, value, [], (path, message) => findings.push({ path: [...path], message }));
  // `check` has vouched for the type.
  const raw = value as Infer<typeof ANSWER>;
  if (findings.length === 0 && raw.token) findings.push(...checkToken(raw.token));
  const [first] = findings;
  if (first) return failed(`wrote a wrong answer: ${describeFinding(first)}`);
  const secret = (each: string | undefined) => (each === undefined ? null : new Secret(each));
  return {
    kind: "answered",
    answer: {
      username: secret(raw.username),
      password: secret(raw.password),
      token: raw.token ? buildToken(raw.token, cwd) : null,
      headers: mapValues(raw.headers ?? {}, (each) => new Secret(each)),
      queryString: secret(raw.queryString),
      expiresAtMs: raw.expiresAt === undefined ? null : Date.parse(raw.expiresAt),
    },
  };
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function describeFinding({ path, message }: Finding): string {
  const field = formatFieldPath(path);
  return field === null ? message : `${field}: ${message}`;
}

/** With a zone: without one it would mean another time on another machine. */
function isTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
}

function failed(reason: string): ParsedAnswer {
  return { kind: "failed", reason };
}
