/* What AWS IoT Core documents and several stages hold something against. */

/** Plain padded base64, as the API's model and the gateway want it (API_TestInvokeAuthorizer). */
export const PLAIN_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What an authorizer can be called (API_DescribeAuthorizer). */
export const AUTHORIZER_NAME = /^[\w=,@-]{1,128}$/;

/** UTF-8 bytes (AWS IoT Core quotas, message broker). */
export const MAX_CLIENT_ID_BYTES = 128;

/** The certificate path's ALPN protocols: the authorizer is never called on them (DG/protocols.html). */
export const CERTIFICATE_ALPN: readonly string[] = ["x-amzn-mqtt-ca", "x-amzn-http-ca"];

/** The certificate path's ports: custom authentication is refused there (DG/custom-auth-troubleshooting.html). */
export const CERTIFICATE_PORTS: readonly number[] = [8883, 8443];

/** AWS refuses signatures of a clock that is further off (IAM User Guide, troubleshoot signed requests). */
export const MOST_CLOCK_SKEW_MS = 5 * 60_000;

/** TestInvokeAuthorizer calls a second that an account has in a Region; AWS does not raise it. */
export const INVOKES_PER_SECOND = 10;

/** Longest fields of API_TestInvokeAuthorizer, in characters; the password in bytes. */
export const INVOKE_LIMITS = {
  token: 6144,
  tokenSignature: 2560,
  queryString: 4096,
  header: 8192,
  username: 65_535,
  password: 65_535,
  clientId: 65_535,
  serverName: 253,
} as const;

/** The number of characters where it is more than `max`, else 0. Characters are code points (Smithy `@length`). */
export function excess(value: string, max: number): number {
  if (value.length <= max) return 0;
  const characters = [...value].length;
  return characters > max ? characters : 0;
}

/** What is odd about a signature that is not plain base64, without quoting it; null: nothing is. */
export function oddSignature(signature: string): string | null {
  if (PLAIN_BASE64.test(signature)) return null;
  if (/[-_]/.test(signature)) return "it holds '-' or '_', as base64url does";
  if (/\s/.test(signature)) return "it holds white space";
  if (/%[0-9A-Fa-f]{2}/.test(signature)) return "it is percent-encoded";
  return "it holds other characters";
}

/** What is odd about the encoding of a signature inside a query suffix (DG/custom-auth.html); null: nothing is. */
export function oddSignatureEncoding(query: string): string | null {
  const written = /x-amz-customauthorizer-signature=([^&]*)/i.exec(query)?.[1] ?? "";
  if (/[+/]/.test(written)) return "holds '+' or '/' as they are, not URL-encoded";
  return /%25[0-9A-Fa-f]{2}/.test(written) ? "is encoded twice" : null;
}

/** `PREFIX.iot.REGION.amazonaws.com` without `-ats` is the legacy endpoint, which knows no MQTT 5 (DG/mqtt.html). */
export function isLegacyEndpoint(endpoint: string): boolean {
  const [prefix = ""] = endpoint.split(".");
  return /\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(endpoint) && !prefix.endsWith("-ats");
}

/**
 * Is it the account's own data endpoint in another form: without `-ats`, of both address families, FIPS? All of them
 * share its prefix and Region (DG/iot-connect-devices.html). `endpoint`: as DescribeEndpoint shows it.
 */
export function isOwnEndpoint(name: string, endpoint: string): boolean {
  const [prefix, service, region] = endpointLabels(name);
  const [ownPrefix, ownService, ownRegion] = endpointLabels(endpoint);
  return service === "iot" && ownService === "iot" && prefix === ownPrefix && region === ownRegion;
}

function endpointLabels(name: string): readonly (string | undefined)[] {
  const [prefix = "", service = "", region] = name.toLowerCase().split(".");
  return [prefix.replace(/-ats$/, ""), service.replace(/-fips$/, ""), region];
}
