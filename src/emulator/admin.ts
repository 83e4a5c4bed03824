import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClientState } from "./broker/activity.ts";
import { faultSettingsSchema } from "./fault-schema.ts";
import type { Faults } from "./faults.ts";
import { readBody } from "./read-body.ts";

const FAULTS = "/-/faults";
const CLIENT = /^\/-\/clients\/([^/?]+)$/;
const MAX_BODY_BYTES = 1024 * 1024;
const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.|^::1$/;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** Answers a request that is for the administrator; false: it is not. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/**
 * The faults, changed while the emulator runs: `GET`, `PUT` (JSON, as in the configuration) and `DELETE /-/faults`;
 * and what is known of a client id: `GET /-/clients/CLIENT_ID`.
 * It asks for no credentials, so it answers this machine only, and no web page: a page of another host shows its
 * name in Host (DNS rebinding) or in Origin.
 */
export function createAdminHandler(faults: Faults, stateOf: (clientId: string) => ClientState): AdminHandler {
  return async (request, response) => {
    const { url = "" } = request;
    const [, client] = CLIENT.exec(url) ?? [];
    if (url !== FAULTS && client === undefined) return false;
    if (!isLocal(request)) send(response, 403, { message: "only from this machine" });
    else if (client !== undefined) tellOf(client, stateOf, request, response);
    else await serve(faults, request, response);
    return true;
  };
}

function isLocal({ socket, headers }: IncomingMessage): boolean {
  return (
    LOOPBACK_ADDRESS.test(socket.remoteAddress ?? "") &&
    LOOPBACK_HOST.test(headers.host ?? "") &&
    headers.origin === undefined
  );
}

async function serve(faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (request.method) {
    case "GET":
      return send(response, 200, faults.current);
    case "DELETE":
      faults.replace({ ...faults.current, faults: [] });
      return send(response, 200, faults.current);
    case "PUT":
      return replace(faults, request, response);
    default:
      return notAllowed(response, "GET, PUT, DELETE");
  }
}

function tellOf(
  encoded: string,
  stateOf: (clientId: string) => ClientState,
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  if (method !== "GET") {
    notAllowed(response, "GET");
    return;
  }
  try {
    send(response, 200, stateOf(decodeURIComponent(encoded)));
  } catch {
    send(response, 400, { message: "the client id is not URL-encoded" });
  }
}

function notAllowed(response: ServerResponse, allowed: string): void {
  response.setHeader("allow", allowed);
  send(response, 405, { message: "the method is not allowed" });
}

async function replace(faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) {
    response.setHeader("connection", "close");
    return send(response, 413, { message: "the body is too large" });
  }
  let tree: unknown;
  try {
    tree = JSON.parse(body.toString("utf8"));
  } catch {
    return send(response, 400, { message: "the body is not JSON" });
  }
  const parsed = faultSettingsSchema.safeParse(tree);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
    return send(response, 400, { message: "the faults are not valid", problems });
  }
  faults.replace(parsed.data);
  return send(response, 200, faults.current);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
