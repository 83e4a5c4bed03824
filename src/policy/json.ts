import type { Json } from "../model/invocation.ts";

export function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * One text or a list of them; numbers and booleans count as their text (IAM grammar, condition values).
 * null: something else is in it.
 */
export function textList(json: Json): readonly string[] | null {
  const items: readonly Json[] = Array.isArray(json) ? json : [json as Json];
  const texts: string[] = [];
  for (const item of items) {
    if (typeof item !== "string" && typeof item !== "number" && typeof item !== "boolean") return null;
    texts.push(String(item));
  }
  return texts;
}
