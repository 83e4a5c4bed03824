import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { ErrorName } from "../http-error.ts";
import type { CredentialConfig } from "../schema.ts";

/**
 * `iot` today; `execute-api` until about May 2023, and in clients of that age still. The data plane signs as
 * `iotdata`, and the developer guide names `iotdevicegateway` for the connection APIs.
 */
const SERVICES = {
  control: ["iot", "execute-api"],
  data: ["iotdata", "iotdevicegateway", "iot", "execute-api"],
} as const;
export type Plane = keyof typeof SERVICES;
const MAX_SKEW_MS = 5 * 60 * 1000;

export interface SignedRequest {
  readonly method: string;
  /** As on the request line: path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Caller =
  | { readonly kind: "known"; readonly credential: CredentialConfig }
  | { readonly kind: "refused"; readonly name: ErrorName; readonly message: string };

interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Verifies an AWS Signature Version 4 in the Authorization header (IAM reference_sigv-create-signed-request). */
export function verifyCaller(
  request: SignedRequest,
  credentials: readonly CredentialConfig[],
  { region, plane, nowMs }: { readonly region: string; readonly plane: Plane; readonly nowMs: number },
): Caller {
  const { authorization: header } = request.headers;
  if (header === undefined)
    return refused("MissingAuthenticationTokenException", "Missing Authentication Token");
  const authorization = parseAuthorization(header);
  const date = first(request.headers["x-amz-date"]);
  if (authorization === null || date === null || parseDate(date) === null) {
    return refused("IncompleteSignatureException", "The Authorization header or X-Amz-Date is incomplete");
  }
  const credential = credentials.find(({ accessKeyId }) => accessKeyId === authorization.accessKeyId);
  const token = first(request.headers["x-amz-security-token"]);
  if (credential === undefined || (credential.sessionToken ?? null) !== token) {
    return refused("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  if (credential.expired) {
    return refused("ExpiredTokenException", "The security token included in the request is expired");
  }
  const complaint =
    scopeComplaint(authorization, date, region, plane) ??
    skewComplaint(parseDate(date) ?? 0, nowMs) ??
    signatureComplaint(request, authorization, date, credential);
  return complaint === null ? { kind: "known", credential } : refused("InvalidSignatureException", complaint);
}

function parseAuthorization(header: string): Authorization | null {
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request\s*,\s*SignedHeaders=([a-z0-9;_-]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(
      header.trim(),
    );
  if (match === null) return null;
  const [, accessKeyId = "", date = "", region = "", service = "", signedHeaders = "", signature = ""] =
    match;
  const scope = `${date}/${region}/${service}/aws4_request`;
  return { accessKeyId, date, region, service, scope, signedHeaders: signedHeaders.split(";"), signature };
}

/** `20261123T010203Z` as ms since the epoch. */
function parseDate(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? null : ms;
}

function scopeComplaint(scope: Authorization, date: string, region: string, plane: Plane): string | null {
  const services: readonly string[] = SERVICES[plane];
  if (!services.includes(scope.service)) return "Credential should be scoped to correct service.";
  if (scope.region !== region) return `Credential should be scoped to a valid region.`;
  return date.startsWith(scope.date)
    ? null
    : "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP";
}

function skewComplaint(signedMs: number, nowMs: number): string | null {
  const at = (ms: number) => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
  if (signedMs < nowMs - MAX_SKEW_MS) {
    return `Signature expired: ${at(signedMs)} is now earlier than ${at(nowMs - MAX_SKEW_MS)} (${at(nowMs)} - 5 min.)`;
  }
  if (signedMs > nowMs + MAX_SKEW_MS) {
    return `Signature not yet current: ${at(signedMs)} is still later than ${at(nowMs + MAX_SKEW_MS)} (${at(nowMs)} + 5 min.)`;
  }
  return null;
}

function signatureComplaint(
  request: SignedRequest,
  authorization: Authorization,
  date: string,
  { secretAccessKey }: CredentialConfig,
): string | null {
  const { signedHeaders, scope, signature } = authorization;
  if (!signedHeaders.includes("host")) return "'Host' must be a 'SignedHeader' in the AWS Authorization.";
  const bodyHash = sha256(request.body);
  const claimed = first(request.headers["x-amz-content-sha256"]);
  if (claimed !== null && claimed !== bodyHash && claimed !== "UNSIGNED-PAYLOAD") {
    return "The provided 'x-amz-content-sha256' header does not match what was computed.";
  }
  const canonical = [
    request.method,
    ...canonicalTarget(request.target),
    ...signedHeaders.map((name) => `${name}:${canonicalHeader(request.headers[name])}`),
    "",
    signedHeaders.join(";"),
    claimed ?? bodyHash,
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(Buffer.from(canonical))].join("\n");
  const key = scope
    .split("/")
    .reduce<Buffer>((secret, part) => hmac(secret, part), Buffer.from(`AWS4${secretAccessKey}`));
  const expected = hmac(key, toSign);
  return timingSafeEqual(expected, Buffer.from(signature, "hex"))
    ? null
    : "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.";
}

/** Path and query in canonical form. The path is encoded once more than on the wire, as for all services but S3. */
function canonicalTarget(target: string): readonly [string, string] {
  const at = target.indexOf("?");
  const path = at === -1 ? target : target.slice(0, at);
  const query = at === -1 ? "" : target.slice(at + 1);
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      return equals === -1
        ? ([pair, ""] as const)
        : ([pair.slice(0, equals), pair.slice(equals + 1)] as const);
    })
    .map(([key, value]) => `${recode(key)}=${recode(value)}`)
    .sort();
  return [path.split("/").map(encode).join("/"), pairs.join("&")];
}

function canonicalHeader(value: string | string[] | undefined): string {
  return [value ?? ""].flat().join(",").trim().replace(/\s+/g, " ");
}

function recode(text: string): string {
  try {
    return encode(decodeURIComponent(text));
  } catch {
    return encode(text);
  }
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function first(value: string | string[] | undefined): string | null {
  return [value ?? null].flat()[0] ?? null;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function refused(name: ErrorName, message: string): Caller {
  return { kind: "refused", name, message };
}
