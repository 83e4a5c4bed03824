import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The demo's 500 devices and the authorizers they meet: three healthy cohorts, one with deliberate faults. */

const REGION = "eu-west-1";
const ACCOUNT = "123456789012";
export const DEMO_ENDPOINT = `emulator-ats.iot.${REGION}.amazonaws.com`;
const PASSWORD = "correct horse battery staple";
const CALLS_PER_SECOND = 50;

type Device = Readonly<Record<string, unknown>> & { readonly id: string; readonly cohort: string };

export interface DemoFiles {
  readonly emulatorConfig: string;
  /** The tester's configuration, once it is known where the emulator listens. */
  writeConfig(emulator: {
    readonly api: string;
    readonly gateway: string;
    readonly caFile: string;
  }): Promise<string>;
}

/** Writes everything but the tester's configuration into `folder`. */
export async function writeDemo(folder: string): Promise<DemoFiles> {
  const fleetKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rogueKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const devices = demoDevices(fleetKey.privateKey, rogueKey.privateKey);
  await mkdir(join(folder, "profiles"), { recursive: true });
  for (const [cohort, members] of Map.groupBy(devices, (device) => device.cohort)) {
    const lines = members.map((device) => `${JSON.stringify(device)}\n`).join("");
    await writeFile(join(folder, "profiles", `${cohort}.ndjson`), lines, { mode: 0o600 });
  }
  await writeFile(join(folder, "profiles", "device.password"), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(join(folder, "fleet.pub.pem"), fleetKey.publicKey.export({ type: "spki", format: "pem" }));
  const emulatorConfig = join(folder, "emulator.yaml");
  await writeJson(emulatorConfig, emulator());
  return {
    emulatorConfig,
    writeConfig: async (emulator) => {
      const file = join(folder, "fleet-smoke.yaml");
      await writeJson(file, tester(emulator));
      return file;
    },
  };
}

/** JSON is YAML. */
async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}

function tester({ api, gateway, caFile }: { api: string; gateway: string; caFile: string }): object {
  const at = gateway.lastIndexOf(":");
  return {
    targets: [
      {
        name: "demo",
        region: REGION,
        accountId: ACCOUNT,
        endpoint: DEMO_ENDPOINT,
        address: gateway.slice(0, at),
        port: Number(gateway.slice(at + 1)),
        caFile,
        controlPlaneEndpoint: api,
        budgets: { invokesPerSecond: CALLS_PER_SECOND, connectsPerSecond: CALLS_PER_SECOND },
      },
    ],
    profiles: [{ path: "profiles/*.ndjson", identity: "dedicated" }],
    http: { listen: "127.0.0.1:0" },
  };
}

function demoDevices(fleetKey: KeyObject, rogueKey: KeyObject): Device[] {
  const token = (value: string, key = fleetKey) => ({
    authorizer: "fleet-token",
    token: { key: "x-token", value, signature: sign("sha256", Buffer.from(value), key).toString("base64") },
  });
  return [...pumps(), ...sensors(token), ...gateways(token), ...valves(token, rogueKey)];
}

type SignToken = (
  value: string,
  key?: KeyObject,
) => Pick<Device, "authorizer"> & {
  readonly token: { readonly key: string; readonly value: string; readonly signature: string };
};

function named(cohort: string, index: number): { id: string; clientId: string; cohort: string } {
  const id = `${cohort.replace(/s$/, "")}-${String(index).padStart(4, "0")}`;
  return { id, clientId: id, cohort };
}

function withPassword(username: string, password = "${file:device.password}") {
  return { authorizer: "fleet-password", username, password };
}

/** 200 devices with user name and password, both MQTT versions; the last 20 are retired and must stay out. */
function pumps(): Device[] {
  return times(200, (index) => {
    const names = named("pumps", index);
    const mqtt = { ...names, protocol: "mqtt", mqttVersion: index % 2 === 0 ? 5 : 4 };
    return index < 180
      ? { ...mqtt, ...withPassword(`device-${names.id}`) }
      : { ...mqtt, ...withPassword(`retired-${names.id}`), expect: "deny" };
  });
}

/** 140 devices with signed tokens: HTTPS, MQTT, and 20 that speak both; the last 10 carry a revoked token. */
function sensors(token: SignToken): Device[] {
  return times(140, (index) => {
    const { id, clientId, cohort } = named("sensors", index);
    const topic = `fleet/${id}`;
    if (index >= 130) {
      return {
        id,
        clientId,
        cohort,
        protocol: "mqtt",
        mqttVersion: 5,
        ...token(`revoked.${id}`),
        expect: "deny",
      };
    }
    const signed = token(`fleet.${id}`);
    if (index < 60) return { id, cohort, protocol: "https", topic, ...signed };
    const protocol = index < 80 ? ["mqtt", "https"] : "mqtt";
    return { id, clientId, cohort, protocol, topic, mqttVersion: 5, ...signed };
  });
}

