import { suggestion } from "../check.ts";
import { type Finding, formatFieldPath } from "../finding.ts";
import { type RawRecord, unreadable } from "../record.ts";
import type { ObjectRule, Rule } from "../schema.ts";
import { repeatedKeys } from "./json-keys.ts";

/** A column: the field it fills. */
export interface Column {
  readonly path: readonly string[];
  readonly rule: Rule;
}

/** Columns named by dotted paths (`tls.serverName`, `headers.x-device`); each problem names its column. */
export function readHeader(
  cells: readonly string[],
  rule: ObjectRule,
): { readonly columns: readonly Column[]; readonly problems: readonly string[] } {
  const columns: Column[] = [];
  const problems: string[] = [];
  for (const [index, cell] of cells.entries()) {
    const column = findColumn(cell.trim(), rule, []);
    if (typeof column === "string") problems.push(`column ${index + 1}: ${column}`);
    else if (columns.some((other) => overlaps(other, column))) {
      problems.push(
        `column ${index + 1}: ${formatFieldPath(column.path)} is filled by another column already`,
      );
    } else columns.push(column);
  }
  return { columns, problems };
}

/** The column of a dotted name below `path`, where `rule` holds; a text says why there is none. */
function findColumn(name: string, rule: Rule, path: readonly string[]): Column | string {
  const container = rule.kind === "either" ? rule.structured : rule;
  if (container.kind === "map") return { path: [...path, name], rule: container.value };
  const [key = "", ...rest] = name.split(".");
  if (container.kind !== "object") return unknownColumn([...path, key], "");
  const inner = Object.hasOwn(container.fields, key) ? container.fields[key] : undefined;
  if (inner === undefined) return unknownColumn([...path, key], suggestion(container, key));
  const found = [...path, key];
  return rest.length === 0 ? { path: found, rule: inner } : findColumn(rest.join("."), inner, found);
}

function unknownColumn(path: readonly string[], hint: string): string {
  const shown = formatFieldPath(path);
  return `unknown key${shown === null ? "" : ` ${shown}`}${hint}; expected a field, as in tls.serverName`;
}

/** The same field, or one inside the other. */
function overlaps(one: Column, other: Column): boolean {
  const length = Math.min(one.path.length, other.path.length);
  return one.path.slice(0, length).join("\n") === other.path.slice(0, length).join("\n");
}

/** A row as the object it stands for. An empty cell is an absent field. */
export function readRow(line: number, cells: readonly string[], columns: readonly Column[]): RawRecord {
  if (cells.length !== columns.length) {
    return unreadable(line, `expected ${columns.length} cells, found ${cells.length}`);
  }
  const value: Record<string, unknown> = {};
  const findings: Finding[] = [];
  for (const [index, { path, rule }] of columns.entries()) {
    const cell = cells[index] ?? "";
    if (cell === "") continue;
    const read = readCell(cell, rule);
    if (read.kind === "bad") findings.push({ path, message: read.message });
    else {
      place(value, path, read.value);
      for (const each of read.repeated) findings.push({ ...each, path: [...path, ...each.path] });
    }
  }
  return { kind: "value", line, value, findings, lineOf: null };
}

type Cell =
  | { readonly kind: "value"; readonly value: unknown; readonly repeated: readonly Finding[] }
  | { readonly kind: "bad"; readonly message: string };

/** What does not look like the column's type stays text: the check says what was expected. */
function readCell(cell: string, rule: Rule): Cell {
  switch (rule.kind) {
    case "text":
      return plain(cell);
    case "choice":
      return plain(rule.values.find((each) => String(each) === cell) ?? cell);
    case "integer":
      return plain(/^-?\d{1,15}$/.test(cell) ? Number(cell) : cell);
    case "flag":
      return plain(cell === "true" || cell === "false" ? cell === "true" : cell);
    case "either":
      return /^\s*[[{]/.test(cell) ? readJsonCell(cell) : readCell(cell, rule.simple);
    default:
      return readJsonCell(cell);
  }
}

function plain(value: unknown): Cell {
  return { kind: "value", value, repeated: [] };
}

function readJsonCell(cell: string): Cell {
  try {
    return { kind: "value", value: JSON.parse(cell), repeated: repeatedKeys(cell) };
  } catch {
    return { kind: "bad", message: "expected JSON in this cell: a list or an object" };
  }
}

function place(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const last = path.length - 1;
  let holder = root;
  for (const key of path.slice(0, last)) {
    const inner = Object.hasOwn(holder, key) ? holder[key] : {};
    define(holder, key, inner);
    holder = inner as Record<string, unknown>;
  }
  define(holder, path[last] ?? "", value);
}

/** Also for a column named `headers.__proto__`. */
function define(holder: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}
