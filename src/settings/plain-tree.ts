import type { FieldPath } from "./field-path.ts";

/** Access to plain values that have not been checked yet: what is not there or of another kind is passed over. */

/** An object in a list, and where it stands. */
export interface Entry {
  readonly path: FieldPath;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The objects of the list at `path`. */
export function entries(root: unknown, path: readonly string[]): readonly Entry[] {
  const list = at(root, path);
  if (!Array.isArray(list)) return [];
  return list.flatMap((value, index) => (isObject(value) ? [{ path: [...path, index], value }] : []));
}

export function at(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), root);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
