import { constants } from "node:fs";
import { access, glob, readdir, stat } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { unreadableReason } from "../lib/bounded-file.ts";
import type { ProfileSource } from "../model/config.ts";
import { csvReader } from "./formats/csv.ts";
import { readJson } from "./formats/json.ts";
import { readNdjson } from "./formats/ndjson.ts";
import { readYaml } from "./formats/yaml.ts";
import { PROFILE } from "./profile-schema.ts";
import type { RecordReader } from "./record.ts";
import { type ByteSource, fileBytes } from "./source-bytes.ts";

/** One file of profiles. */
export interface ProfileFile {
  /** As the user would name it; `-` is standard input. */
  readonly name: string;
  readonly source: ProfileSource;
  /** Its relative paths start here. */
  readonly baseFolder: string;
  readonly bytes: ByteSource;
  readonly reader: RecordReader;
}

export type FoundFiles =
  | { readonly kind: "found"; readonly files: readonly ProfileFile[] }
  | { readonly kind: "missing"; readonly message: string };

const READERS: Readonly<Record<string, RecordReader>> = {
  ".ndjson": readNdjson,
  ".jsonl": readNdjson,
  ".json": readJson,
  ".yaml": readYaml,
  ".yml": readYaml,
  ".csv": csvReader(PROFILE),
};
const ENDINGS = Object.keys(READERS).join(", ");

/** The files of a source that is a file, a folder (its own files, not those of folders in it) or a glob; sorted. */
export async function findFiles(source: ProfileSource): Promise<FoundFiles> {
  const path = resolve(source.baseFolder, source.path);
  const found = await statOf(path);
  if (found === null) return isGlob(source.path) ? globFiles(source) : missing("the file does not exist");
  if (found.isDirectory()) return folderFiles(source, path);
  return oneFile(source, path, found.isFile());
}

async function oneFile(source: ProfileSource, path: string, isRegular: boolean): Promise<FoundFiles> {
  const file = profileFile(source, source.path);
  if (!isRegular) return missing("expected a regular file: pipe it in, with - as path");
  if (file === null) return missing(`expected a file that ends in ${ENDINGS}`);
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    return missing(`the file ${unreadableReason(error)}`);
  }
  return { kind: "found", files: [file] };
}

async function folderFiles(source: ProfileSource, path: string): Promise<FoundFiles> {
  try {
    const names = await readdir(path);
    const visible = names.filter((name) => !name.startsWith("."));
    return select(
      source,
      visible.map((name) => join(source.path, name)),
      `the folder holds no file that ends in ${ENDINGS}`,
    );
  } catch (error) {
    return missing(`the folder ${unreadableReason(error)}`);
  }
}

async function globFiles(source: ProfileSource): Promise<FoundFiles> {
  const names: string[] = [];
  for await (const name of glob(source.path, { cwd: source.baseFolder })) names.push(name);
  return select(source, names, `the pattern matches no file that ends in ${ENDINGS}`);
}

/** Regular files (also behind links) with a known ending. */
async function select(source: ProfileSource, names: readonly string[], none: string): Promise<FoundFiles> {
  const files: ProfileFile[] = [];
  for (const name of [...names].sort()) {
    const file = profileFile(source, name);
    if (file === null) continue;
    const found = await statOf(resolve(source.baseFolder, name));
    if (found?.isFile()) files.push(file);
  }
  return files.length === 0 ? missing(none) : { kind: "found", files };
}

function profileFile(source: ProfileSource, name: string): ProfileFile | null {
  const reader = READERS[extname(name).toLowerCase()];
  if (reader === undefined) return null;
  const path = resolve(source.baseFolder, name);
  return { name, source, baseFolder: dirname(path), bytes: fileBytes(path), reader };
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch {
    return null;
  }
}

function isGlob(path: string): boolean {
  return /[*?[\]{}]/.test(path);
}

function missing(message: string): FoundFiles {
  return { kind: "missing", message };
}
