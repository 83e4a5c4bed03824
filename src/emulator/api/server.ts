import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AdminHandler } from "../admin.ts";
import type { KeyedCertificate } from "../certificates/store.ts";
import type { ApiHandler } from "./handler.ts";

const REQUEST_WITHIN_MS = 30_000;

export interface ApiServerOptions {
  readonly handle: ApiHandler;
  /** Null: nobody administers it. */
  readonly admin: AdminHandler | null;
  /** Null: plain HTTP. */
  readonly certificate: KeyedCertificate | null;
}

/** The API's listener. It serves both planes, because clients are pointed at one address (`--endpoint-url`). */
export function createApiServer({ handle, admin, certificate }: ApiServerOptions): Server {
  const onRequest: RequestListener = (request, response) => {
    // Nobody may take what it says for AWS's word.
    response.setHeader("x-fleet-smoke-emulator", "1");
    const administered = admin?.(request, response) ?? Promise.resolve(false);
    administered.then(
      (isDone) => (isDone ? undefined : handle(request, response, null)),
      // Its body broke off.
      () => response.destroy(),
    );
  };
  const limits = { headersTimeout: REQUEST_WITHIN_MS, requestTimeout: REQUEST_WITHIN_MS };
  return certificate === null
    ? createServer(limits, onRequest)
    : createTlsServer({ ...limits, cert: certificate.certificate, key: certificate.privateKey }, onRequest);
}
