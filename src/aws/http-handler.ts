import { Buffer } from "node:buffer";
import { Agent } from "undici";
import { errorCode } from "../lib/errors.ts";

/** A signed request, as the SDK hands it over (`@smithy/types` HttpRequest). */
export interface SignedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** Instead of the option of the same name, where `InvokeSender` sends. */
  readonly abortSignal?: AbortSignal;
}

/** As the SDK wants it; a body that is there already needs no stream. */
export interface WholeResponse {
  readonly response: {
    readonly statusCode: number;
    readonly headers: Record<string, string>;
    readonly body: Uint8Array;
  };
}

/**
 * Sends the SDK's requests over undici's pool, which takes less CPU than the SDK's own handler. Rejects with the signal's
 * reason when aborted, else with the connection's error, whose code is the system's. An answer that breaks off keeps its
 * status in `$metadata`, where the SDK puts it. There is no timeout here: callers have deadlines.
 */
export class HttpHandler {
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #agent: Agent;

  /** @param connections most at the same time to one endpoint */
  constructor(connections: number) {
    this.#agent = new Agent({
      connections,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 0 },
    });
  }

  handle(request: SignedRequest, { abortSignal }: { abortSignal?: unknown } = {}): Promise<WholeResponse> {
    const given = request.abortSignal ?? abortSignal;
    const signal = given instanceof AbortSignal ? given : null;
    return new Promise((resolve, reject) => {
      let cancel: (() => void) | null = null;
      let status: number | null = null;
      let headers: Record<string, string> = {};
      const chunks: Buffer[] = [];
      const onAbort = () => {
        reject(signal?.reason);
        cancel?.();
      };
      const end = () => signal?.removeEventListener("abort", onAbort);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      const { method, headers: sent, body = null } = request;
      const origin = originOf(request);
      this.#agent.dispatch(
        { origin, path: pathOf(request), method, headers: sent, body },
        {
          onRequestStart(controller) {
            cancel = () => controller.abort(signal?.reason);
            // It waited for a connection meanwhile.
            if (signal?.aborted) cancel();
          },
          onResponseStart(_controller, statusCode, received) {
            status = statusCode;
            headers = joined(received);
          },
          onResponseData(_controller, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            end();
            resolve({ response: { statusCode: status ?? 0, headers, body: Buffer.concat(chunks) } });
          },
          onResponseError(_controller, error) {
            end();
            reject(brokenOff(error, status));
          },
        },
      );
    });
  }

  destroy(): void {
    void this.#agent.destroy();
  }

  /** The SDK offers a logger and timeouts here; requests hold credentials of devices, and callers have deadlines. */
  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): object {
    return {};
  }
}

function originOf({ protocol, hostname, port }: SignedRequest): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
}

/** Path and query as they were signed (SigV4, canonical query string: RFC 3986 unreserved characters alone are bare). */
function pathOf({ path, query = {} }: SignedRequest): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => (value === null ? encoded(name) : `${encoded(name)}=${encoded(value)}`)),
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(entries);
}

/** undici has a code of its own for a connection that was closed under a request: it was reset as any other. */
function brokenOff(error: Error, status: number | null): Error {
  const code = errorCode(error);
  const isClosed = code === "UND_ERR_SOCKET";
  if (status === null && !isClosed) return error;
  const $metadata = status === null ? {} : { httpStatusCode: status };
  return Object.assign(new Error(error.message, { cause: error }), {
    code: isClosed ? "ECONNRESET" : code,
    $metadata,
  });
}
