import type { FastifyRequest } from "fastify";

/** Aborted when the client has gone or the server closes. Release it when the answer is there. */
export function closeSignal(
  { raw }: FastifyRequest,
  closing: AbortSignal,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const gone = new AbortController();
  const onClose = () => gone.abort(new Error("the client has gone"));
  const onClosing = () => gone.abort(new Error("the server closes"));
  if (closing.aborted) onClosing();
  raw.socket.once("close", onClose);
  closing.addEventListener("abort", onClosing, { once: true });
  return {
    signal: gone.signal,
    release: () => {
      raw.socket.off("close", onClose);
      closing.removeEventListener("abort", onClosing);
    },
  };
}
