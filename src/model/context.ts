import type { MqttVersion, Will } from "./profile.ts";
import type { Secret } from "./secret.ts";

/** What the device puts into its CONNECT packet [MQTT-3.1]. */
export interface ConnectFields {
  readonly mqttVersion: MqttVersion;
  readonly clientId: string;
  readonly username: Secret | null;
  readonly password: Secret | null;
  readonly cleanSession: boolean;
  readonly sessionExpirySeconds: number;
  readonly keepAliveSeconds: number;
  readonly will: Will | null;
}

/** TLS as the device would do it, apart from trust (which is the target's). */
export interface TlsWire {
  /** null: no SNI extension. */
  readonly serverName: string | null;
  /** Empty: no ALPN extension. */
  readonly alpn: readonly string[];
  readonly clientCertificate: { readonly cert: Secret; readonly key: Secret } | null;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL group list, for example `X25519:P-256`. */
  readonly groups: string;
}

/** The bytes the device sends: one face of the context. Header names keep their case. */
export type Wire =
  | { readonly kind: "mqtt"; readonly tls: TlsWire; readonly connect: ConnectFields }
  | {
      readonly kind: "wss";
      readonly tls: TlsWire;
      /** Request target: `/mqtt` with its query string. */
      readonly path: Secret;
      readonly headers: Readonly<Record<string, Secret>>;
      readonly connect: ConnectFields;
    }
  | {
      readonly kind: "https";
      readonly tls: TlsWire;
      /** Request target: `/topics/<encoded topic>?qos=1…`. */
      readonly path: Secret;
      readonly headers: Readonly<Record<string, Secret>>;
    };

/** TestInvokeAuthorizer's input: the other face. Empty fields are null (the API refuses empty strings). */
export interface InvokeRequest {
  readonly token: Secret | null;
  readonly tokenSignature: Secret | null;
  readonly httpContext: {
    readonly headers: Readonly<Record<string, Secret>> | null;
    readonly queryString: Secret | null;
  } | null;
  readonly mqttContext: {
    readonly username: Secret | null;
    readonly password: Secret | null;
    readonly clientId: string | null;
  } | null;
  readonly tlsContext: { readonly serverName: string } | null;
}

/** One profile over one protocol, as bytes for the gateway and as fields for the API. */
export interface DeviceContext {
  /** Named by the device, by its profile or inside its raw username; null: it relies on a default. */
  readonly authorizer: string | null;
  /** Under which the token travels; of a raw username, the first key that is neither AWS's nor an SDK's. */
  readonly tokenKey: string | null;
  readonly wire: Wire;
  readonly request: InvokeRequest;
  /** Every credential in it, derived ones included: what text from outside is scrubbed of. */
  readonly secrets: readonly Secret[];
}
