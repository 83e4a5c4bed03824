import type { Buffer } from "node:buffer";
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { type Line, MAX_LINE_BYTES, readLines } from "../lines.ts";
import { type RawRecord, type RecordReader, unreadable } from "../record.ts";
import type { ObjectRule } from "../schema.ts";
import { type Column, readHeader, readRow } from "./csv-columns.ts";

/** A line of a row: a quoted cell may hold line breaks. */
interface RowText {
  readonly line: number;
  readonly text: string;
}

/** A row whose cells could be told apart. */
interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

const BLANK = /^\s*$/;
const UNCLOSED = "expected a closing quote within 1 MiB";
const STRAY = "not valid CSV: a quote inside a cell must be doubled";

/** A header of dotted columns, then a profile a row. The rule says what type a column has. */
export function csvReader(rule: ObjectRule): RecordReader {
  return async function* readCsv(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly RawRecord[]> {
    const rows = new RowJoiner();
    const table = new Table(rule);
    for await (const lines of readLines(chunks)) {
      yield lines.flatMap((line) => rows.push(line)).flatMap((row) => table.read(row));
    }
    yield rows.end().flatMap((row) => table.read(row));
  };
}

/** Joins lines into rows: an odd number of quotes leaves a cell open (RFC 4180, section 2). */
class RowJoiner {
  #open: RowText[] = [];
  #openLength = 0;

  push(line: Line): readonly (Row | RawRecord)[] {
    if (line.kind === "bad") return [...this.#giveUp(UNCLOSED), unreadable(line.line, line.message)];
    const isOpen = this.#open.length > 0;
    const closes = hasOddQuotes(line.text);
    if (!isOpen && !closes && BLANK.test(line.text)) return [];
    this.#open.push(line);
    this.#openLength += line.text.length + 1;
    if (isOpen === closes) return this.#close();
    return this.#openLength > MAX_LINE_BYTES ? this.#giveUp(UNCLOSED) : [];
  }

  end(): readonly (Row | RawRecord)[] {
    return this.#giveUp(UNCLOSED);
  }

  #close(): readonly (Row | RawRecord)[] {
    const [first] = this.#open;
    const cells = parseCells(this.#open.map(({ text }) => text).join("\n"));
    if (cells === null || first === undefined) return this.#giveUp(STRAY);
    this.#open = [];
    this.#openLength = 0;
    return [{ line: first.line, cells }];
  }

  /** A quote is where none may be: only its own line is bad, the lines it swallowed are rows like others. */
  #giveUp(message: string): readonly (Row | RawRecord)[] {
    const [first, ...swallowed] = this.#open;
    if (first === undefined) return [];
    this.#open = [];
    this.#openLength = 0;
    return [
      unreadable(first.line, message),
      ...swallowed.flatMap((row) => this.push({ kind: "text", ...row })),
    ];
  }
}

function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/** Turns rows into records once the header is known. */
class Table {
  readonly #rule: ObjectRule;
  #columns: readonly Column[] | "unknown" | "unusable" = "unknown";

  constructor(rule: ObjectRule) {
    this.#rule = rule;
  }

  read(row: Row | RawRecord): readonly RawRecord[] {
    if (this.#columns === "unusable") return [];
    if ("kind" in row) return [row];
    if (this.#columns === "unknown") return this.#readHeader(row.line, row.cells);
    return [readRow(row.line, row.cells, this.#columns)];
  }

  /** Without a sound header no row means anything: they are not reported one by one. */
  #readHeader(line: number, cells: readonly string[]): readonly RawRecord[] {
    const { columns, problems } = readHeader(cells, this.#rule);
    this.#columns = problems.length > 0 ? "unusable" : columns;
    return problems.map((message) => unreadable(line, message));
  }
}

function parseCells(text: string): readonly string[] | null {
  // Most rows hold no quote; the parser would cost them four times as much.
  if (!text.includes('"')) return text.split(",");
  try {
    const rows: string[][] = parse(text, { relax_column_count: true, record_delimiter: "\n" });
    return rows[0] ?? null;
  } catch (error) {
    if (error instanceof CsvError) return null;
    throw error;
  }
}
