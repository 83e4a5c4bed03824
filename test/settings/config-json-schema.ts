import { z } from "zod";
import { configSchema } from "../../src/settings/schema.ts";

export type JsonSchema = { [keyword: string]: unknown };

/** One key of the configuration, as the table in docs/configuration.md has it. */
export interface Key {
  /** `targets[].port` */
  readonly path: string;
  readonly required: boolean;
  /** undefined: none, or a section that consists of its keys' defaults. */
  readonly default: unknown;
  readonly schema: JsonSchema;
}

const REFERENCE = { type: "string", pattern: "\\$\\{(env|file):" };
const SAMPLE_REFERENCE = `\${env:NAME}`;

/** The schema of the file as it is written, and its keys. */
export function describeConfig(): { readonly schema: JsonSchema; readonly keys: readonly Key[] } {
  const schema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
  const keys = new Map<string, Key>();
  collect(schema, "", (key) => keys.set(key.path, keys.get(key.path) ?? key));
  return { schema, keys: [...keys.values()] };
}

/**
 * The schema for editors: descriptions come from the documentation, and a reference may stand wherever a number, a
 * flag or a text of some form is expected.
 */
export function editorSchema(descriptions: ReadonlyMap<string, string>): JsonSchema {
  const { schema } = describeConfig();
  collect(schema, "", ({ path, schema: each }) => {
    const { default: fallback, ...rest } = each;
    for (const keyword of Object.keys(each)) delete each[keyword];
    const description = descriptions.get(path);
    Object.assign(each, description && { description }, fallback !== undefined && { default: fallback });
    Object.assign(each, admitsReference(rest) ? rest : { anyOf: [rest, { $ref: "#/$defs/reference" }] });
  });
  return { ...schema, title: "fleet-smoke configuration", $defs: { reference: REFERENCE } };
}

/** Sections and lists hold references inside; `kind` tells sections apart and is written out. */
function admitsReference(schema: JsonSchema): boolean {
  if (schema.type === "object" || schema.type === "array" || schema.oneOf || schema.const) return true;
  if (schema.type !== "string" || schema.enum) return false;
  return new RegExp(String(schema.pattern ?? ""), "u").test(SAMPLE_REFERENCE);
}

function collect(schema: JsonSchema, path: string, visit: (key: Key) => void): void {
  const { properties, required, items, oneOf, additionalProperties } = schema as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
    items?: JsonSchema;
    oneOf?: readonly JsonSchema[];
    additionalProperties?: JsonSchema | false;
  };
  for (const each of oneOf ?? []) collect(each, path, visit);
  // The rules of a cohort are those of the suite and stand in the documentation once.
  if (additionalProperties) collect(additionalProperties, path.replace(/cohortGates$/, "gate"), visit);
  if (items) collect(items, `${path}[]`, visit);
  for (const [name, each] of Object.entries(properties ?? {})) {
    const key = path === "" ? name : `${path}.${name}`;
    collect(each, key, visit);
    const fallback = each.properties === undefined ? each.default : undefined;
    visit({ path: key, required: required?.includes(name) === true, default: fallback, schema: each });
  }
}
