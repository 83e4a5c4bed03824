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
  {
    name: "DeleteConnection",
    plane: "data",
    method: "DELETE",
    path: /^\/connections\/([^/]+)$/,
    run: deleteConnection,
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
function getConnection(services: ApiServices, { name, query }: ApiInput): ApiAnswer {
  const { presence } = services;
  const withSocket = flag(query, "includeSocketInformation");
  const refusal = refusalFor(services, "GetConnection", name, withSocket);
  if (refusal !== null) return refusal;
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
    ...(withSocket === true && record.socket),
  });
}

/** API_iotdata_DeleteConnection. What it says of a client that is not connected is undocumented. */
function deleteConnection(services: ApiServices, { name, query }: ApiInput): ApiAnswer {
  const cleanSession = flag(query, "cleanSession");
  const preventWill = flag(query, "preventWillMessage");
  const refusal = refusalFor(services, "DeleteConnection", name, cleanSession, preventWill);
  if (refusal !== null) return refusal;
  const how = { cleanSession: cleanSession === true, withWill: preventWill !== true };
  return services.broker.dismiss(name, how)
    ? ok({})
    : failure("ResourceNotFoundException", "The client is not connected");
}

/** Null: neither `true` nor `false`. */
function flag(query: URLSearchParams, name: string): boolean | null {
  const value = (query.get(name) ?? "false").toLowerCase();
  return value === "true" ? true : value === "false" ? false : null;
}

/** Why a client may not be asked for, or ended, in this way now; null: it may. */
function refusalFor(
  { connectionQueries }: ApiServices,
  operation: string,
  clientId: string,
  ...flags: readonly (boolean | null)[]
): ApiAnswer | null {
  if (!/^[^$]/.test(clientId) || clientId.length > 128) {
    return failure("InvalidRequestException", "The client ID is not valid: 1 to 128 characters, not $ first");
  }
  if (flags.includes(null)) return failure("InvalidRequestException", "A flag must be true or false");
  // One a second for a client id (quota page).
  if (connectionQueries.take(`${operation} ${clientId}`)) return null;
  return failure("ThrottlingException", "Rate exceeded");
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
