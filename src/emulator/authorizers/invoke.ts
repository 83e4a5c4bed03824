import { monotonicMs } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { AuthorizerEvent } from "./event.ts";
import type { Face } from "./handler.ts";
import type { Authorizer, AuthorizerRegistry } from "./registry.ts";

/** How long a custom authorizer may take (DG config-custom-auth). */
const LIMIT_MS = 5000;

export type FunctionResult =
  | { readonly kind: "answered"; readonly answer: unknown }
  /** `reason` may quote the function's own error. */
  | { readonly kind: "failed"; readonly why: "permission" | "timeout" | "error"; readonly reason: string };

/** Invokes an authorizer's function once. Whatever it does, it is over after 5 s or when `signal` is aborted. */
export async function invokeFunction(
  registry: AuthorizerRegistry,
  authorizer: Authorizer,
  event: AuthorizerEvent,
  face: Face,
  signal: AbortSignal,
): Promise<FunctionResult> {
  const handler = registry.handlerOf(authorizer);
  if (handler === null) {
    return { kind: "failed", why: "permission", reason: "AWS IoT may not invoke the function" };
  }
  const startedAt = monotonicMs();
  const ended = new AbortController();
  const stop = () => ended.abort(new Error("the emulator stops"));
  const timer = setTimeout(() => ended.abort(new Error("the function took over 5 s")), LIMIT_MS);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const context = {
      face,
      functionArn: authorizer.functionArn,
      signal: ended.signal,
      remainingMs: () => Math.max(0, Math.round(LIMIT_MS - (monotonicMs() - startedAt))),
    };
    // A function that throws at once, or ignores its signal, must not get around the limit.
    const answer = await Promise.race([(async () => handler(event, context))(), aborted(ended.signal)]);
    return { kind: "answered", answer };
  } catch (error) {
    const why = ended.signal.aborted ? "timeout" : "error";
    return { kind: "failed", why, reason: errorMessage(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
