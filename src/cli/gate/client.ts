import { Agent, request } from "undici";
import { readBoundedFile } from "../../lib/bounded-file.ts";
import { errorCode, errorMessage, UsageError } from "../../lib/errors.ts";
import { neutralize } from "../../lib/scrub.ts";
import type { GateAnswer } from "../../model/gate-answer.ts";
import { readAnswer } from "./answer.ts";

/** How one request to the daemon went. */
export type Reply =
  | { readonly kind: "answer"; readonly answer: GateAnswer }
  /** No daemon answered, or one that is starting, stopping or overloaded: it may be different in a moment. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** It answered, and it will not be different next time. */
  | { readonly kind: "refused"; readonly reason: string };

export interface GateClientOptions {
  readonly url: string;
  readonly tokenFile: string;
  /** PEM of the authority that signed the daemon's certificate; null: the system's roots. */
  readonly ca: string | null;
}

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_TOKEN_BYTES = 4096;

/** One suite's gate on a daemon. Redirects are not followed: the token is for this daemon only. */
export class GateClient implements AsyncDisposable {
  readonly #base: URL;
  readonly #tokenFile: string;
  readonly #agent: Agent;

  /** @throws UsageError where `url` is no address of a daemon */
  constructor({ url, tokenFile, ca }: GateClientOptions) {
    this.#base = baseOf(url);
    this.#tokenFile = tokenFile;
    this.#agent = new Agent({ connect: { timeout: 10_000, ...(ca === null ? {} : { ca }) } });
  }

  /** Triggers or joins a run, or gets a decision that is young enough; with a known key that run. */
  ask(suite: string, body: object, signal: AbortSignal): Promise<Reply> {
    return this.#send("POST", suite, JSON.stringify(body), signal);
  }

  /** @throws UsageError where the token cannot be read; the signal's reason when aborted. */
  async #send(method: "POST" | "GET", suite: string, body: string, signal: AbortSignal): Promise<Reply> {
    const token = await this.#token();
    const path = `${this.#base.pathname.replace(/\/$/, "")}/api/v1/gate/${encodeURIComponent(suite)}`;
    try {
      const { statusCode, body: stream } = await request(new URL(path, this.#base), {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body,
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
      return replyOf(statusCode, await readAtMost(stream, MAX_BODY_BYTES));
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "unreachable", reason: reasonOf(error) };
    }
  }

  async #token(): Promise<string> {
    const file = await readBoundedFile(this.#tokenFile, MAX_TOKEN_BYTES);
    if (file.kind === "unreadable") throw new UsageError(`--token-file ${this.#tokenFile}: ${file.reason}`);
    const token = file.bytes.toString("utf8").replace(/\r?\n$/, "");
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new UsageError(
        `--token-file ${this.#tokenFile}: expected one token of printable ASCII characters`,
      );
    }
    return token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || (base.protocol !== "http:" && base.protocol !== "https:")) {
    throw new UsageError(
      "--url: expected the daemon's address, for example https://fleet-smoke.example.com:9464",
    );
  }
  if (base.username !== "" || base.password !== "") {
    throw new UsageError("--url: holds credentials; the token comes from --token-file");
  }
  return base;
}

async function readAtMost(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function replyOf(status: number, text: string | null): Reply {
  if (text === null)
    return { kind: "refused", reason: `HTTP ${status} with more than ${MAX_BODY_BYTES} bytes` };
  const body = parseJson(text);
  if (status === 200) {
    const answer = readAnswer(body);
    if (typeof answer !== "string") return { kind: "answer", answer };
    return { kind: "refused", reason: `the answer is none of a fleet-smoke daemon: ${answer}` };
  }
  const detail = detailOf(body);
  const reason = `HTTP ${status}${detail === "" ? "" : `: ${detail}`}`;
  if (status === 401) return { kind: "refused", reason: `${reason} (is the token the daemon's?)` };
  if (status === 403) return { kind: "refused", reason: `${reason} (the token needs the scope \`trigger\`)` };
  return { kind: status === 429 || status >= 502 ? "unreachable" : "refused", reason };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function detailOf(body: unknown): string {
  const detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : null;
  return typeof detail === "string" ? neutralize(detail).slice(0, 300) : "";
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError")
    return `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
  return errorCode(error) ?? errorMessage(error);
}
