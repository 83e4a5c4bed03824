import { dirname, resolve } from "node:path";
import type { Config } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import { checkEnvironment, endpointOfEnvironment } from "./aws-environment.ts";
import { buildConfig } from "./build.ts";
import { crossCheck } from "./cross-checks.ts";
import { formatFieldPath } from "./field-path.ts";
import { checkNamedFiles } from "./files.ts";
import { type FieldLines, toProblems } from "./finding.ts";
import { interpolate } from "./interpolate.ts";
import { readTextFile } from "./read-text.ts";
import { validate } from "./validate.ts";
import { readYamlTree } from "./yaml-tree.ts";

export type LoadedConfig =
  | {
      readonly kind: "loaded";
      readonly config: Config;
      /** Where each field of the file stands. */
      readonly lines: FieldLines;
    }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/**
 * Reads a configuration file (YAML, UTF-8, at most 1 MiB): references resolved, defaults filled in, paths made
 * absolute, CA certificates read. Either all of it is right, or every problem is reported at once in file order;
 * no problem ever quotes a value. Does not look at the profiles themselves.
 *
 * @param file as the user named it; relative paths in it start from its folder
 * @param env where `${env:NAME}` is looked up
 */
export async function loadConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoadedConfig> {
  const source = await readTextFile(file);
  if (source.kind !== "read") {
    const line = source.kind === "not-text" ? source.line : null;
    return { kind: "invalid", problems: [{ file, line, field: null, message: source.message }] };
  }
  const tree = readYamlTree(source.text);
  if (tree.kind === "invalid")
    return { kind: "invalid", problems: toProblems(file, new Map(), tree.findings) };

  const baseFolder = dirname(resolve(file));
  const { root, referring, findings: unresolved } = await interpolate(tree.root, { baseFolder, env });
  const validated = validate(root, referring);
  const files = await checkNamedFiles(root, baseFolder);
  const findings = [
    ...(validated.kind === "invalid" ? validated.findings : []),
    ...crossCheck(root),
    ...files.findings,
    ...checkEnvironment(root, env),
  ];
  if (validated.kind === "invalid" || findings.length > 0 || unresolved.length > 0) {
    // A field whose reference has no value still holds the reference: whatever else is said of it is noise.
    const known = new Set(unresolved.map(({ path }) => formatFieldPath(path)));
    const others = findings.filter(({ path }) => !known.has(formatFieldPath(path)));
    return { kind: "invalid", problems: toProblems(file, tree.lines, [...unresolved, ...others]) };
  }
  return {
    kind: "loaded",
    config: buildConfig(validated.config, {
      file,
      baseFolder,
      caByTarget: files.caByTarget,
      queueCa: files.queueCa,
      controlPlaneEndpoint: endpointOfEnvironment(env),
    }),
    lines: tree.lines,
  };
}
