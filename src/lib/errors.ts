/** Marks a switch as exhaustive: a new kind does not compile until it is handled. */
export function assertNever(value: never, what = "value"): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`);
}

/** A mistake of the person who runs us: shown without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** System or library error code (`ECONNREFUSED`, `ERR_TLS_CERT_ALTNAME_INVALID`), searched through causes. */
export function errorCode(error: unknown): string | null {
  for (const each of errorChain(error)) {
    const code = (each as { code?: unknown }).code;
    if (typeof code === "string" && code !== "") return code;
  }
  return null;
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The error, its causes and an AggregateError's members, outermost first; bounded. */
export function errorChain(error: unknown): object[] {
  const seen: object[] = [];
  const queue: unknown[] = [error];
  while (queue.length > 0 && seen.length < 16) {
    const each = queue.shift();
    if (typeof each !== "object" || each === null || seen.includes(each)) continue;
    seen.push(each);
    const { cause, errors } = each as { cause?: unknown; errors?: unknown };
    queue.push(cause);
    if (Array.isArray(errors)) queue.push(...errors);
  }
  return seen;
}