/** 80 devices over WebSocket, their credentials in headers, query, user name, or left to the default authorizer. */
function gateways(token: SignToken): Device[] {
  const places = ["headers", "query", "username"] as const;
  return times(80, (index) => {
    const names = { ...named("gateways", index), protocol: "wss", mqttVersion: index % 2 === 0 ? 4 : 5 };
    const credentialsIn = places[index % 4];
    if (credentialsIn !== undefined) return { ...names, credentialsIn, ...token(`fleet.${names.id}`) };
    const { username, password } = withPassword(`device-${names.id}`);
    return { ...names, username, password };
  });
}

/** 80 devices, 36 of them broken in nine ways. */
function valves(token: SignToken, rogueKey: KeyObject): Device[] {
  const faults: readonly ((id: string) => object)[] = [
    (id) => withPassword(`device-${id}`, "not the password"),
    (id) => withPassword(`narrow-${id}`),
    (id) => ({ ...withPassword(`device-${id}`), tls: { alpn: [] } }),
    (id) => base64url(token(`fleet.${id}`)),
    (id) => token(`fleet.${id}`, rogueKey),
    (id) => ({ ...withPassword(`device-${id}`), authorizer: "fleet-pasword" }),
    (id) => withPassword(`dashed-${id}`),
    (id) => withPassword(`stale-${id}`),
    (id) => ({ ...withPassword(`ghost-${id}`), expect: "deny" }),
  ];
  return times(80, (index) => {
    const names = { ...named("valves", index), protocol: "mqtt", mqttVersion: index % 2 === 0 ? 4 : 5 };
    const fault = index < 44 ? undefined : faults[(index - 44) % faults.length];
    return { ...names, ...(fault?.(names.id) ?? withPassword(`device-${names.id}`)) };
  });
}

function base64url(signed: ReturnType<SignToken>): object {
  const signature = Buffer.from(signed.token.signature, "base64").toString("base64url");
  return { ...signed, token: { ...signed.token, signature } };
}

function emulator(): object {
  const passwordRow = (username: string, answer: object, gatewayAnswer?: object) => ({
    when: { username, password: PASSWORD },
    answer,
    ...(gatewayAnswer ? { gatewayAnswer } : {}),
  });
  return {
    region: REGION,
    accountId: ACCOUNT,
    listen: { api: "127.0.0.1:0", gateway: "127.0.0.1:0", gatewayRole: 443 },
    certificates: { folder: "certificates" },
    credentials: [{ accessKeyId: "demo", secretAccessKey: "demo" }],
    authorizers: [
      {
        name: "fleet-password",
        status: "ACTIVE",
        signingDisabled: true,
        handler: {
          table: [
            passwordRow("/^device-/", admitted()),
            // Its policy is for another client id than the one the device uses.
            passwordRow("/^narrow-/", admitted({ clientId: "valve" })),
            passwordRow("/^dashed-/", admitted({ principalId: "valve-0000" })),
            // What the API sees is not what the gateway sees: the two faces disagree.
            passwordRow("/^stale-/", admitted(), { isAuthenticated: false }),
            { when: { username: "/^ghost-/" }, answer: admitted() },
          ],
        },
      },
      {
        name: "fleet-token",
        status: "ACTIVE",
        tokenKeyName: "x-token",
        publicKeyFiles: { fleet: "fleet.pub.pem" },
        handler: { table: [{ when: { token: "/^fleet\\./" }, answer: admitted() }] },
      },
    ],
    domains: [
      {
        name: "iot:Data-ATS",
        serverName: DEMO_ENDPOINT,
        aliases: ["localhost"],
        defaultAuthorizer: "fleet-password",
        allowAuthorizerOverride: true,
        authenticationType: "DEFAULT",
        applicationProtocol: "DEFAULT",
        status: "ENABLED",
      },
    ],
    quotas: { invokesPerSecond: CALLS_PER_SECOND, burst: CALLS_PER_SECOND, connectsPerSecondPerClientId: 1 },
  };
}

function admitted({ clientId = "${iot:ClientId}", principalId = "demo" } = {}): object {
  const arn = (resource: string) => `arn:aws:iot:${REGION}:${ACCOUNT}:${resource}`;
  const allow = (action: string | string[], resource: string) => ({
    Effect: "Allow",
    Action: action,
    Resource: arn(resource),
  });
  return {
    isAuthenticated: true,
    principalId,
    refreshAfterInSeconds: 3600,
    disconnectAfterInSeconds: 86_400,
    policyDocuments: [
      {
        Version: "2012-10-17",
        Statement: [
          allow("iot:Connect", `client/${clientId}`),
          allow(["iot:Publish", "iot:Receive"], "topic/fleet/*"),
          allow("iot:Subscribe", "topicfilter/fleet/*"),
        ],
      },
    ],
  };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
