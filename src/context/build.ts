import { isUtf8 } from "node:buffer";
import { isIP } from "node:net";
import { assertNever } from "../lib/errors.ts";
import { asksToRetain } from "../lib/retain.ts";
import type { ConnectFields, DeviceContext, InvokeRequest, TlsWire, Wire } from "../model/context.ts";
import type { Credentials, Profile, Protocol } from "../model/profile.ts";
import { Secret } from "../model/secret.ts";
import type { ReadyTarget } from "../model/target.ts";
import { signedToken } from "./token.ts";
import { parseWireUsername, type Trio, trioHeaders, trioQuery, usernameSuffix } from "./username.ts";

export interface InvalidContext {
  readonly kind: "invalid";
  /** Begins with the field's name; never holds a value. */
  readonly reason: string;
}

/** What a device sends besides TLS: where the trio sits differs by protocol (wire table, design 6.3). */
interface Carried {
  readonly username: Secret | null;
  readonly headers: Readonly<Record<string, Secret>>;
  /** Without a leading mark; "" for none. */
  readonly query: string;
}

/**
 * Turns a profile over one protocol into the bytes the device sends and into the TestInvokeAuthorizer request.
 * Both faces are made from the same parts, so that the API is asked exactly what the gateway will see.
 */
export function buildContext(
  profile: Profile,
  protocol: Protocol,
  credentials: Credentials,
  target: ReadyTarget,
): DeviceContext | InvalidContext {
  const username = protocol === "https" ? null : credentials.username;
  if (username && !isUtf8(username.exposeBytes())) return invalid("username is not UTF-8 [MQTT-3.1.3-11]");

  const trio = readTrio(profile, credentials, username);
  if ("kind" in trio) return trio;

  const carried = carry(profile, protocol, credentials, username, trio);
  const tls = tlsWire(profile, protocol, credentials, target);
  const wire = wireOf(profile, protocol, credentials, carried, tls);
  if (wire.kind === "invalid") return wire;

  return {
    authorizer: trio.authorizer,
    tokenKey: trio.token?.key ?? null,
    wire,
    request: requestOf(wire, trio, carried, target),
    secrets: secretsOf(profile, credentials, trio, wire),
  };
}

interface FullTrio extends Trio {
  /** The trio is part of the username already. */
  readonly raw: boolean;
}

function readTrio(
  profile: Profile,
  credentials: Credentials,
  username: Secret | null,
): FullTrio | InvalidContext {
  if (username?.exposeText().includes("?")) {
    if (profile.authorizer !== null || credentials.token !== null) {
      return invalid("username holds a '?', so it is the whole wire username: not with authorizer or token");
    }
    return { ...parseWireUsername(username.exposeText()), raw: true };
  }
  if (credentials.token === null) return { authorizer: profile.authorizer, token: null, raw: false };
  const token = signedToken(credentials.token);
  return "kind" in token ? token : { authorizer: profile.authorizer, token, raw: false };
}

function carry(
  profile: Profile,
  protocol: Protocol,
  credentials: Credentials,
  username: Secret | null,
  trio: FullTrio,
): Carried {
  const ownQuery = credentials.queryString?.exposeText().replace(/^\?/, "") ?? "";
  const plain: Carried = { username, headers: credentials.headers, query: ownQuery };
  if (trio.raw) return plain;
  const place = profile.credentialsIn ?? (protocol === "mqtt" ? "username" : "headers");
  switch (place) {
    case "username":
      return { ...plain, username: withSuffix(username, usernameSuffix(trio)) };
    case "headers":
      return { ...plain, headers: { ...trioHeaders(trio), ...credentials.headers } };
    case "query":
      return { ...plain, query: joinQuery(ownQuery, trioQuery(trio)) };
    default:
      return assertNever(place, "credentialsIn");
  }
}

function withSuffix(username: Secret | null, suffix: string): Secret | null {
  if (suffix === "") return username;
  return new Secret((username?.exposeText() ?? "") + suffix);
}

function joinQuery(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("&");
}

function tlsWire(
  profile: Profile,
  protocol: Protocol,
  credentials: Credentials,
  target: ReadyTarget,
): TlsWire {
  const serverName = profile.tls.serverName ?? target.endpoint;
  return {
    // An IP literal is not a host name (RFC 6066 section 3): a device that dials one sends no SNI.
    serverName: serverName === "" || isIP(serverName) !== 0 ? null : serverName,
    alpn: protocol === "mqtt" ? (profile.tls.alpn ?? ["mqtt"]) : [],
    clientCertificate: credentials.clientCertificate,
    minVersion: profile.tls.minVersion ?? "TLSv1.2",
    maxVersion: profile.tls.maxVersion ?? "TLSv1.3",
    groups: profile.tls.groups ?? "X25519:P-256",
  };
}

