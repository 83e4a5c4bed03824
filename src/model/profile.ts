import type { Secret } from "./secret.ts";

export const PROTOCOLS = ["mqtt", "wss", "https"] as const;
/** `mqtt` is MQTT over TLS, `wss` is MQTT over WebSocket, `https` is HTTPS publish. */
export type Protocol = (typeof PROTOCOLS)[number];

/** MQTT protocol level: 4 is 3.1.1, 5 is 5.0. */
export type MqttVersion = 4 | 5;

/** Does a live device use this client id? `dedicated`: none does. `device`: one may. */
export type Identity = "dedicated" | "device";

export type CredentialsIn = "username" | "headers" | "query";

export type Access = "allow" | "deny";

export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/**
 * Text that may hold `${env:NAME}` and `${file:path}`, resolved only when the check runs.
 * Wrapped, because a profile may also hold the credential itself.
 */
export type CredentialTemplate = Secret;

export type ProfileToken = {
  /** The authorizer's `tokenKeyName`. */
  readonly key: string;
} & (
  | {
      readonly kind: "value";
      readonly value: CredentialTemplate;
      /** Sent as written; plain padded base64 is what the API and the gateway expect. */
      readonly signature: CredentialTemplate | null;
    }
  | { readonly kind: "sign"; readonly value: CredentialTemplate; readonly signingKeyFile: string }
  | { readonly kind: "jwt"; readonly jwt: CredentialTemplate }
);

export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
}

export interface ConnectOptions {
  readonly cleanSession: boolean;
  /** MQTT 5 only. */
  readonly sessionExpirySeconds: number;
  /** The profile itself says whether a session is kept (for MQTT 5 also how long); no default was filled in. */
  readonly sessionStated: boolean;
  readonly keepAliveSeconds: number;
  readonly will: Will | null;
}

export interface TlsOptions {
  /** SNI to send; null: the target's endpoint; "": send none. */
  readonly serverName: string | null;
  /** mqtt only; null: `["mqtt"]`; `[]`: send none. */
  readonly alpn: readonly string[] | null;
  /** Absolute paths. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
  readonly groups: string | null;
}

export interface TopicExpectation {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface Expectation {
  readonly access: Access;
  readonly publish: TopicExpectation;
  readonly subscribe: TopicExpectation;
  readonly receive: TopicExpectation;
  readonly principalId: string | null;
  /** Inclusive seconds. */
  readonly refreshAfterSeconds: readonly [number, number] | null;
  readonly disconnectAfterSeconds: readonly [number, number] | null;
  readonly preset: "iot-jobs" | "shadow" | null;
}

/** Where a profile was written, for error messages. `line` is 1-based; null where the format has no lines. */
export interface Origin {
  readonly file: string;
  readonly line: number | null;
}

/** What an external command may answer instead of the profile's own credentials. */
export interface ExecSource {
  readonly command: readonly string[];
  /** Directory the command runs in: the folder of the configuration file. */
  readonly cwd: string;
}

/** A device as its source describes it: validated, defaults filled in, credentials not yet read. */
export interface Profile {
  readonly id: string;
  readonly cohort: string;
  /** Name of a target. */
  readonly target: string;
  /** At least one, without repeats, in the order written. */
  readonly protocols: readonly Protocol[];
  readonly mqttVersion: MqttVersion;
  readonly authorizer: string | null;
  /** With the source's suffix; null only where `https` is the only protocol. */
  readonly clientId: string | null;
  readonly username: CredentialTemplate | null;
  readonly password: CredentialTemplate | null;
  readonly token: ProfileToken | null;
  /** null: the protocol's default (wire table, design 6.3). */
  readonly credentialsIn: CredentialsIn | null;
  readonly headers: Readonly<Record<string, CredentialTemplate>>;
  readonly queryString: CredentialTemplate | null;
  readonly topic: string | null;
  readonly identity: Identity;
  readonly connect: ConnectOptions;
  readonly tls: TlsOptions;
  readonly expect: Expectation;
  readonly labels: Readonly<Record<string, string>>;
  readonly exec: ExecSource | null;
  /** Folder that relative `${file:…}` paths start from. */
  readonly baseFolder: string;
  readonly origin: Origin;
}

/** The credentials of one profile at the moment its check runs; nothing in it refers elsewhere any more. */
export interface Credentials {
  readonly username: Secret | null;
  readonly password: Secret | null;
  readonly token: ResolvedToken | null;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly queryString: Secret | null;
  /** PEM. */
  readonly clientCertificate: { readonly cert: Secret; readonly key: Secret } | null;
}

export type ResolvedToken = { readonly key: string } & (
  | { readonly kind: "value"; readonly value: Secret; readonly signature: Secret | null }
  | { readonly kind: "sign"; readonly value: Secret; readonly signingKey: Secret }
  | { readonly kind: "jwt"; readonly jwt: Secret }
);
