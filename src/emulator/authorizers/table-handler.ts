import { Buffer } from "node:buffer";
import { sleep } from "../../lib/clock.ts";
import { compilePattern, type Pattern } from "../pattern.ts";
import type { TableRow } from "../schema.ts";
import type { AuthorizerEvent } from "./event.ts";
import type { Handler } from "./handler.ts";

interface CompiledRow extends TableRow {
  readonly conditions: readonly (readonly [string, Pattern])[];
}

const NO_ROW = { isAuthenticated: false };

/** An authorizer as a table: the first row whose conditions all hold answers; none holds: not authenticated. */
export function tableHandler(rows: readonly TableRow[]): Handler {
  const compiled: readonly CompiledRow[] = rows.map((row) => ({
    ...row,
    conditions: Object.entries(row.when).map(([key, source]) => [key, compilePattern(source)]),
  }));
  return async (event, { face, signal }) => {
    const row = compiled.find(({ conditions }) =>
      conditions.every(([key, matches]) => matches(conditionValue(event, key))),
    );
    if (row === undefined) return NO_ROW;
    if (row.delayMs > 0) await sleep(row.delayMs, signal);
    if (row.error !== undefined) throw new Error(row.error);
    const { gatewayAnswer = {} } = row;
    return face === "gateway" && Object.keys(gatewayAnswer).length > 0 ? gatewayAnswer : row.answer;
  };
}

/** The event's value that a condition's key names. */
function conditionValue(event: AuthorizerEvent, key: string): string | undefined {
  const { tls, http, mqtt } = event.protocolData ?? {};
  switch (key) {
    case "username":
      return mqtt?.username?.split("?", 1)[0];
    case "wireUsername":
      return mqtt?.username;
    case "password":
      return mqtt?.password === undefined ? undefined : Buffer.from(mqtt.password, "base64").toString("utf8");
    case "clientId":
      return mqtt?.clientId;
    case "token":
      return event.token;
    case "queryString":
      return http?.queryString;
    case "serverName":
      return tls?.serverName;
    default:
      return headerValue(http?.headers ?? {}, key.replace(/^headers\./, ""));
  }
}

/** Header names are case-insensitive. */
function headerValue(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1];
}
