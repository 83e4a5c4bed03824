import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { realm } from "../../lib/words.ts";
import type { ConnectFields, DeviceContext, TlsWire, Wire } from "../../model/context.ts";
import type { Secret } from "../../model/secret.ts";
import type { ReadyTarget } from "../../model/target.ts";
import type { Style } from "../style.ts";
import {
  type Hidden,
  type HiddenParameter,
  type HiddenUsername,
  hiddenText,
  hide,
  hideField,
  hideParameters,
  hideUsername,
  type Known,
  parameterText,
} from "./hidden.ts";
import { field, joined } from "./layout.ts";

/** Where the device connects to. */
export interface TargetStep {
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  /** Host name sent as SNI and Host unless the device sends another. */
  readonly endpoint: string;
  readonly port: number;
  /** Dialled instead of what the endpoint resolves to. */
  readonly address: string | null;
  readonly realm: "aws" | "custom";
}

/** What the device puts on the wire. */
export interface SentStep {
  readonly tls: {
    readonly serverName: string | null;
    readonly alpn: readonly string[];
    readonly minVersion: string;
    readonly maxVersion: string;
    readonly groups: string;
    /** ISO 8601; null: none is sent. `validTo` null: it cannot be read. */
    readonly clientCertificate: { readonly validFrom: string | null; readonly validTo: string | null } | null;
  };
  /** null for https. */
  readonly connect: {
    readonly mqttVersion: 4 | 5;
    readonly clientId: string;
    readonly username: HiddenUsername | null;
    readonly password: Hidden | null;
    readonly cleanSession: boolean;
    readonly sessionExpirySeconds: number;
    readonly keepAliveSeconds: number;
    readonly will: { readonly topic: string; readonly qos: number; readonly bytes: number } | null;
  } | null;
  /** The upgrade or the publish; null for mqtt. */
  readonly http: {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly query: readonly HiddenParameter[];
    readonly headers: readonly HiddenParameter[];
  } | null;
}

export function targetStep(target: ReadyTarget): TargetStep {
  const { name, region, accountId, endpoint, port, address } = target;
  return { name, region, accountId, endpoint, port, address, realm: realm(target) };
}

export function sentStep({ wire }: DeviceContext, known: Known): SentStep {
  return {
    tls: tlsStep(wire.tls),
    connect: wire.kind === "https" ? null : connectStep(wire.connect, known),
    http: wire.kind === "mqtt" ? null : httpStep(wire, known),
  };
}

function tlsStep(tls: TlsWire): SentStep["tls"] {
  const { serverName, alpn, minVersion, maxVersion, groups, clientCertificate } = tls;
  const validity = clientCertificate === null ? null : validityOf(clientCertificate.cert);
  return { serverName, alpn, minVersion, maxVersion, groups, clientCertificate: validity };
}

function validityOf(pem: Secret): { readonly validFrom: string | null; readonly validTo: string | null } {
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem.exposeBytes());
    return { validFrom: validFromDate.toISOString(), validTo: validToDate.toISOString() };
  } catch {
    return { validFrom: null, validTo: null };
  }
}

function connectStep(connect: ConnectFields, known: Known): SentStep["connect"] {
  const { mqttVersion, clientId, username, password, will } = connect;
  const { cleanSession, sessionExpirySeconds, keepAliveSeconds } = connect;
  return {
    ...{ mqttVersion, clientId, cleanSession, sessionExpirySeconds, keepAliveSeconds },
    username: username && hideUsername(username, known),
    password: password && hide(password, known.names),
    will: will && { topic: will.topic, qos: will.qos, bytes: Buffer.byteLength(will.payload) },
  };
}

function httpStep(wire: Exclude<Wire, { kind: "mqtt" }>, known: Known): SentStep["http"] {
  const text = wire.path.exposeText();
  const mark = text.indexOf("?");
  return {
    method: wire.kind === "wss" ? "GET" : "POST",
    path: mark < 0 ? text : text.slice(0, mark),
    query: mark < 0 ? [] : hideParameters(text.slice(mark + 1), known),
    headers: Object.entries(wire.headers).map(([name, value]) => hideField(name, value, known)),
  };
}

