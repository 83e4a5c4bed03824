import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import type { Json } from "../../model/invocation.ts";
import { type AuthorizerResponse, MAX_LIFETIME_SECONDS } from "../authorizers/answer.ts";
import { authenticate, type Refused, refused } from "../authorizers/authenticate.ts";
import { isTopic } from "../broker/topics.ts";
import { errorNameOf, sendJson, sendTracedError } from "../http-error.ts";
import { readBody } from "../read-body.ts";
import { ALLOW_ALL, createAccess } from "./access.ts";
import { accessSubject, domainRefusal, FAULT_DENIAL } from "./admit.ts";
import { type Gateway, type Link, logRefusal } from "./link.ts";
import { publishProperties } from "./publish-properties.ts";
import { requestHead } from "./request-head.ts";

/** The broker's payload quota; which status a larger body gets is undocumented. */
const MAX_BODY_BYTES = 128 * 1024;

/** `POST /topics/TOPIC?qos=0|1`: a publish with the authorizer's credentials in headers or query (DG custom-auth). */
export async function publishOverHttps(
  gateway: Gateway,
  link: Link,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url, headers, queryString } = requestHead(request);
  if (request.method !== "POST") {
    return sendTracedError(response, "MethodNotAllowedException", "The method is not allowed");
  }
  const topic = topicOf(url.pathname);
  const qos = url.searchParams.get("qos") ?? "0";
  if (topic === null || !isTopic(topic) || !/^[01]$/.test(qos)) {
    return sendTracedError(response, "InvalidRequestException", "Invalid topic or qos");
  }
  const properties = publishProperties(url.searchParams, request.headers);
  if (properties === null) {
    return sendTracedError(response, "InvalidRequestException", "A property of the message is not valid");
  }
  const payload = await readBody(request, MAX_BODY_BYTES);
  if (payload === null) {
    response.setHeader("connection", "close");
    return sendTracedError(response, "RequestEntityTooLargeException", "The payload is too large");
  }
  const struck = await strike(gateway, link, request, response);
  if (struck === "answered") return;

  const identified = struck ?? (await identify(gateway, link, { headers, queryString }, request.socket));
  if (identified.kind === "refused") return refuse(gateway, link, response, identified);
  const retain = url.searchParams.get("retain") === "true";
  if (!isAllowed(gateway, link, identified.documents, topic, retain)) {
    const denial = refused("Policy", "AUTHORIZATION_FAILURE", "iot:Publish is not allowed");
    logRefusal(gateway, link, "https", null, denial);
    return sendTracedError(response, "ForbiddenException", "Forbidden");
  }
  gateway.broker.publish({ topic, payload, qos: qos === "1" ? 1 : 0, retain, properties }, null);
  if (gateway.account.behaviours.httpsBody === "empty") response.writeHead(200).end();
  else sendJson(response, 200, { message: "OK", traceId: randomUUID() });
}

function topicOf(pathname: string): string | null {
  try {
    return decodeURIComponent(pathname.slice("/topics/".length));
  } catch {
    return null;
  }
}

interface Identified {
  readonly kind: "identified";
  readonly documents: readonly Json[];
}

type HttpPart = { readonly headers: Readonly<Record<string, string>>; readonly queryString: string | null };

/** Answers kept for a persistent connection, where the authorizer has caching on (DG custom-auth-lambda). */
const cached = new WeakMap<
  Socket,
  { readonly key: string; readonly response: AuthorizerResponse; readonly untilMs: number }
>();

async function identify(
  gateway: Gateway,
  link: Link,
  http: HttpPart,
  socket: Socket,
): Promise<Identified | Refused> {
  const unfit = domainRefusal(link);
  if (unfit !== null || link.domain === null) {
    return unfit ?? refused("Domain", "SNI_MISUSED", "no endpoint of the account was named");
  }
  const attached = link.certificate && gateway.clientCertificates.policiesOf(link.certificate.id);
  if (link.way.credentials !== "custom" && !attached) {
    return refused(
      "NoAuthorizer",
      "NOT_AUTHENTICATED",
      "the client certificate is not registered or inactive",
    );
  }
  if (link.way.credentials === "x509") return { kind: "identified", documents: attached ?? [] };
  const key = JSON.stringify(http);
  const known = cached.get(socket);
  if (known?.key === key && known.untilMs > monotonicMs()) {
    return { kind: "identified", documents: [...known.response.documents, ...(attached ?? [])] };
  }
  const tls = { serverName: link.serverName, ...(link.certificate && { certificate: link.certificate }) };
  const admitted = await authenticate(
    gateway.account,
    link.domain,
    { tls, http, mqtt: null },
    gateway.signal,
  );
  if (admitted.kind === "refused") return admitted;
  const { authorizer, response } = admitted;
  if (authorizer.enableCachingForHttp) {
    const seconds = response.refreshAfterInSeconds ?? MAX_LIFETIME_SECONDS;
    const untilMs = monotonicMs() + (seconds * 1000) / gateway.config.lifetimeSpeed;
    cached.set(socket, { key, response, untilMs });
  }
  return { kind: "identified", documents: [...response.documents, ...(attached ?? [])] };
}

function isAllowed(
  gateway: Gateway,
  link: Link,
  documents: readonly Json[],
  topic: string,
  retain: boolean,
): boolean {
  const access = createAccess(documents, accessSubject(gateway, link, null));
  return (
    access.allows("Publish", `topic/${topic}`) &&
    (!retain || access.allows("RetainPublish", `topic/${topic}`)) &&
    (!gateway.account.behaviours.httpsNeedsConnect || access.allows("Connect", "client/"))
  );
}

function refuse(gateway: Gateway, link: Link, response: ServerResponse, refusal: Refused): void {
  logRefusal(gateway, link, "https", null, refusal);
  const status = gateway.account.behaviours.httpsRefusalStatus;
  const isBare = refusal.cause === "NoAuthorizer" && refusal.details.startsWith("none is named");
  const message = isBare ? "Missing Authentication Token" : status === 401 ? "Unauthorized" : "Forbidden";
  sendTracedError(response, status === 401 ? "UnauthorizedException" : "ForbiddenException", message);
}

/** Does what a fault says. null: the request goes on all the same, where there is a fault after its delay. */
async function strike(
  gateway: Gateway,
  link: Link,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Identified | Refused | "answered" | null> {
  const subject = { serverName: link.serverName ?? undefined, protocol: "https" } as const;
  const fault = gateway.faults.draw("http", subject) ?? gateway.faults.draw("connect", subject);
  switch (fault?.kind) {
    case undefined:
      return null;
    case "delay":
      await sleep(fault.delayMs, gateway.signal);
      return null;
    case "deny":
      return FAULT_DENIAL;
    case "admit":
      return { kind: "identified", documents: [ALLOW_ALL] };
    case "silent":
      return "answered";
    case "reset":
      link.reset();
      return "answered";
    case "garbage":
      request.socket.end("fleet-smoke emulator: this is no HTTP\r\n\r\n");
      return "answered";
    case "http-status":
    case "connack": {
      const status = fault.kind === "connack" ? 503 : (fault.code ?? 503);
      sendTracedError(response, errorNameOf(status), "Fault injected", status);
      return "answered";
    }
    default:
      request.socket.end();
      return "answered";
  }
}