function wireOf(
  profile: Profile,
  protocol: Protocol,
  credentials: Credentials,
  carried: Carried,
  tls: TlsWire,
): Wire | InvalidContext {
  if (protocol === "https") {
    if (profile.topic === null) return invalid("topic is missing: https publishes to it");
    if (asksToRetain(carried.query)) return invalid("queryString asks for the message to be retained");
    return {
      kind: "https",
      tls,
      path: new Secret(`/topics/${encodeURIComponent(profile.topic)}?${httpsQuery(carried.query)}`),
      headers: carried.headers,
    };
  }
  const connect = connectFields(profile, credentials, carried.username);
  if ("kind" in connect) return connect;
  if (protocol === "mqtt") return { kind: "mqtt", tls, connect };
  return {
    kind: "wss",
    tls,
    path: new Secret(carried.query === "" ? "/mqtt" : `/mqtt?${carried.query}`),
    headers: carried.headers,
    connect,
  };
}

/** QoS 1, so that the answer says whether the publish was taken (DG/http.html), unless the profile says otherwise. */
function httpsQuery(query: string): string {
  return /(^|&)qos=/.test(query) ? query : joinQuery("qos=1", query);
}

function connectFields(
  profile: Profile,
  credentials: Credentials,
  username: Secret | null,
): ConnectFields | InvalidContext {
  if (profile.clientId === null) return invalid("clientId is missing");
  if (profile.mqttVersion === 4 && credentials.password && username === null) {
    return invalid("password without username: MQTT 3.1.1 cannot send it [MQTT-3.1.2-22]");
  }
  const { sessionStated: _, ...connect } = profile.connect;
  return {
    mqttVersion: profile.mqttVersion,
    clientId: profile.clientId,
    username,
    password: credentials.password,
    ...connect,
  };
}

function requestOf(wire: Wire, trio: FullTrio, carried: Carried, target: ReadyTarget): InvokeRequest {
  return {
    token: nonEmpty(trio.token?.value),
    tokenSignature: nonEmpty(trio.token?.signature),
    httpContext: wire.kind === "mqtt" ? null : httpContext(wire.path, carried.headers, target),
    mqttContext: wire.kind === "https" ? null : mqttContext(wire.connect),
    tlsContext: wire.tls.serverName === null ? null : { serverName: wire.tls.serverName },
  };
}

function httpContext(
  path: Secret,
  headers: Carried["headers"],
  target: ReadyTarget,
): InvokeRequest["httpContext"] {
  const text = path.exposeText();
  const mark = text.indexOf("?");
  const query = mark < 0 ? "" : text.slice(target.queryStringMark ? mark : mark + 1);
  const filled = Object.entries(headers).filter(([, value]) => value.length > 0);
  if (filled.length === 0 && query === "") return null;
  return {
    headers: filled.length === 0 ? null : Object.fromEntries(filled),
    queryString: query === "" ? null : new Secret(query),
  };
}

function mqttContext(connect: ConnectFields): InvokeRequest["mqttContext"] {
  const username = nonEmpty(connect.username);
  const password = nonEmpty(connect.password);
  const clientId = connect.clientId === "" ? null : connect.clientId;
  return username || password || clientId !== null ? { username, password, clientId } : null;
}

function nonEmpty(secret: Secret | null | undefined): Secret | null {
  return secret && secret.length > 0 ? secret : null;
}

/** Everything an echo could give away: the credentials themselves, what was derived from them, and their parts. */
function secretsOf(profile: Profile, credentials: Credentials, trio: FullTrio, wire: Wire): Secret[] {
  const { username, password, headers, queryString, token } = credentials;
  const parts: (Secret | null | undefined)[] = [
    password,
    queryString,
    ...Object.values(headers),
    trio.token?.value,
    trio.token?.signature,
    ...(token?.kind === "jwt" ? [token.jwt, ...splitParts(token.jwt, ".")] : []),
    ...(queryString ? queryValues(queryString) : []),
    ...(username?.exposeText().includes("?") ? queryValues(username) : []),
    wire.kind === "https" ? null : wire.connect.username,
    username,
  ];
  // A user name that only repeats a name the profile shows openly would blank that name out of every message.
  const open = [profile.id, profile.clientId, profile.expect.principalId, trio.authorizer];
  const isPublic = (text: string) => open.includes(text);
  return parts.filter((part): part is Secret => !!part && part.length > 0 && !isPublic(part.exposeText()));
}

function splitParts(secret: Secret, separator: string): Secret[] {
  return secret
    .exposeText()
    .split(separator)
    .map((part) => new Secret(part));
}

function queryValues(query: Secret): Secret[] {
  return query
    .exposeText()
    .split(/[?&]/)
    .map((pair) => pair.slice(pair.indexOf("=") + 1))
    .filter((value) => value.length > 3)
    .map((value) => new Secret(value));
}

function invalid(reason: string): InvalidContext {
  return { kind: "invalid", reason };
}