export function sentLines(target: TargetStep, sent: SentStep, style: Style): string[] {
  return [
    ...targetLines(target, style),
    ...tlsLines(sent.tls, style),
    ...(sent.http === null ? [] : httpLines(sent.http, style)),
    ...(sent.connect === null ? [] : connectLines(sent.connect, style)),
  ];
}

export function targetLines(target: TargetStep, style: Style): string[] {
  const { name, region, accountId, endpoint, port, address } = target;
  const place = address === null ? `${endpoint}:${port}` : `${endpoint}, dialled at ${address}:${port}`;
  const isCustom = target.realm === "custom";
  return [
    ...field("target", `${name}: account ${accountId} in ${region}${isCustom ? ", a stand-in" : ""}`, style),
    ...field("endpoint", endpoint === "" ? "not known" : place, style),
  ];
}

function tlsLines(tls: SentStep["tls"], style: Style): string[] {
  const { serverName, alpn, minVersion, maxVersion, groups, clientCertificate } = tls;
  const versions = minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`;
  const shape = [`SNI ${serverName ?? "none"}`, `ALPN ${alpn.join(" ") || "none"}`, versions, groups];
  if (clientCertificate === null) shape.push("no client certificate");
  return [
    ...field("TLS", shape.join(", "), style),
    ...(clientCertificate === null ? [] : field("certificate", certificateText(clientCertificate), style)),
  ];
}

function certificateText({ validFrom, validTo }: NonNullable<SentStep["tls"]["clientCertificate"]>): string {
  return validTo === null
    ? "a client certificate that cannot be read"
    : `of the device, valid from ${validFrom} to ${validTo}`;
}

function httpLines(http: NonNullable<SentStep["http"]>, style: Style): string[] {
  return [
    ...field(http.method, `${http.path}${http.query.length === 0 ? "" : ", with the query"}`, style),
    ...http.query.flatMap((parameter, at) =>
      field("", `${at === 0 ? "?" : "&"}${parameterText(parameter)}`, style),
    ),
    ...http.headers.flatMap((header, at) =>
      field(at === 0 ? "headers" : "", parameterText(header, ": "), style),
    ),
  ];
}

function connectLines(connect: NonNullable<SentStep["connect"]>, style: Style): string[] {
  const { mqttVersion, clientId, username, password, will } = connect;
  const version = mqttVersion === 5 ? "5" : "3.1.1";
  const id =
    clientId === "" ? "no client id" : `client id ${clientId} (${Buffer.byteLength(clientId)} bytes)`;
  return [
    ...field("CONNECT", joined([`MQTT ${version}`, id, `keep-alive ${connect.keepAliveSeconds} s`]), style),
    ...field("session", sessionText(connect), style),
    ...field("will", will ? `${will.topic}, QoS ${will.qos}, ${will.bytes} bytes` : "none", style),
    ...(username === null ? field("user name", "none", style) : usernameLines(username, style)),
    ...field("password", password === null ? "none" : hiddenText(password), style),
  ];
}

/** MQTT 5 calls it clean start, and keeps a session only for its expiry interval [MQTT-3.1.2-4]. */
function sessionText(connect: NonNullable<SentStep["connect"]>): string {
  const { mqttVersion, cleanSession, sessionExpirySeconds } = connect;
  if (mqttVersion === 4) return cleanSession ? "clean" : "kept (clean session off)";
  return `clean start ${cleanSession ? "on" : "off"}, expires after ${sessionExpirySeconds} s`;
}

function usernameLines({ login, parameters, ...whole }: HiddenUsername, style: Style): string[] {
  return [
    ...field("user name", hiddenText(whole), style),
    ...(login === null ? [] : field("", `before the ?: ${hiddenText(login)}`, style)),
    ...parameters.flatMap((parameter, at) =>
      field("", `${at === 0 ? "?" : "&"}${parameterText(parameter)}`, style),
    ),
  ];
}
