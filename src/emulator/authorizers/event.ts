import type { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";

/** What a custom authorizer's function is given (DG custom-auth-lambda). Fields that do not apply are absent. */
export interface AuthorizerEvent {
  readonly token?: string;
  readonly signatureVerified: boolean;
  readonly protocols: readonly ("tls" | "http" | "mqtt")[];
  readonly protocolData?: ProtocolData;
  readonly connectionMetadata: { readonly id: string };
}

export interface ProtocolData {
  readonly tls?: {
    readonly serverName?: string;
    readonly x509CertificatePem?: string;
    readonly principalId?: string;
  };
  readonly http?: { readonly headers?: Readonly<Record<string, string>>; readonly queryString?: string };
  readonly mqtt?: {
    readonly username?: string;
    /** Base64. */
    readonly password?: string;
    readonly clientId?: string;
  };
}

/** What a device, or the API's caller in its place, presented. */
export interface Presented {
  readonly tls: {
    readonly serverName: string | null;
    readonly certificate?: { readonly pem: string; readonly id: string };
  } | null;
  readonly http: {
    readonly headers: Readonly<Record<string, string>>;
    /** With its `?`; null: there is none. */
    readonly queryString: string | null;
  } | null;
  readonly mqtt: {
    /** As on the wire, its parameters included. */
    readonly username: string | null;
    readonly password: Buffer | null;
    readonly clientId: string | null;
  } | null;
}

export interface Signed {
  readonly token: string | null;
  readonly verified: boolean;
}

export function authorizerEvent(presented: Presented, { token, verified }: Signed): AuthorizerEvent {
  const protocolData = {
    ...(presented.tls && { tls: tlsData(presented.tls) }),
    ...(presented.http && { http: httpData(presented.http) }),
    ...(presented.mqtt && { mqtt: mqttData(presented.mqtt) }),
  };
  const protocols = (["tls", "http", "mqtt"] as const).filter((protocol) => protocol in protocolData);
  return {
    ...(token !== null && { token }),
    signatureVerified: verified,
    protocols,
    // With only token and signature the event has none (DG custom-auth-tutorial).
    ...(protocols.length > 0 && { protocolData }),
    connectionMetadata: { id: randomUUID() },
  };
}

function tlsData({ serverName, certificate }: NonNullable<Presented["tls"]>): ProtocolData["tls"] {
  return {
    ...(serverName !== null && { serverName }),
    ...(certificate && { x509CertificatePem: certificate.pem, principalId: certificate.id }),
  };
}

function httpData({ headers, queryString }: NonNullable<Presented["http"]>): ProtocolData["http"] {
  return {
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(queryString !== null && { queryString }),
  };
}

function mqttData({ username, password, clientId }: NonNullable<Presented["mqtt"]>): ProtocolData["mqtt"] {
  return {
    ...(username !== null && { username }),
    ...(password !== null && { password: password.toString("base64") }),
    ...(clientId !== null && clientId !== "" && { clientId }),
  };
}
