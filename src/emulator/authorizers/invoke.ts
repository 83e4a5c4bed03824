import { monotonicMs } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import { scrub } from "../../lib/scrub.ts";
import { Secret } from "../../model/secret.ts";
import type { Account } from "./account.ts";
import { type AuthorizerEvent, authorizerEvent, type Presented, type Signed } from "./event.ts";
import type { Face } from "./handler.ts";
import type { Authorizer, AuthorizerRegistry } from "./registry.ts";

export type FunctionResult =
  | { readonly kind: "answered"; readonly answer: unknown }
  /** `reason` quotes the function's own error, without what the device presented. */
  | { readonly kind: "failed"; readonly why: "permission" | "timeout" | "error"; readonly reason: string };

/** Who is asked, and what about. */
export interface Question {
  readonly authorizer: Authorizer;
  readonly presented: Presented;
  readonly signed: Signed;
  readonly face: Face;
}

/**
 * Invokes an authorizer's function once. Whatever it does, it is over after 5 s or when `signal` is aborted. One that
 * does not work is logged: nobody else would tell its author.
 */
export async function askFunction(
  { registry, log }: Account,
  { authorizer, presented, signed, face }: Question,
  signal: AbortSignal,
): Promise<FunctionResult> {
  const event = authorizerEvent(presented, signed);
  const result = await invoke(registry, authorizer, event, face, signal);
  if (result.kind === "answered") return result;
  const reason = scrub(result.reason, credentialsIn(presented, signed.token));
  const isOver = signal.aborted;
  if (!isOver) log.warn({ authorizer: authorizer.name, face, reason }, "the authorizer's function failed");
  return { ...result, reason };
}

/** What a function's own error may quote of a device. */
function credentialsIn({ http, mqtt }: Presented, token: string | null): readonly Secret[] {
  const texts = [token, mqtt?.username, http?.queryString, ...Object.values(http?.headers ?? {})];
  return [...texts, mqtt?.password].filter((each) => each).map((each) => new Secret(each ?? ""));
}

async function invoke(
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
  const { limitMs } = registry;
  const startedAt = monotonicMs();
  const ended = new AbortController();
  const stop = () => ended.abort(new Error("the emulator stops"));
  const timer = setTimeout(() => ended.abort(new Error("the function took over 5 s")), limitMs);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const context = {
      face,
      functionArn: authorizer.functionArn,
      signal: ended.signal,
      remainingMs: () => Math.max(0, Math.round(limitMs - (monotonicMs() - startedAt))),
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
