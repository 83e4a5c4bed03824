import type { Profile } from "../model/profile.ts";
import { buildProfile, type FileScope } from "./build.ts";
import { check, isObject } from "./check.ts";
import { crossCheck, type Sound, type Surroundings } from "./cross-checks.ts";
import type { FieldPath, Finding } from "./finding.ts";
import { PROFILE, type RawProfile } from "./profile-schema.ts";
import type { RawRecord } from "./record.ts";

export type ReadProfile =
  | { readonly kind: "profile"; readonly profile: Profile }
  | { readonly kind: "invalid"; readonly findings: readonly Finding[] };

/** A hopeless record is not worth a screenful. */
const MAX_FINDINGS = 20;

/** Checks a record completely: form, then what depends on several fields; every finding, not only the first. */
export function readProfile(
  { value, findings: known, line }: Extract<RawRecord, { kind: "value" }>,
  file: string,
  scope: FileScope,
  surroundings: Surroundings,
): ReadProfile {
  const findings: Finding[] = [...known];
  const isKnown = (path: FieldPath) => known.some((each) => each.path.join() === path.join());
  check(PROFILE, value, [], (path, message) => {
    if (!isKnown(path)) findings.push({ path: [...path], message });
  });
  if (isObject(value)) findings.push(...crossCheck(soundPart(value, findings), surroundings));
  if (findings.length > 0) return { kind: "invalid", findings: firstOnes(findings) };
  return { kind: "profile", profile: buildProfile(value as RawProfile, scope, { file, line }) };
}

/** The fields without findings; PROFILE vouches for their types. */
function soundPart(value: Readonly<Record<string, unknown>>, findings: readonly Finding[]): Sound {
  const misformed = new Set(findings.map(({ path }) => String(path[0])));
  if (misformed.size === 0) return { raw: value as Partial<RawProfile>, misformed };
  const sound = Object.entries(value).filter(([key]) => !misformed.has(key));
  return { raw: Object.fromEntries(sound) as Partial<RawProfile>, misformed };
}

function firstOnes(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MAX_FINDINGS) return findings;
  const more = `and ${findings.length - MAX_FINDINGS} more problems`;
  return [...findings.slice(0, MAX_FINDINGS), { path: [], message: more }];
}
