import { z } from "zod";
import type { ConnectionRecord } from "../broker/presence.ts";
import {
  type ApiAnswer,
  type ApiInput,
  type ApiServices,
  failure,
  firstViolation,
  type Operation,
  ok,
  violation,
} from "./operation.ts";

export const CONNECTIVITY_OPERATIONS: readonly Operation[] = [
  {
    name: "GetThingConnectivityData",
    plane: "control",
    method: "POST",
    path: /^\/things\/([^/]+)\/connectivity-data$/,
    run: getThingConnectivityData,
  },
  {
    name: "GetConnection",
    plane: "data",
    method: "GET",
    path: /^\/connections\/([^/]+)$/,
    run: getConnection,
  },
];

const connectivitySchema = z.object({ includeSocketInformation: z.boolean().optional() });

/** There is no registry: the thing is the client with its name (API_GetThingConnectivityData). */
function getThingConnectivityData({ presence }: ApiServices, { name, body }: ApiInput): ApiAnswer {
  if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(name)) {
    return violation(
      "thingName",
      "must satisfy regular expression pattern: [a-zA-Z0-9:_-]+, 1 to 128 characters",
    );
  }
  const parsed = connectivitySchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const record = presence.find(name);
  if (record === null) return ok({ thingName: name, connected: false });
  const { disconnected } = record;
  return ok({
    thingName: name,
    connected: disconnected === null,
    timestamp: (disconnected?.sinceMs ?? record.connectedSinceMs) / 1000,
    ...(disconnected !== null && { disconnectReason: disconnected.reason }),
    ...sessionOf(record),
    ...(parsed.data.includeSocketInformation === true && record.socket),
  });
}

/** API_iotdata_GetConnection; times in ms. */
function getConnection({ presence, connectionQueries }: ApiServices, { name, query }: ApiInput): ApiAnswer {
  if (!/^[^$]/.test(name) || name.length > 128) {
    return failure("InvalidRequestException", "The client ID is not valid: 1 to 128 characters, not $ first");
  }
  const withSocket = query.get("includeSocketInformation") ?? "false";
  if (!/^(true|false)$/i.test(withSocket)) {
    return failure("InvalidRequestException", "includeSocketInformation must be true or false");
  }
  // One a second for a client id (quota page).
  if (!connectionQueries.take(name)) return failure("ThrottlingException", "Rate exceeded");
  const record = presence.find(name);
  if (record === null) return failure("ResourceNotFoundException", "The client is not known");
  const { connectedSinceMs, disconnected } = record;
  return ok({
    connected: disconnected === null,
    connectedSince: connectedSinceMs,
    ...(disconnected !== null && {
      disconnectedSince: disconnected.sinceMs,
      disconnectReason: disconnected.reason,
    }),
    ...sessionOf(record),
    ...(withSocket.toLowerCase() === "true" && record.socket),
  });
}

function sessionOf({
  clientId,
  cleanSession,
  keepAliveSeconds,
  sessionExpirySeconds,
}: ConnectionRecord): object {
  return {
    clientId,
    cleanSession,
    keepAliveDuration: keepAliveSeconds,
    sessionExpiry: sessionExpirySeconds,
  };
}
