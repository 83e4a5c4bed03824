import type { TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import { monotonicMs } from "../lib/clock.ts";
import { watchDelay } from "../lib/loop-delay.ts";

/** How long one exchange with AWS took, in ms; `delayMs`: at most so much of it may be our own event loop's. */
export interface ExchangeTime {
  readonly durationMs: number;
  readonly delayMs: number;
}

/**
 * Times a command from its signed request to its read answer: what the SDK does before, a millisecond or two of ours,
 * is no latency of AWS. A command that is sent again is timed again. The answer is null until something was sent.
 */
export function timeExchange(command: TestInvokeAuthorizerCommand): () => ExchangeTime | null {
  let last: ExchangeTime | null = null;
  command.middlewareStack.add(
    (next) => async (args) => {
      const startedAtMs = monotonicMs();
      const delay = watchDelay();
      try {
        return await next(args);
      } finally {
        last = { durationMs: monotonicMs() - startedAtMs, delayMs: delay.worstMs() };
        delay.stop();
      }
    },
    // Within signing, around reading the body.
    { step: "deserialize", priority: "high", name: "timeExchange" },
  );
  return () => last;
}
