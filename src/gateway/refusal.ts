import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { Attempt } from "./attempt.ts";
import { EVIDENCE_BYTES, EVIDENCE_GRACE_MS } from "./limits.ts";

/**
 * Settles with an HTTP status that is not the hoped-for one, and reads the beginning of the body for the
 * reason's sake. The body may be slow, endless or broken: the status stands.
 */
export function settleRefusal(
  attempt: Attempt,
  status: number,
  errorType: string | null,
  body: Readable,
): void {
  attempt.defer(async () => {
    const chunks: Buffer[] = [];
    await attempt.atMost(EVIDENCE_GRACE_MS, collect(body, chunks));
    body.destroy();
    const text = Buffer.concat(chunks).subarray(0, EVIDENCE_BYTES).toString("utf8");
    attempt.amend({ kind: "status", status, reason: describeRefusal(errorType, text) });
  });
  attempt.settle({ kind: "status", status, reason: describeRefusal(errorType, "") });
}

/** Error type (`x-amzn-ErrorType: ForbiddenException:`) and the message of AWS's JSON body, or the body itself. */
export function describeRefusal(errorType: string | null, body: string): string | null {
  const type = errorType?.split(":", 1)[0]?.trim() ?? "";
  const parts = [type, bodyMessage(body.trim())].filter((part) => part !== "");
  return parts.length === 0 ? null : parts.join(": ");
}

function bodyMessage(body: string): string {
  try {
    const { message, Message } = JSON.parse(body) as { message?: unknown; Message?: unknown };
    for (const each of [message, Message]) if (typeof each === "string") return each;
  } catch {
    // No JSON, or cut off: shown as it is.
  }
  return body;
}

function collect(body: Readable, chunks: Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    // Stays after the end: destroying a body that is still coming reports an error.
    body.on("error", () => resolve());
    body.once("close", () => resolve());
    body.once("end", () => resolve());
    body.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < EVIDENCE_BYTES) return;
      body.pause();
      resolve();
    });
  });
}
