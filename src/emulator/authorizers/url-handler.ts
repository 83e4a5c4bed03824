import { Buffer } from "node:buffer";
import type { Handler } from "./handler.ts";

/** A Lambda's answer holds at most 6 MB. */
const MAX_BYTES = 6 * 1024 * 1024;
const INVOKE_PATH = "/2015-03-31/functions/function/invocations";

/**
 * An HTTP address that speaks the Lambda invoke protocol, as Lambda's runtime interface emulator in a function's
 * container image does. Only an address without a path gets the protocol's path added.
 */
export function urlHandler(address: string): Handler {
  const url = new URL(address);
  if (url.pathname === "/") url.pathname = INVOKE_PATH;
  return async (event, { signal }) => {
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(event),
      headers: { "content-type": "application/json" },
      redirect: "error",
      signal,
    });
    const text = await readBounded(response);
    if (response.headers.has("x-amz-function-error")) throw new Error("the function reported an error");
    if (!response.ok) throw new Error(`the function's address answered ${response.status}`);
    const answer: unknown = JSON.parse(text);
    if (isFunctionError(answer)) throw new Error("the function reported an error");
    return answer;
  };
}

/** The runtime interface emulator sends an error as a 200 with this body. */
function isFunctionError(answer: unknown): boolean {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "errorMessage" in answer &&
    !("isAuthenticated" in answer)
  );
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error("the function's answer is larger than 6 MB");
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
