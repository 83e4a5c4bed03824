/** A model of how Flagger reads a webhook's answer (flagger pkg/controller/webhook.go, go-retryablehttp). */

export interface Called {
  readonly passes: boolean;
  /** What its events show. */
  readonly shown: string;
}

/** `timeout` of a webhook that states none. */
const TIMEOUT_MS = 10_000;

/** @param url the webhook's */
export async function callWebhook(
  url: string,
  metadata: Readonly<Record<string, string>>,
  changes: object = {},
): Promise<Called> {
  const body = {
    name: "podinfo",
    namespace: "test",
    phase: "Progressing",
    checksum: "85d557f47b",
    metadata,
    ...changes,
  };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return read(response.status, await response.text());
  } catch {
    return { passes: false, shown: "context deadline exceeded" };
  }
}

/** Its rule: above 202 is a failure; what would be repeated loses its body. */
export function read(status: number, body: string): Called {
  const isRepeated = status === 429 || (status >= 500 && status !== 501);
  if (isRepeated) return { passes: false, shown: "giving up after 1 attempt(s)" };
  return status > 202 ? { passes: false, shown: body } : { passes: true, shown: "" };
}
