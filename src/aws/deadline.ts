import { deadline } from "../lib/loop-delay.ts";

/** Our own time was over before AWS answered. */
export class OverdueError extends Error {
  override readonly name = "TimeoutError";
}

/**
 * Runs `work` for at most `timeoutMs`. Throws OverdueError when the time is over and the signal's reason when it is
 * aborted, also where `work` does not listen to the signal it is given (a credential provider does not).
 */
export async function within<T>(
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    ended.reject(reason);
    ending.abort(reason);
  };
  const onAbort = () => end(signal.reason);
  const cancel = deadline(timeoutMs, () =>
    end(new OverdueError(`no answer within ${Math.ceil(timeoutMs)} ms`)),
  );
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(ending.signal), ended.promise]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
