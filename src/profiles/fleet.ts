import type { Readable } from "node:stream";
import { unreadableReason } from "../lib/bounded-file.ts";
import { errorCode } from "../lib/errors.ts";
import type { ProfileSource } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import type { Profile } from "../model/profile.ts";
import type { SourceFile } from "../model/shard.ts";
import type { BitSet } from "./bit-set.ts";
import { checksumOf, fingerprintOf, KnownFiles } from "./checksum.ts";
import { type Contested, guarded } from "./client-ids.ts";
import { findFiles, type ProfileFile } from "./find-files.ts";
import { type FoundProfile, findProfile } from "./find-profile.ts";
import { readNdjson } from "./formats/ndjson.ts";
import { createReferenceCheck } from "./lint.ts";
import type { RawRecord } from "./record.ts";
import { createRecordReader, type RecordToProfile } from "./record-reader.ts";
import { type Scan, Scanner } from "./scanner.ts";
import { type Fingerprint, handleBytes, type OpenBytes, SourceChangedError } from "./source-bytes.ts";
import { spool } from "./spool.ts";

export interface FleetOptions {
  /** Names of the configured targets. */
  readonly targets: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** null: nobody may use `-`. */
  readonly stdin: Readable | null;
  /** Where standard input is kept. */
  readonly tempFolder: string;
}

export type OpenedFleet =
  | { readonly kind: "opened"; readonly fleet: Fleet }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/**
 * Finds the files of all sources, and keeps standard input. Nothing is read yet but that. A source without files,
 * or one that cannot be read, is a problem of its own.
 */
export async function openFleet(
  sources: readonly ProfileSource[],
  options: FleetOptions,
): Promise<OpenedFleet> {
  const problems: Problem[] = [];
  const files: ProfileFile[] = [];
  const releases = new AsyncDisposableStack();
  let { stdin } = options;
  for (const source of sources) {
    if (source.path === "-") {
      const kept = await keepStandardInput(source, stdin, options.tempFolder, releases);
      stdin = null;
      if (typeof kept === "string") problems.push(fileProblem(source.path, kept));
      else files.push(kept);
      continue;
    }
    const found = await findFiles(source);
    if (found.kind === "found") files.push(...found.files);
    else problems.push(fileProblem(source.path, found.message));
  }
  if (problems.length > 0) {
    await releases.disposeAsync();
    return { kind: "invalid", problems };
  }
  return { kind: "opened", fleet: new Fleet(files, options, releases) };
}

async function keepStandardInput(
  source: ProfileSource,
  stdin: Readable | null,
  tempFolder: string,
  releases: AsyncDisposableStack,
): Promise<ProfileFile | string> {
  if (stdin === null) return "standard input is not available here, or another source reads it already";
  try {
    const handle = releases.use(await spool(stdin, tempFolder));
    const { baseFolder } = source;
    return { name: "-", source, baseFolder, bytes: handleBytes(handle), reader: readNdjson };
  } catch (error) {
    return `standard input cannot be kept in a temporary file (${errorCode(error) ?? "unknown error"})`;
  }
}

export interface ScanOptions {
  /** Also that the files and variables that credentials need are there. */
  readonly checkReferences?: boolean;
  /** Takes note of what was read, for `checksum`. */
  readonly known?: KnownFiles;
}

/** What pass two needs to know of pass one, for each file. */
interface CheckedFile {
  /** null: it could not be read. */
  readonly fingerprint: Fingerprint | null;
  /** Number of its first record, over all files. */
  readonly firstNumber: number;
}

interface Checked {
  readonly files: readonly CheckedFile[];
  readonly valid: BitSet;
  readonly contested: Contested;
}

/** The profiles of all sources, read in two passes: nothing runs before everything was checked once. */
export class Fleet implements AsyncDisposable {
  readonly #files: readonly ProfileFile[];
  readonly #options: FleetOptions;
  readonly #releases: AsyncDisposableStack;
  #checked: Checked | null = null;

  constructor(files: readonly ProfileFile[], options: FleetOptions, releases: AsyncDisposableStack) {
    this.#files = files;
    this.#options = options;
    this.#releases = releases;
  }

