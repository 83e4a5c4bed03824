import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import { unreadableReason } from "../lib/bounded-file.ts";
import { describeReference, parseReferences, type Reference } from "../lib/references.ts";
import type { Profile } from "../model/profile.ts";
import { fileFields, templateFields } from "./credential-fields.ts";
import type { FieldPath, Finding } from "./finding.ts";
import { Recent } from "./recent.ts";

/** Says which files and variables a profile's credentials need and that are not there. Never reads a file. */
export type ReferenceCheck = (profile: Profile) => readonly Finding[];

const MAX_FILES = 10_000;

/**
 * A check that remembers each file it looked at. It asks the file system synchronously: for one file a device that
 * takes microseconds, where waiting in turn would take longer than reading the profile itself.
 */
export function createReferenceCheck(env: Readonly<Record<string, string | undefined>>): ReferenceCheck {
  const files = new Recent<string>(MAX_FILES);

  function fileTrouble(path: string): string {
    const known = files.get(path);
    if (known !== undefined) return known;
    const trouble = troubleWith(path);
    files.set(path, trouble);
    return trouble;
  }

  function referenceTrouble(reference: Reference, baseFolder: string): string {
    if (reference.kind === "file") return fileTrouble(resolve(baseFolder, reference.name));
    const value = Object.hasOwn(env, reference.name) ? env[reference.name] : undefined;
    if (value === undefined) return "is not set";
    return value === "" ? "is empty" : "";
  }

  function checkTemplate(path: FieldPath, text: string, baseFolder: string): readonly Finding[] {
    if (!text.includes("${")) return [];
    return parseReferences(text).flatMap((part) => {
      if (typeof part === "string") return [];
      const trouble = referenceTrouble(part, baseFolder);
      return trouble === "" ? [] : [{ path, message: `${describeReference(part)} ${trouble}` }];
    });
  }

  return (profile) => [
    ...templateFields(profile).flatMap(({ path, template }) =>
      checkTemplate(path, template.exposeText(), profile.baseFolder),
    ),
    ...fileFields(profile).flatMap(({ path, file }) => {
      const trouble = fileTrouble(file);
      return trouble === "" ? [] : [{ path, message: `the file ${trouble}` }];
    }),
  ];
}

/** "" when the file can be read. */
function troubleWith(path: string): string {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return "is a folder";
    if (!stat.isFile()) return "is not a regular file";
    if (stat.size === 0) return "is empty";
    accessSync(path, constants.R_OK);
    return "";
  } catch (error) {
    return unreadableReason(error);
  }
}
