import type { Behaviours } from "../behaviours.ts";
import type { Domain } from "../domains.ts";

/** What a connection speaks after its handshake, and how its client proves who it is. */
export interface WayIn {
  readonly speaks: "mqtt" | "http";
  /** `sigv4`: signed requests, which the emulator does not take. */
  readonly credentials: "custom" | "x509" | "custom-x509" | "sigv4";
  /** Null: the client offered none. */
  readonly alpn: string | null;
}

export type GatewayRole = 443 | 8443 | 8883;

/** TLS alert numbers (RFC 8446, 6). */
const ALERT = { unrecognizedName: 112, noApplicationProtocol: 120 } as const;

interface Row {
  readonly role: GatewayRole;
  readonly alpn: string | null;
  readonly speaks: WayIn["speaks"];
  readonly credentials: WayIn["credentials"];
}

/**
 * DG protocols: which port and ALPN mean what on a DEFAULT domain. `http/1.1`, which browsers offer, stands for
 * none: it is not in the table, but browsers are AWS's own example of WebSocket clients.
 */
const DEFAULT_DOMAIN: readonly Row[] = [
  { role: 443, alpn: "mqtt", speaks: "mqtt", credentials: "custom" },
  { role: 443, alpn: "x-amzn-mqtt-ca", speaks: "mqtt", credentials: "x509" },
  { role: 443, alpn: "x-amzn-http-ca", speaks: "http", credentials: "x509" },
  { role: 443, alpn: null, speaks: "http", credentials: "custom" },
  { role: 443, alpn: "http/1.1", speaks: "http", credentials: "custom" },
  { role: 8443, alpn: null, speaks: "http", credentials: "x509" },
  { role: 8443, alpn: "x-amzn-http-ca", speaks: "http", credentials: "x509" },
  { role: 8443, alpn: "http/1.1", speaks: "http", credentials: "x509" },
  { role: 8883, alpn: null, speaks: "mqtt", credentials: "x509" },
  { role: 8883, alpn: "x-amzn-mqtt-ca", speaks: "mqtt", credentials: "x509" },
  { role: 8883, alpn: "mqtt", speaks: "mqtt", credentials: "x509" },
];

const CREDENTIALS = {
  CUSTOM_AUTH: "custom",
  CUSTOM_AUTH_X509: "custom-x509",
  AWS_X509: "x509",
  AWS_SIGV4: "sigv4",
} as const;

/** The way in that a client's offer opens; null: no common application protocol (TLS alert 120). */
export function wayIn(role: GatewayRole, domain: Domain | null, offered: readonly string[]): WayIn | null {
  const candidates: readonly (string | null)[] = offered.length > 0 ? offered : [null];
  const rows = domain === null ? DEFAULT_DOMAIN : rowsOf(domain);
  // The server's order decides, as in the table: a client may offer `mqtt` and others.
  const row = rows.find((each) => each.role === role && candidates.includes(each.alpn));
  return row === undefined ? null : { speaks: row.speaks, credentials: row.credentials, alpn: row.alpn };
}

/** Outside DEFAULT domains the domain decides, not port and ALPN (DG protocols). */
function rowsOf({ authenticationType, applicationProtocol }: Domain): readonly Row[] {
  if (authenticationType === "DEFAULT") return DEFAULT_DOMAIN;
  const speaks = applicationProtocol === "SECURE_MQTT" ? "mqtt" : "http";
  const alpns = speaks === "mqtt" ? ["mqtt", "x-amzn-mqtt-ca", null] : ["http/1.1", "x-amzn-http-ca", null];
  const credentials = CREDENTIALS[authenticationType];
  return ([443, 8443, 8883] as const).flatMap((role) =>
    alpns.map((alpn) => ({ role, alpn, speaks, credentials })),
  );
}

export type OpeningDecision =
  | { readonly kind: "open"; readonly way: WayIn }
  | { readonly kind: "alert"; readonly description: number }
  | { readonly kind: "close" };

/**
 * Goes the handshake on? MQTT needs an SNI that names an endpoint of the account; HTTP can do with its Host header
 * (DG custom-auth-troubleshooting).
 */
export function decideOpening(
  role: GatewayRole,
  domain: Domain | null,
  offered: readonly string[],
  { noSni, explicitDomainWithoutAlpn }: Behaviours,
): OpeningDecision {
  const way = wayIn(role, domain, offered);
  if (way === null) return { kind: "alert", description: ALERT.noApplicationProtocol };
  if (way.speaks === "http") return { kind: "open", way };
  if (domain === null) {
    return noSni === "alert" ? { kind: "alert", description: ALERT.unrecognizedName } : { kind: "close" };
  }
  // Undocumented: MQTT without ALPN where the domain, not ALPN, says that it is MQTT.
  const isExplicit = domain.authenticationType !== "DEFAULT";
  const isLacking = isExplicit && way.alpn === null && explicitDomainWithoutAlpn === "close";
  return isLacking ? { kind: "close" } : { kind: "open", way };
}
