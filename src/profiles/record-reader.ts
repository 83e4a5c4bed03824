import { wallMs } from "../lib/clock.ts";
import type { ProfileSource } from "../model/config.ts";
import type { ExecSource } from "../model/profile.ts";
import type { FileScope } from "./build.ts";
import { FileCache } from "./file-cache.ts";
import type { ProfileFile } from "./find-files.ts";
import { type ReadProfile, readProfile } from "./read-profile.ts";
import type { RawRecord } from "./record.ts";
import { resolveFields } from "./resolve-fields.ts";

export type RecordToProfile = (file: ProfileFile, record: RawRecord) => ReadProfile | Promise<ReadProfile>;

export interface RecordReaderOptions {
  /** Names of the configured targets. */
  readonly targets: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** For one pass: what fields other than credentials refer to is read once. */
export function createRecordReader({ targets, env }: RecordReaderOptions): RecordToProfile {
  const cache = new FileCache(Number.POSITIVE_INFINITY, wallMs);
  const onlyTarget = targets.length === 1 ? (targets[0] ?? null) : null;
  const scopes = new Map<ProfileFile, FileScope>();

  return (file, record) => {
    if (record.kind === "unreadable") {
      return { kind: "invalid", findings: [{ path: [], message: record.message }] };
    }
    const { source, baseFolder } = file;
    const scope = scopes.get(file) ?? { source, baseFolder, exec: execOf(source), onlyTarget };
    scopes.set(file, scope);
    const { identity, clientIdSuffix } = source;
    const surroundings = { targets, identity, clientIdSuffix };
    const readFile = (path: string) => cache.read(path);
    const resolved = resolveFields(record.value, { baseFolder, env, readFile });
    if (resolved === null) return readProfile(record, file.name, scope, surroundings);
    return resolved.then(({ value, findings }) =>
      readProfile(
        { ...record, value, findings: [...record.findings, ...findings] },
        file.name,
        scope,
        surroundings,
      ),
    );
  };
}

function execOf({ exec, baseFolder }: ProfileSource): ExecSource | null {
  return exec === null ? null : { command: exec, cwd: baseFolder };
}
