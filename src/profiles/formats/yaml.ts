import type { Buffer } from "node:buffer";
import {
  type Document,
  type ErrorCode,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
} from "yaml";
import type { FieldPath } from "../finding.ts";
import { type RawRecord, unreadable } from "../record.ts";
import { LineCursor, readWhole } from "./whole-text.ts";

const NOT_YAML = "not valid YAML";
const EXPECTED_LIST = "expected a list of profiles: entries that begin with -";
/** An anchor or alias, or something that looks like one inside a text: then entries may depend on each other. */
const MAY_REFER = /(?:^|[\s,[{:])[&*][^\s,\]}]/;

/** One YAML document that is a list. */
export async function* readYaml(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly RawRecord[]> {
  const whole = await readWhole(chunks);
  if (whole.kind === "refused") {
    yield [whole.record];
    return;
  }
  const cursor = new LineCursor(whole.text);
  let offset = 0;
  for (const part of splitList(whole.text)) {
    yield parseList(part, cursor.lineAt(offset));
    offset += part.length;
  }
}

/**
 * Cuts a block list into its entries: what follows is parsed entry by entry, in a hundredth of the memory, and one
 * bad entry does not hide the others. That is sound because inside an entry every line is indented deeper than its
 * dash (YAML 1.2.2, section 8.2.1). Lists of another form stay whole.
 */
function splitList(text: string): readonly string[] {
  const head = /^(?:(?:[ \t]*(?:#.*)?|---[ \t]*)\r?\n)*/.exec(text)?.[0] ?? "";
  const indent = /^( *)-(?=\s|$)/.exec(text.slice(head.length))?.[1];
  if (indent === undefined || MAY_REFER.test(text)) return [text];
  if (/^(?:---|\.\.\.)(?:\s|$)/m.test(text.slice(head.length))) return [text];
  const parts = text.slice(head.length).split(new RegExp(`(?<=\\n)(?=${indent}-(?:\\s|$))`));
  return [head, ...parts];
}

function parseList(text: string, firstLine: number): readonly RawRecord[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: "silent" });
  const lineAt = (offset: number) => firstLine + counter.linePos(offset).line - 1;
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    // What is never closed is noticed only after the end: the last line that says something is meant.
    const offset = Math.min(error.pos[0], text.trimEnd().length);
    return [unreadable(lineAt(offset), `${NOT_YAML}: ${describeError(error.code)}`)];
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isSeq(contents)) return [unreadable(lineAt(contents.range[0]), EXPECTED_LIST)];
  return (contents.items as ParsedNode[]).map((item) => toRecord(item, document, lineAt));
}

/** The code alone: the library's messages quote the text. */
function describeError(code: ErrorCode): string {
  return code === "RESOURCE_EXHAUSTION" ? "nested too deeply" : code.toLowerCase().replaceAll("_", " ");
}

function toRecord(
  item: ParsedNode,
  document: Document.Parsed,
  lineAt: (offset: number) => number,
): RawRecord {
  const line = lineAt(item.range[0]);
  try {
    const value: unknown = item.toJS(document, { maxAliasCount: 100 });
    return {
      kind: "value",
      line,
      value,
      findings: [],
      lineOf: (path) => lineAt(offsetOf(item, path)),
    };
  } catch {
    return unreadable(line, `${NOT_YAML}: an alias without its anchor, or too many aliases`);
  }
}

/** Of the field's key or list entry; where it is not there, of the nearest thing around it. */
function offsetOf(node: ParsedNode, path: FieldPath): number {
  const [part, ...rest] = path;
  let found: ParsedNode | null | undefined;
  let start = node.range[0];
  if (isSeq(node) && typeof part === "number") found = node.items[part] as ParsedNode | undefined;
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    found = pair?.value as ParsedNode | null | undefined;
    start = (pair?.key as ParsedNode | undefined)?.range[0] ?? start;
  }
  if (rest.length > 0 && found) return offsetOf(found, rest);
  return isSeq(node) && found ? found.range[0] : start;
}
