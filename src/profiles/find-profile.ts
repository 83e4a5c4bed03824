import { unreadableReason } from "../lib/bounded-file.ts";
import { errorCode } from "../lib/errors.ts";
import type { Problem } from "../model/problem.ts";
import type { Profile } from "../model/profile.ts";
import { isObject } from "./check.ts";
import type { ProfileFile } from "./find-files.ts";
import { formatFieldPath } from "./finding.ts";
import type { ReadProfile } from "./read-profile.ts";
import type { RawRecord } from "./record.ts";
import type { RecordToProfile } from "./record-reader.ts";

export type FoundProfile =
  | { readonly kind: "found"; readonly profile: Profile }
  /** `problems`: where it may have been meant, the first ones. */
  | { readonly kind: "missing"; readonly problems: readonly Problem[] };

const MAX_PROBLEMS = 20;

/**
 * Reads the files up to the profile with this id; no other profile is kept, nor checked beyond its id. Where an id is
 * used twice the first valid use counts, as in a run. Throws the signal's reason when aborted.
 */
export async function findProfile(
  files: readonly ProfileFile[],
  id: string,
  read: RecordToProfile,
  signal: AbortSignal,
): Promise<FoundProfile> {
  const problems: Problem[] = [];
  const onProblem = (problem: Problem) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  for (const file of files) {
    const profile = await searchFile(file, id, read, onProblem, signal);
    if (profile !== null) return { kind: "found", profile };
  }
  return { kind: "missing", problems };
}

async function searchFile(
  file: ProfileFile,
  id: string,
  read: RecordToProfile,
  onProblem: (problem: Problem) => void,
  signal: AbortSignal,
): Promise<Profile | null> {
  try {
    await using bytes = await file.bytes.open();
    for await (const batch of file.reader(bytes.chunks())) {
      signal.throwIfAborted();
      for (const record of batch.filter((each) => mayHaveId(each, id))) {
        const answer = await read(file, record);
        if (answer.kind === "profile" && answer.profile.id === id) return answer.profile;
        for (const problem of problemsOf(file, record, answer)) onProblem(problem);
      }
    }
  } catch (error) {
    if (signal.aborted || errorCode(error) === null) throw error;
    const message = `the file ${unreadableReason(error)}`;
    onProblem({ file: file.name, line: null, field: null, message });
  }
  return null;
}

/** An id that refers to a variable or file is known only when it is read; what cannot be read may be anybody's. */
function mayHaveId(record: RawRecord, id: string): boolean {
  if (record.kind === "unreadable" || !isObject(record.value)) return true;
  const own = record.value.id;
  return own === id || (typeof own === "string" && own.includes("${"));
}

function problemsOf(file: ProfileFile, record: RawRecord, answer: ReadProfile): Problem[] {
  if (answer.kind === "profile") return [];
  const lineOf = record.kind === "value" ? record.lineOf : null;
  return answer.findings.map(({ path, message }) => ({
    file: file.name,
    line: lineOf?.(path) ?? record.line,
    field: formatFieldPath(path),
    message,
  }));
}
