import { z } from "zod";

export type Parsed<T> =
  | { readonly kind: "valid"; readonly value: T }
  /** Each problem with its field; no value of the caller is repeated. */
  | { readonly kind: "invalid"; readonly detail: string };

/** Checks what a caller sent; the first five problems are told. */
export function parse<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const { success, data, error } = schema.safeParse(input);
  if (success) return { kind: "valid", value: data };
  const problems = error.issues.slice(0, 5).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join(".")}: ${message}`;
  });
  return { kind: "invalid", detail: problems.join("; ") };
}

/** An object whose unknown keys are errors that name the known ones. */
export function strict<const Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? `unknown key; expected only ${known}` : "expected an object",
  });
}

const nothing = z.strictObject({}, { error: () => "no parameter is known here" });

/** For routes without parameters: a misspelt filter must not pass for an answered one. */
export function parseNoQuery(query: unknown): Parsed<object> {
  return parse(nothing, query);
}