  /**
   * Pass one: checks every profile, by default with what its credentials refer to, tells each problem as it is found,
   * counts. Throws the signal's reason when aborted.
   */
  async scan(
    onProblem: (problem: Problem) => void,
    signal: AbortSignal,
    { checkReferences = true, known = new KnownFiles() }: ScanOptions = {},
  ): Promise<Scan> {
    const scanner = new Scanner(onProblem, checkReferences ? createReferenceCheck(this.#options.env) : null);
    const read = createRecordReader(this.#options);
    const files: CheckedFile[] = [];
    for (const file of this.#files) {
      const firstNumber = scanner.records;
      const fingerprint = await scanFile(file, { read, scanner, known }, signal);
      files.push({ fingerprint, firstNumber });
    }
    this.#checked = { files, valid: scanner.valid, contested: scanner.clientIds.contested };
    return { ...scanner.result(), checksum: checksumOf(files.map(({ fingerprint }) => fingerprint)) };
  }

  /** The files that pass one read, in their order. */
  files(): SourceFile[] {
    const checked = this.#checked?.files ?? [];
    return this.#files.map(({ name }, index) => ({
      name,
      sha256: checked[index]?.fingerprint?.sha256 ?? null,
    }));
  }

  /**
   * Pass two: the valid profiles, in order; `device` where another profile says so of the same client id. Ends early
   * when aborted. Throws SourceChangedError as soon as a file differs from what the last scan checked: by size or
   * time when it is opened, by checksum at its end.
   */
  async *profiles(signal: AbortSignal): AsyncGenerator<Profile> {
    const checked = this.#checked;
    if (checked === null) throw new Error("profiles() before scan()");
    const read = createRecordReader(this.#options);
    for (const [index, file] of this.#files.entries()) {
      const { fingerprint, firstNumber } = checked.files[index] ?? { fingerprint: null, firstNumber: 0 };
      if (fingerprint === null) continue;
      await using bytes = await openUnchanged(file, fingerprint);
      let number = firstNumber;
      for await (const batch of file.reader(bytes.chunks())) {
        for (const record of batch) {
          if (signal.aborted) return;
          if (checked.valid.has(number++)) {
            yield guarded(await readAgain(file, record, read), checked.contested);
          }
        }
      }
      if (bytes.sha256() !== fingerprint.sha256) throw new SourceChangedError(file.name);
    }
  }

  /**
   * The checksum that a scan would come to, without a look at any profile; what is known is not read. Throws the
   * signal's reason when aborted.
   */
  async checksum(known: KnownFiles, signal: AbortSignal): Promise<string> {
    known.keepOnly(new Set(this.#files.map(({ name }) => name)));
    const files: (Fingerprint | null)[] = [];
    for (const file of this.#files) files.push(await fingerprintOf(file, known, signal));
    return checksumOf(files);
  }

  /** One profile by its id, without any pass before. Throws the signal's reason when aborted. */
  find(id: string, signal: AbortSignal): Promise<FoundProfile> {
    return findProfile(this.#files, id, createRecordReader(this.#options), signal);
  }

  /** Ends the use of standard input's copy; nothing can be read afterwards. */
  async close(): Promise<void> {
    await this.#releases.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface ScanParts {
  readonly read: RecordToProfile;
  readonly scanner: Scanner;
  readonly known: KnownFiles;
}

/** Answers null where the file cannot be read, or not to its end. */
async function scanFile(
  file: ProfileFile,
  { read, scanner, known }: ScanParts,
  signal: AbortSignal,
): Promise<Fingerprint | null> {
  scanner.begin(file.name);
  try {
    await using bytes = await file.bytes.open();
    for await (const batch of file.reader(bytes.chunks())) {
      signal.throwIfAborted();
      for (const record of batch) scanner.note(record, await read(file, record));
    }
    scanner.end();
    return known.note(file.name, bytes);
  } catch (error) {
    if (signal.aborted || errorCode(error) === null) throw error;
    scanner.fail(`the file ${unreadableReason(error)}`);
    return null;
  }
}

async function openUnchanged(file: ProfileFile, { stamp }: Fingerprint): Promise<OpenBytes> {
  let bytes: OpenBytes;
  try {
    bytes = await file.bytes.open();
  } catch (error) {
    throw new SourceChangedError(file.name, { cause: error });
  }
  if (bytes.stamp === stamp) return bytes;
  await bytes[Symbol.asyncDispose]();
  throw new SourceChangedError(file.name);
}

/** It was valid when it was scanned: if it is not now, it has changed, or something it refers to has. */
async function readAgain(file: ProfileFile, record: RawRecord, read: RecordToProfile): Promise<Profile> {
  const answer = await read(file, record);
  if (answer.kind === "invalid") throw new SourceChangedError(file.name);
  return answer.profile;
}

function fileProblem(file: string, message: string): Problem {
  return { file, line: null, field: null, message };
}
