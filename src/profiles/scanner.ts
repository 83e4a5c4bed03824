import type { Problem } from "../model/problem.ts";
import type { Profile } from "../model/profile.ts";
import { BitSet } from "./bit-set.ts";
import { ClientIds } from "./client-ids.ts";
import { type Finding, formatFieldPath } from "./finding.ts";
import { IdTable } from "./id-table.ts";
import type { ReferenceCheck } from "./lint.ts";
import type { ReadProfile } from "./read-profile.ts";
import type { RawRecord } from "./record.ts";

/** One target × cohort of the valid profiles. */
export interface ScanGroup {
  readonly target: string;
  readonly cohort: string;
  readonly profiles: number;
  /** One for each protocol of each profile. */
  readonly checks: number;
}

/** What pass one found. */
export interface Scan {
  /** Valid ones. */
  readonly profiles: number;
  /** Records that are no valid profile (also later uses of an id), and files that hold none or cannot be read. */
  readonly invalid: number;
  /** In order of first appearance. */
  readonly groups: readonly ScanGroup[];
  /** Of the sources' bytes. */
  readonly checksum: string;
}

interface ScannedFile {
  readonly name: string;
  /** Lines of the files before this one: turns a line into a place in the whole. */
  readonly linesBefore: number;
}

const NOT_AGREED = "expected one identity, dedicated or device, for all profiles with this client id";

/** Counts what pass one reads, finds ids whose uses contradict each other, and tells every problem. */
export class Scanner {
  /** By number of the record, over all files. */
  readonly valid = new BitSet();
  readonly clientIds = new ClientIds();
  readonly #ids = new IdTable();
  readonly #files: ScannedFile[] = [];
  readonly #groups = new Map<string, { target: string; cohort: string; profiles: number; checks: number }>();
  readonly #onProblem: (problem: Problem) => void;
  readonly #checkReferences: ReferenceCheck | null;
  #file: ScannedFile = { name: "", linesBefore: 0 };
  #lastLine = 0;
  #records = 0;
  #recordsBefore = 0;
  #profiles = 0;
  #invalid = 0;

  constructor(onProblem: (problem: Problem) => void, checkReferences: ReferenceCheck | null) {
    this.#onProblem = onProblem;
    this.#checkReferences = checkReferences;
  }

  /** Records read so far, over all files. */
  get records(): number {
    return this.#records;
  }

  begin(name: string): void {
    this.#file = { name, linesBefore: this.#file.linesBefore + this.#lastLine };
    this.#files.push(this.#file);
    this.#lastLine = 0;
    this.#recordsBefore = this.#records;
  }

  note(record: RawRecord, read: ReadProfile): void {
    const number = this.#records++;
    this.#lastLine = Math.max(this.#lastLine, record.line);
    const findings = read.kind === "invalid" ? read.findings : this.#check(read.profile, record.line);
    if (findings.length > 0 || read.kind === "invalid") {
      this.#invalid += 1;
      for (const finding of findings) this.#tell(record, finding);
      return;
    }
    this.valid.add(number);
    this.#count(read.profile);
  }

  end(): void {
    if (this.#records === this.#recordsBefore) this.fail("no profiles in this file");
  }

  /** Something is wrong with the file as a whole. */
  fail(message: string): void {
    this.#invalid += 1;
    this.#onProblem({ file: this.#file.name, line: null, field: null, message });
  }

  result(): Omit<Scan, "checksum"> {
    return { profiles: this.#profiles, invalid: this.#invalid, groups: [...this.#groups.values()] };
  }

  #check(profile: Profile, line: number): readonly Finding[] {
    const place = this.#file.linesBefore + line;
    const findings: Finding[] = [];
    const first = this.#ids.add(profile.id, place);
    if (first !== null) {
      findings.push({ path: ["id"], message: `duplicate id, used first ${this.#describe(first)}` });
    }
    const contradicted = this.clientIds.add(profile, place);
    if (contradicted !== null) {
      const where = this.#describe(contradicted);
      findings.push({ path: ["identity"], message: `${NOT_AGREED}, used first ${where}` });
    }
    return [...findings, ...(this.#checkReferences?.(profile) ?? [])];
  }

  #describe(place: number): string {
    const file = this.#files.findLast(({ linesBefore }) => linesBefore < place) ?? this.#file;
    const line = place - file.linesBefore;
    return file === this.#file ? `on line ${line}` : `in ${file.name} on line ${line}`;
  }

  #count({ target, cohort, protocols }: Profile): void {
    this.#profiles += 1;
    const key = `${target}\n${cohort}`;
    const group = this.#groups.get(key) ?? { target, cohort, profiles: 0, checks: 0 };
    group.profiles += 1;
    group.checks += protocols.length;
    this.#groups.set(key, group);
  }

  #tell(record: RawRecord, { path, message }: Finding): void {
    const lineOf = record.kind === "value" ? record.lineOf : null;
    const line = lineOf?.(path) ?? record.line;
    this.#onProblem({ file: this.#file.name, line, field: formatFieldPath(path), message });
  }
}
