import type { Buffer } from "node:buffer";
import type { FieldPath, Finding } from "./finding.ts";

/** One line of NDJSON, one row of CSV, one entry of a list: read, not checked yet. */
export type RawRecord =
  | {
      readonly kind: "value";
      /** 1-based, where it begins. */
      readonly line: number;
      readonly value: unknown;
      /** What was wrong with its cells already. */
      readonly findings: readonly Finding[];
      /** Line of a field where a record may span several; null: all of it is on `line`. */
      readonly lineOf: ((path: FieldPath) => number) | null;
    }
  /** `message` holds no text of the file: it may be a secret. */
  | { readonly kind: "unreadable"; readonly line: number; readonly message: string };

/** Reads a file's records in batches, in order. Never throws for what the file holds. */
export type RecordReader = (chunks: AsyncIterable<Buffer>) => AsyncGenerator<readonly RawRecord[]>;

export function unreadable(line: number, message: string): RawRecord {
  return { kind: "unreadable", line, message };
}
