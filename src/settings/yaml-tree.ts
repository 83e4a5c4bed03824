import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { type FieldPath, formatFieldPath } from "./field-path.ts";
import { type FieldLines, type Finding, finding } from "./finding.ts";
import { describeSyntaxError } from "./yaml-errors.ts";

/** Bounds what aliases can multiply; a configuration has a few hundred values. */
const MAX_VALUES = 20_000;
const MAX_DEPTH = 32;
const EMPTY = "the file is empty; expected at least `targets` and `profiles`";
const TOO_DEEP = "lists and sections are nested too deeply";

export type YamlTree =
  | { readonly kind: "read"; readonly root: unknown; readonly lines: FieldLines }
  | { readonly kind: "invalid"; readonly findings: readonly Finding[] };

/**
 * Reads one YAML document as plain values (text, numbers, booleans, null, lists, objects) together with the line
 * of every field. Library messages are not passed on: they quote the text they trip over.
 */
export function readYamlTree(text: string): YamlTree {
  const counter = new LineCounter();
  const documents = parse(text, counter);
  if (documents === null) return invalid(TOO_DEEP);
  const [document, second] = documents;
  if (document === undefined) return invalid(EMPTY);

  const syntax = syntaxFindings(documents, counter);
  if (syntax.length > 0) return { kind: "invalid", findings: syntax };
  if (second !== undefined)
    return invalid("expected one YAML document, found several (`---` starts another)");
  if (isEmpty(document.contents)) return invalid(EMPTY);

  const reader = new TreeReader(counter);
  const root = reader.read(document.contents, [], null);
  if (reader.findings.length > 0) return { kind: "invalid", findings: reader.findings };
  return { kind: "read", root, lines: reader.lines };
}

function invalid(message: string): YamlTree {
  return { kind: "invalid", findings: [finding([], message, 1)] };
}

function parse(text: string, lineCounter: LineCounter): readonly Document.Parsed[] | null {
  try {
    const options = { lineCounter, prettyErrors: false, logLevel: "silent" } as const;
    // Repeated keys are found by TreeReader, which knows their path.
    const parsed = parseAllDocuments(text, { ...options, uniqueKeys: false });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The library recurses: thousands of `[` exhaust the stack.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function isEmpty(node: ParsedNode | null): boolean {
  return node === null || (isScalar(node) && (node.value === null || node.value === ""));
}

/** One finding a line, and not more than a screenful: an error drags others behind it. */
function syntaxFindings(documents: readonly Document.Parsed[], counter: LineCounter): readonly Finding[] {
  const byLine = new Map<number, Finding>();
  for (const error of documents.flatMap((each) => [...each.errors, ...each.warnings])) {
    const { line } = counter.linePos(error.pos[0]);
    if (byLine.size < 20 && !byLine.has(line))
      byLine.set(line, finding([], describeSyntaxError(error.code), line));
  }
  return [...byLine.values()];
}

class TreeReader {
  readonly findings: Finding[] = [];
  readonly lines = new Map<string, { key: number; value: number }>();
  readonly #counter: LineCounter;
  /** Kept here: the library's own resolution walks the whole document for each alias. */
  readonly #anchors = new Map<string, ParsedNode>();
  readonly #openAliases = new Set<ParsedNode>();
  #values = 0;

  constructor(counter: LineCounter) {
    this.#counter = counter;
  }

  read(node: ParsedNode | null, path: FieldPath, keyLine: number | null): unknown {
    const line = this.#lineOf(node) ?? keyLine ?? 1;
    this.lines.set(formatFieldPath(path), { key: keyLine ?? line, value: line });
    this.#values += 1;
    if (this.#values > MAX_VALUES) return this.#refuseOnce(`expected at most ${MAX_VALUES} values`);
    if (path.length > MAX_DEPTH) return this.#refuseOnce(TOO_DEEP);

    if (node === null) return null;
    if (isAlias(node)) return this.#readAlias(node, path, keyLine);
    if (node.anchor !== undefined) this.#keepAnchor(node.anchor, node, path, line);
    if (isMap(node)) return this.#readMap(node as YAMLMap.Parsed, path);
    if (isSeq(node))
      return (node as YAMLSeq.Parsed).items.map((item, i) => this.read(item, [...path, i], null));
    return this.#readScalar(node, path, line);
  }

  #keepAnchor(name: string, node: ParsedNode, path: FieldPath, line: number): void {
    const known = this.#anchors.get(name);
    if (known !== undefined && known !== node)
      this.#refuse(path, "this anchor (`&name`) stands here twice", line);
    this.#anchors.set(name, node);
  }

  #readAlias(alias: Alias.Parsed, path: FieldPath, keyLine: number | null): unknown {
    const source = this.#anchors.get(alias.source);
    const line = this.#lineOf(alias);
    if (source === undefined)
      return this.#refuse(path, "this alias (`*name`) has no anchor (`&name`) before it", line);
    if (this.#openAliases.has(source)) return this.#refuse(path, "this alias stands for itself", line);
    this.#openAliases.add(source);
    const value = this.read(source, path, keyLine);
    this.#openAliases.delete(source);
    return value;
  }

  #readMap(map: YAMLMap.Parsed, path: FieldPath): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const { key, value } of map.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const line = this.#lineOf(key);
      const name = isScalar(key) ? String(key.value) : null;
      // `{ port }` is a key without value to YAML, and a value in the wrong place to people: it is not repeated.
      if (value === null) this.#refuse(path, "expected `key: value`", line);
      else if (name === null || name === "__proto__") this.#refuse(path, "expected a word as key", line);
      else if (Object.hasOwn(object, name)) this.#refuse([...path, name], "the key stands here twice", line);
      else object[name] = this.read(value, [...path, name], line);
    }
    return object;
  }

  #readScalar({ value }: Scalar, path: FieldPath, line: number): unknown {
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value;
    return this.#refuse(path, "expected text, a number, true or false", line);
  }

  #lineOf(node: ParsedNode | null): number | null {
    const start = node?.range?.[0];
    return start === undefined ? null : this.#counter.linePos(start).line;
  }

  #refuse(path: FieldPath, message: string, line: number | null): null {
    this.findings.push(finding(path, message, line));
    return null;
  }

  /** For limits on the whole file, which every further value would break again. */
  #refuseOnce(message: string): null {
    const known = this.findings.some((each) => each.message === message);
    return known ? null : this.#refuse([], message, 1);
  }
}
