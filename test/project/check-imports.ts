import { posix } from "node:path";
import { FOLDER_RULES, GLOBAL_RULES, PACKAGE_RULES, PURE_PACKAGES } from "./import-rules.ts";
import { type ImportStatement, importsOf, lineAt, mask } from "./source.ts";

/** Path below `src/` (with `/`) → source text. */
export type Sources = ReadonlyMap<string, string>;

/** All violations of the import rule, each as `src/file:line: what: why`. */
export function violationsOf(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => violationsIn(file, source)).concat(cyclesOf(sources));
}

/** The folder a file belongs to, or the file itself where it stands directly in `src/`. */
function placeOf(file: string): string {
  return file.split("/")[0] ?? file;
}

function violationsIn(file: string, source: string): string[] {
  const at = (line: number, what: string, why: string) => `src/${file}:${line}: ${what}: ${why}`;
  const found: string[] = [];
  if (FOLDER_RULES[placeOf(file)] === undefined) {
    found.push(
      at(1, `no rule for ${placeOf(file)}`, "a new folder needs its row in test/project/import-rules.ts"),
    );
  }
  if (posix.basename(file).startsWith("index.")) found.push(at(1, "an index file", NO_BARRELS));
  for (const each of importsOf(source)) {
    for (const [what, why] of judgeImport(file, each)) found.push(at(each.line, what, why));
  }
  const masked = mask(source);
  for (const rule of GLOBAL_RULES) {
    if (rule.allowed(placeOf(file))) continue;
    for (const match of masked.matchAll(rule.use)) {
      found.push(at(lineAt(source, match.index), `uses ${match[0].trim()}`, rule.why));
    }
  }
  return found;
}

type Reason = readonly [what: string, why: string];

const NO_BARRELS = "no barrels: import from where a thing is defined";

function judgeImport(file: string, statement: ImportStatement): Reason[] {
  const { specifier, form } = statement;
  if (specifier === null) {
    // An authorizer named in the emulator's configuration is code of its user.
    return placeOf(file) === "emulator" ? [] : [["a computed import", "nobody can tell what it loads"]];
  }
  const barrel: Reason[] = form === "re-export" ? [[`re-exports ${specifier}`, NO_BARRELS]] : [];
  if (!specifier.startsWith(".")) return [...barrel, ...judgePackage(file, specifier, statement.names)];
  return [...barrel, ...judgeRelative(file, specifier)];
}

function judgeRelative(file: string, specifier: string): Reason[] {
  const target = resolve(file, specifier);
  if (target.startsWith("..")) return [[`imports ${specifier}`, "code in src/ imports nothing outside src/"]];
  const [from, to] = [placeOf(file), placeOf(target)];
  const rule = FOLDER_RULES[from];
  const isFine = rule === undefined || from === to || rule.may.includes(to);
  return isFine ? [] : [[`imports ${target}`, rule.why]];
}

function judgePackage(file: string, specifier: string, names: readonly string[]): Reason[] {
  const found: Reason[] = [];
  const rule = FOLDER_RULES[placeOf(file)];
  if (rule?.pure === true && !PURE_PACKAGES.test(specifier)) found.push([`imports ${specifier}`, rule.why]);
  for (const { packages, only, harmless = [], why } of PACKAGE_RULES) {
    if (!packages.test(specifier) || only.includes(placeOf(file)) || only.includes(file)) continue;
    if (names.length > 0 && names.every((name) => harmless.includes(name))) continue;
    found.push([`imports ${specifier}`, why]);
  }
  return found;
}

function resolve(file: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}

/** Each cycle once, named by its first file; type imports count here too. */
function cyclesOf(sources: Sources): string[] {
  const edges = new Map([...sources].map(([file, source]) => [file, localImports(file, source)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const cycle = [...path.slice(start), file].join(" → ");
      found.push(`src/${file}:1: import cycle ${cycle}: neither side can be read or tested alone`);
    }
    if (start >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

function localImports(file: string, source: string): string[] {
  return importsOf(source).flatMap(({ specifier }) =>
    specifier?.startsWith(".") ? [resolve(file, specifier)] : [],
  );
}
