import type { ConnectFields, TlsWire, Wire } from "../../src/model/context.ts";
import type { ProbeInput } from "../../src/model/ports.ts";
import type { Protocol } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { ENDPOINT, type Pki } from "./gateway-pki.ts";

export const PASSWORD = "correct-horse-battery";

export const CONNECT: ConnectFields = {
  mqttVersion: 4,
  clientId: "pump-1",
  username: new Secret("pump-1?x-amz-customauthorizer-name=a%2Bb"),
  password: new Secret(PASSWORD),
  cleanSession: true,
  sessionExpirySeconds: 0,
  keepAliveSeconds: 60,
  will: null,
};

export const TLS: TlsWire = {
  serverName: ENDPOINT,
  alpn: [],
  clientCertificate: null,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  groups: "X25519:P-256",
};

export function wireOf(
  protocol: Protocol,
  tls: Partial<TlsWire> = {},
  connect: Partial<ConnectFields> = {},
): Wire {
  const fields = { tls: { ...TLS, ...tls }, connect: { ...CONNECT, ...connect } };
  switch (protocol) {
    case "mqtt":
      return { kind: "mqtt", ...fields };
    case "wss":
      return { kind: "wss", ...fields, path: new Secret("/mqtt"), headers: {} };
    case "https":
      return {
        kind: "https",
        tls: fields.tls,
        path: new Secret("/topics/smoke%2Fpump-1?qos=1"),
        headers: {},
      };
  }
}

export function targetOf(pki: Pki, port: number, overrides: Partial<ReadyTarget> = {}): ReadyTarget {
  return {
    name: "local",
    partition: "aws",
    region: "eu-west-1",
    accountId: "123456789012",
    endpoint: ENDPOINT,
    address: "127.0.0.1",
    addressFamily: "any",
    port,
    ca: pki.ca,
    controlPlaneEndpoint: null,
    queryStringMark: true,
    sourceIp: null,
    budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 1 },
    concurrency: 1,
    timeouts: { invokeMs: 1000, probeMs: 1000 },
    ...overrides,
  };
}

/** Ten seconds are far beyond what a local answer takes; a test of the timeout sets its own. */
export function inputOf(target: ReadyTarget, wire: Wire, overrides: Partial<ProbeInput> = {}): ProbeInput {
  return {
    target,
    wire,
    secrets: [new Secret(PASSWORD)],
    topics: [],
    leaveIfSessionPresent: false,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...overrides,
  };
}
