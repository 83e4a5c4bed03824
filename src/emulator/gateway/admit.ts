import { Buffer } from "node:buffer";
import type { Json } from "../../model/invocation.ts";
import { type Admitted, authenticate, type Refused, refused } from "../authorizers/authenticate.ts";
import type { Presented } from "../authorizers/event.ts";
import { isTopic } from "../broker/topics.ts";
import { type Access, type AccessSubject, createAccess, mayConnect } from "./access.ts";
import type { ConnectRequest } from "./connect-request.ts";
import type { Gateway, MqttLink } from "./link.ts";

/** A device that is let in. */
export interface Entry {
  readonly kind: "entry";
  readonly access: Access;
  /** Null: by client certificate alone. */
  readonly admitted: Admitted | null;
}

const MAX_CLIENT_ID_BYTES = 128;

/** What a fault makes of a device that its authorizer would let in. */
export const FAULT_DENIAL = refused("NotAuthenticated", "NOT_AUTHENTICATED", "fault injected");

/** Decides a CONNECT: client id, rate, domain, authentication, policies; in this order. */
export async function admit(
  gateway: Gateway,
  link: MqttLink,
  request: ConnectRequest,
  signal: AbortSignal,
): Promise<Entry | Refused> {
  const { clientId, isAssigned } = request;
  const isTooLong = Buffer.byteLength(clientId) > MAX_CLIENT_ID_BYTES;
  if (isTooLong || (!isAssigned && clientId.startsWith("$GEN/")) || clientId.includes("\0")) {
    return refused("ClientId", "CLIENT_ERROR", "the client id is not valid");
  }
  if (!gateway.connects.take(clientId)) {
    return refused("ClientRate", "THROTTLED", "more than one CONNECT a second for this client id");
  }
  const unfit = domainRefusal(link);
  if (unfit !== null) return unfit;
  const identified = await identify(gateway, link, request, signal);
  if (identified.kind === "refused") return identified;
  const subject = accessSubject(gateway, link, clientId);
  const access = createAccess(identified.documents, subject);
  return policyRefusal(access, subject, request) ?? { kind: "entry", access, admitted: identified.admitted };
}

/** Why this domain lets nobody in this way; null: it does. */
export function domainRefusal({ domain, way }: Pick<MqttLink, "domain" | "way">): Refused | null {
  if (domain === null) return refused("Domain", "SNI_MISUSED", "no endpoint of the account was named");
  if (domain.status === "DISABLED") {
    return refused("Domain", "DOMAIN_CONFIGURATION_DISABLED", `${domain.name} is disabled`);
  }
  if (way.credentials === "sigv4") {
    return refused("Domain", "DOMAIN_CONFIGURATION_INVALID", `${domain.name} takes signed requests only`);
  }
  return null;
}

export function accessSubject(
  { config }: Gateway,
  { domain, socket, way }: Pick<MqttLink, "domain" | "socket" | "way">,
  clientId: string | null,
): AccessSubject {
  return {
    region: config.region,
    accountId: config.accountId,
    serverName: domain?.serverName ?? null,
    sourceIp: socket.sourceIp,
    clientId,
    clientCertificate: way.credentials !== "custom",
  };
}

interface Identified {
  readonly kind: "identified";
  readonly documents: readonly Json[];
  readonly admitted: Admitted | null;
}

async function identify(
  gateway: Gateway,
  link: MqttLink,
  request: ConnectRequest,
  signal: AbortSignal,
): Promise<Identified | Refused> {
  const attached = link.certificate && gateway.clientCertificates.policiesOf(link.certificate.id);
  if (link.way.credentials === "x509") {
    // The certificate path: no authorizer is ever asked.
    if (attached) return { kind: "identified", documents: attached, admitted: null };
    return refused(
      "NoAuthorizer",
      "NOT_AUTHENTICATED",
      "the client certificate is not registered or inactive",
    );
  }
  if (link.way.credentials === "custom-x509" && !attached) {
    return refused(
      "NoAuthorizer",
      "NOT_AUTHENTICATED",
      "the client certificate is not registered or inactive",
    );
  }
  if (link.domain === null) return refused("Domain", "SNI_MISUSED", "no endpoint of the account was named");
  const admitted = await authenticate(gateway.account, link.domain, presentedBy(link, request), signal);
  if (admitted.kind === "refused") return admitted;
  // With a certificate its own policies and the authorizer's are united (DG custom-auth-509cert).
  const documents = [...admitted.response.documents, ...(attached ?? [])];
  return { kind: "identified", documents, admitted };
}

export function presentedBy(link: MqttLink, request: ConnectRequest): Presented {
  return {
    tls: { serverName: link.serverName, ...(link.certificate && { certificate: link.certificate }) },
    http: link.http,
    mqtt: {
      username: request.username,
      password: request.password,
      clientId: request.isAssigned ? null : request.clientId,
    },
  };
}

function policyRefusal(access: Access, subject: AccessSubject, request: ConnectRequest): Refused | null {
  const { will } = request;
  const persistent = request.version === 4 ? !request.clean : request.sessionExpirySeconds > 0;
  if (!mayConnect(access, subject, { persistent, willTopic: will?.topic ?? null })) {
    return refused("Policy", "AUTHORIZATION_FAILURE", "iot:Connect is not allowed");
  }
  if (!will) return null;
  const isAllowed =
    isTopic(will.topic) &&
    access.allows("Publish", `topic/${will.topic}`) &&
    (!will.retain || access.allows("RetainPublish", `topic/${will.topic}`));
  return isAllowed
    ? null
    : refused("Will", "AUTHORIZATION_FAILURE", "the will's topic may not be published to");
}
