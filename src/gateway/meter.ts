import type { TLSSocket } from "node:tls";
import type { Attempt } from "./attempt.ts";
import { violation } from "./ending.ts";
import { MAX_BYTES_BEFORE_VERDICT } from "./limits.ts";

/**
 * Cuts the connection when more comes than any answer needs, which bounds what every parser behind it can
 * hold. Attach it after the socket's real reader: a listener alone would set the data flowing past it.
 */
export function meter(socket: TLSSocket, attempt: Attempt): void {
  let received = 0;
  socket.on("data", (chunk: Uint8Array) => {
    received += chunk.length;
    if (received <= MAX_BYTES_BEFORE_VERDICT) return;
    attempt.settle(
      violation(
        `the gateway sent more than ${MAX_BYTES_BEFORE_VERDICT} bytes before its answer was complete`,
      ),
    );
    socket.destroy();
  });
}
