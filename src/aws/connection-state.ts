import { GetThingConnectivityDataCommand } from "@aws-sdk/client-iot";
import { GetConnectionCommand } from "@aws-sdk/client-iot-data-plane";
import { isOwnEndpoint } from "../lib/aws-limits.ts";
import type { ConnectionState, StateSource } from "../model/guard.ts";
import type { ConnectionStateFn } from "../model/ports.ts";
import type { ReadyTarget } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import type { DataClients } from "./data-client.ts";
import type { Describe } from "./describe.ts";
import type { Failure } from "./errors.ts";

export interface ConnectionStateDependencies extends CallDependencies {
  readonly dataClients: DataClients;
  readonly describe: Pick<Describe, "domain" | "accountEndpoint">;
}

/**
 * Makes the port that reads from AWS whether somebody is connected with a client id. GetConnection is asked first, at
 * the account's own endpoint, as a domain for custom authentication takes no signed requests; where it gives no
 * answer, GetThingConnectivityData of the thing that has the client id's name.
 *
 * Nobody is called offline on a guess. GetConnection knows clients that are connected and those that were within the
 * last 30 minutes (API_iotdata_GetConnection), so a client it does not know is offline; what session it left is then
 * not known. Any answer counts for the caller's account alone: "offline" holds only if the target's endpoint is known
 * to be that account's. Never throws for anything AWS or the network does.
 */
export function createConnectionState(dependencies: ConnectionStateDependencies): ConnectionStateFn {
  return async (target, clientId, signal) => {
    const unaskable = whyUnaskable(clientId);
    if (unaskable !== null) return unknown(unaskable);
    // First, so that nothing comes between AWS's word and what is done about it.
    const doubt = await whyNotOurs(dependencies, target, signal);
    const answer = await ask(dependencies, target, clientId, signal);
    return answer.kind === "offline" && doubt !== null ? unknown(doubt) : answer;
  };
}

/** Client ids that AWS does not answer for (API_iotdata_GetConnection), or keeps no presence of (DG/life-cycle-events). */
function whyUnaskable(clientId: string): string | null {
  if (clientId.startsWith("$")) return "AWS tells nothing about client ids that start with $";
  if (/[+#]/.test(clientId)) return "AWS reports no presence of client ids with + or #";
  const { length } = clientId;
  return length < 1 || length > 128 ? "AWS tells about client ids of 1 to 128 characters only" : null;
}

async function ask(
  dependencies: ConnectionStateDependencies,
  target: ReadyTarget,
  clientId: string,
  signal: AbortSignal,
): Promise<ConnectionState> {
  const first = await getConnection(dependencies, target, clientId, signal);
  if (first.kind !== "unknown") return first;
  const second = await getThingConnectivity(dependencies, target, clientId, signal);
  return second.kind === "unknown" ? unknown(`${first.reason}; ${second.reason}`) : second;
}

async function getConnection(
  dependencies: ConnectionStateDependencies,
  target: ReadyTarget,
  clientId: string,
  signal: AbortSignal,
): Promise<ConnectionState> {
  const operation = "GetConnection";
  const own = await dependencies.describe.accountEndpoint(target, signal);
  const client = dependencies.dataClients.of(target, own.kind === "known" ? own.value : target.endpoint);
  const command = new GetConnectionCommand({ clientId });
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (_control, abortSignal) => client.send(command, { abortSignal }),
    signal,
  });
  if (reply.kind === "failed")
    return isUnknownClient(reply.failure) ? LONG_GONE : failed(operation, reply.failure);
  const { output } = reply;
  if (output.clientId !== undefined && output.clientId !== clientId)
    return unknown(`${operation}: the answer is about another client`);
  return read(operation, output, since(output.connected ? output.connectedSince : output.disconnectedSince));
}

const LONG_GONE: ConnectionState = {
  kind: "offline",
  via: "GetConnection",
  session: "unknown",
  evidence: "GetConnection: not connected, nor within the last 30 minutes",
};

/** AWS's own name for it: anything else that answers 404 knows nothing about clients. */
function isUnknownClient({ notFound, code }: Failure): boolean {
  return notFound && code === "ResourceNotFoundException";
}

/** API_GetThingConnectivityData. */
const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;

/** A thing may connect under any client id: only an answer that names ours, with its session, tells something. */
async function getThingConnectivity(
  dependencies: CallDependencies,
  target: ReadyTarget,
  clientId: string,
  signal: AbortSignal,
): Promise<ConnectionState> {
  const operation = "GetThingConnectivityData";
  if (!THING_NAME.test(clientId)) return unknown(`${operation}: the client id cannot be a thing's name`);
  const command = new GetThingConnectivityDataCommand({ thingName: clientId });
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (client, abortSignal) => client.send(command, { abortSignal }),
    signal,
  });
  if (reply.kind === "failed") return failed(operation, reply.failure);
  const { output } = reply;
  if (output.clientId !== clientId || typeof output.cleanSession !== "boolean")
    return unknown(`${operation}: no session of this client id in the answer`);
  return read(operation, output, since(Number(output.timestamp)));
}

interface Connectivity {
  readonly connected?: boolean | undefined;
  readonly cleanSession?: boolean | undefined;
  readonly sessionExpiry?: number | undefined;
}

/** The SDK does not check the types of an answer. */
function read(via: StateSource, output: Connectivity, when: string): ConnectionState {
  const { connected } = output;
  if (typeof connected !== "boolean")
    return unknown(`${via}: the answer does not say whether it is connected`);
  if (connected) return { kind: "connected", via, evidence: `${via}: connected${when}` };
  return { kind: "offline", via, session: sessionOf(output), evidence: `${via}: disconnected${when}` };
}

/** MQTT 5 keeps a session for its expiry, whatever the clean start was. */
function sessionOf({ cleanSession, sessionExpiry }: Connectivity): "kept" | "none" | "unknown" {
  if (typeof cleanSession !== "boolean") return "unknown";
  return cleanSession && !(Number(sessionExpiry ?? 0) > 0) ? "none" : "kept";
}

function since(ms: unknown): string {
  const date = new Date(typeof ms === "number" ? ms : Number.NaN);
  return Number.isNaN(date.getTime()) ? "" : ` since ${date.toISOString()}`;
}

/** null: the endpoint is known to belong to the account that was asked. */
async function whyNotOurs(
  { describe }: ConnectionStateDependencies,
  target: ReadyTarget,
  signal: AbortSignal,
): Promise<string | null> {
  const own = await describe.accountEndpoint(target, signal);
  if (own.kind === "known" && isOwn(own.value, target)) return null;
  const domain = await describe.domain(target, signal);
  if (domain.kind === "known" && isSameName(domain.value?.domainName ?? "", target)) return null;
  const [unchecked] = [own, domain].flatMap((each) => (each.kind === "not-checked" ? [each.reason] : []));
  const why = unchecked ?? "no domain configuration of the account has its name";
  return `${target.endpoint} is not known to belong to the account that was asked: ${why}`;
}

function isOwn(own: string, target: ReadyTarget): boolean {
  return isSameName(own, target) || isOwnEndpoint(target.endpoint, own);
}

function isSameName(name: string, { endpoint }: ReadyTarget): boolean {
  return name.toLowerCase() === endpoint.toLowerCase();
}

function failed(via: StateSource, { code, message }: Failure): ConnectionState {
  return unknown(`${via}: ${code}: ${message}`);
}

function unknown(reason: string): ConnectionState {
  return { kind: "unknown", reason };
}
