import { resolve } from "node:path";
import type { ProfileSource } from "../model/config.ts";
import type {
  ConnectOptions,
  ExecSource,
  Expectation,
  MqttVersion,
  Origin,
  Profile,
  ProfileToken,
  TlsOptions,
  TopicExpectation,
} from "../model/profile.ts";
import { Secret } from "../model/secret.ts";
import { protocolsOf } from "./cross-checks.ts";
import type { RawProfile, RawToken } from "./profile-schema.ts";
import { renderTopic } from "./topics.ts";

/** What every profile of one file shares. */
export interface FileScope {
  readonly source: ProfileSource;
  /** Folder of the file: its relative paths start here. */
  readonly baseFolder: string;
  readonly exec: ExecSource | null;
  /** The target of profiles that name none. */
  readonly onlyTarget: string | null;
}

const NO_TOPICS: TopicExpectation = { allow: [], deny: [] };
const ALLOW: Expectation = {
  access: "allow",
  publish: NO_TOPICS,
  subscribe: NO_TOPICS,
  receive: NO_TOPICS,
  principalId: null,
  refreshAfterSeconds: null,
  disconnectAfterSeconds: null,
  preset: null,
};
const DENY: Expectation = { ...ALLOW, access: "deny" };
const CONNECT: ConnectOptions = {
  cleanSession: true,
  sessionExpirySeconds: 0,
  sessionStated: false,
  keepAliveSeconds: 60,
  will: null,
};
const TLS: TlsOptions = {
  serverName: null,
  alpn: null,
  certFile: null,
  keyFile: null,
  minVersion: null,
  maxVersion: null,
  groups: null,
};

/** Fills in the defaults (design 6.3) of a profile that passed every check. */
export function buildProfile(raw: RawProfile, scope: FileScope, origin: Origin): Profile {
  const { source, baseFolder, exec, onlyTarget } = scope;
  const clientId = raw.clientId === undefined ? null : raw.clientId + source.clientIdSuffix;
  return {
    id: raw.id,
    cohort: raw.cohort ?? "default",
    target: known(raw.target ?? onlyTarget, "target"),
    protocols: protocolsOf(raw.protocol),
    mqttVersion: raw.mqttVersion ?? 4,
    authorizer: raw.authorizer ?? null,
    clientId,
    username: secret(raw.username),
    password: secret(raw.password),
    token: raw.token === undefined ? null : buildToken(raw.token, baseFolder),
    credentialsIn: raw.credentialsIn ?? null,
    headers: raw.headers === undefined ? {} : mapValues(raw.headers, (value) => new Secret(value)),
    queryString: secret(raw.queryString === "" ? undefined : raw.queryString),
    topic: raw.topic ?? null,
    identity: known(raw.identity ?? source.identity, "identity"),
    connect: raw.connect === undefined ? CONNECT : buildConnect(raw.connect, raw.mqttVersion ?? 4),
    tls: raw.tls === undefined ? TLS : buildTls(raw.tls, baseFolder),
    expect: buildExpectation(raw.expect, raw.id, clientId),
    labels: raw.labels ?? {},
    exec,
    baseFolder,
    origin,
  };
}

export function buildToken(raw: RawToken, baseFolder: string): ProfileToken {
  const { key, value, signature, signingKeyFile, jwt } = raw;
  if (jwt !== undefined) return { key, kind: "jwt", jwt: new Secret(jwt) };
  const content = new Secret(known(value, "token.value"));
  return signingKeyFile === undefined
    ? { key, kind: "value", value: content, signature: secret(signature) }
    : { key, kind: "sign", value: content, signingKeyFile: resolve(baseFolder, signingKeyFile) };
}

function buildConnect(raw: NonNullable<RawProfile["connect"]>, mqttVersion: MqttVersion): ConnectOptions {
  const { will, ...options } = raw;
  return {
    ...CONNECT,
    ...options,
    sessionStated:
      raw.cleanSession !== undefined && (mqttVersion === 4 || raw.sessionExpirySeconds !== undefined),
    will: will ? { topic: will.topic, payload: will.payload ?? "", qos: will.qos ?? 0 } : null,
  };
}

function buildTls(raw: NonNullable<RawProfile["tls"]>, baseFolder: string): TlsOptions {
  const path = (file: string | undefined) => (file === undefined ? null : resolve(baseFolder, file));
  return { ...TLS, ...raw, certFile: path(raw.certFile), keyFile: path(raw.keyFile) };
}

function buildExpectation(raw: RawProfile["expect"], id: string, clientId: string | null): Expectation {
  if (raw === undefined || raw === "allow") return ALLOW;
  if (raw === "deny") return DENY;
  const fill = (topic: string) => renderTopic(topic, { id, clientId });
  const topics = (each: { allow?: readonly string[]; deny?: readonly string[] } | undefined) => ({
    allow: (each?.allow ?? []).map(fill),
    deny: (each?.deny ?? []).map(fill),
  });
  return {
    access: raw.access ?? "allow",
    publish: topics(raw.publish),
    subscribe: topics(raw.subscribe),
    receive: topics(raw.receive),
    principalId: raw.principalId ?? null,
    refreshAfterSeconds: range(raw.refreshAfterSeconds),
    disconnectAfterSeconds: range(raw.disconnectAfterSeconds),
    preset: raw.preset ?? null,
  };
}

function range(pair: readonly number[] | undefined): readonly [number, number] | null {
  const [min, max] = pair ?? [];
  return min === undefined || max === undefined ? null : [min, max];
}

function secret(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value);
}

/** Own properties whatever the key: assigning to `__proto__` would do something else. */
export function mapValues<A, B>(
  values: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

function known<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} passed the checks without a value`);
  return value;
}
