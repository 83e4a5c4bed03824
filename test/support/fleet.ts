import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, start } from "./program.ts";

/** An emulator in its own process with a fleet to test, in a temporary folder. */
export interface Bench {
  readonly folder: string;
  readonly emulator: Program;
  readonly api: string;
  readonly gateway: string;
  readonly configFile: string;
  readonly end: () => Promise<void>;
}

export interface BenchOptions {
  readonly profiles: readonly object[];
  /** Laid over the emulator's configuration. */
  readonly emulator?: object;
  /** Written into the folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of the emulator's process. */
  readonly emulatorEnv?: Readonly<Record<string, string>>;
  /** Laid over the tester's only target. */
  readonly target?: object;
  /** Laid over the tester's configuration. */
  readonly config?: object;
}

const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
const ACCOUNT = "123456789012";
/** As good as no limit. */
const LIFTED = 100_000;

const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A token field that the authorizer `signed` accepts. */
export function signedToken(value: string): object {
  return {
    key: "x-token",
    value,
    signature: sign("sha256", Buffer.from(value), KEY.privateKey).toString("base64"),
  };
}

/** A device that gets in with user name and password. */
export function goodDevice(index: number, changes: object = {}): Record<string, unknown> {
  const id = `device-${String(index).padStart(5, "0")}`;
  const mqttVersion = index % 2 === 0 ? 5 : 4;
  return {
    id,
    clientId: id,
    cohort: "pumps",
    protocol: "mqtt",
    mqttVersion,
    identity: "dedicated",
    authorizer: "passwords",
    username: id,
    password: "right",
    ...changes,
  };
}

export function answer(changes: object = {}): object {
  return {
    isAuthenticated: true,
    principalId: "device",
    refreshAfterInSeconds: 3600,
    disconnectAfterInSeconds: 86_400,
    policyDocuments: [
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] },
    ],
    ...changes,
  };
}

function passwords(delayMs: number) {
  const row = { when: { username: "/^device-/", password: "right" }, answer: answer(), delayMs };
  return { name: "passwords", status: "ACTIVE", signingDisabled: true, handler: { table: [row] } };
}

/**
 * An emulator that takes its time to let a device in. For tests that look at times: those of a few milliseconds are
 * discarded on a busy machine, a second is not.
 */
export const UNHURRIED = { authorizers: [passwords(1000)] };

const EMULATOR = {
  region: "eu-west-1",
  accountId: ACCOUNT,
  listen: { api: "127.0.0.1:0", gateway: "127.0.0.1:0", gatewayRole: 443 },
  certificates: { folder: "certificates" },
  credentials: [{ accessKeyId: "test", secretAccessKey: "test", deny: [] }],
  authorizers: [
    passwords(0),
    {
      name: "signed",
      status: "ACTIVE",
      tokenKeyName: "x-token",
      publicKeyFiles: { k1: "signed.pub.pem" },
      handler: { table: [{ when: { token: "/^good/" }, answer: answer() }] },
    },
  ],
  domains: [
    {
      name: "iot:Data-ATS",
      serverName: ENDPOINT,
      aliases: ["localhost"],
      defaultAuthorizer: "passwords",
      allowAuthorizerOverride: true,
      authenticationType: "DEFAULT",
      applicationProtocol: "DEFAULT",
      status: "ENABLED",
    },
  ],
  quotas: { invokesPerSecond: LIFTED, burst: LIFTED, connectsPerSecondPerClientId: 1 },
};

export async function startBench({
  profiles,
  emulator = {},
  emulatorEnv = {},
  target = {},
  config = {},
  files = {},
}: BenchOptions): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-test-"));
  await writeFile(join(folder, "signed.pub.pem"), KEY.publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(join(folder, "fleet.ndjson"), profiles.map((each) => `${JSON.stringify(each)}\n`).join(""));
  await writeFile(join(folder, "emulator.yaml"), JSON.stringify({ ...EMULATOR, ...emulator }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const program = start(["emulator", "--config", join(folder, "emulator.yaml")], { env: emulatorEnv });
  const end = async () => {
    program.process.kill("SIGKILL");
    await program.ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [line] = await program.says(/^\{.*\}$/m);
    const { api, gateway, caFile } = JSON.parse(line) as Record<"api" | "gateway" | "caFile", string>;
    const at = gateway.lastIndexOf(":");
    const tester = {
      targets: [
        {
          name: "here",
          region: "eu-west-1",
          accountId: ACCOUNT,
          endpoint: ENDPOINT,
          address: gateway.slice(0, at),
          port: Number(gateway.slice(at + 1)),
          caFile,
          controlPlaneEndpoint: api,
          budgets: { invokesPerSecond: LIFTED, connectsPerSecond: LIFTED, burst: 10_000 },
          ...target,
        },
      ],
      profiles: [{ path: "fleet.ndjson" }],
      http: { listen: "127.0.0.1:0" },
      ...config,
    };
    const configFile = join(folder, "fleet-smoke.yaml");
    await writeFile(configFile, JSON.stringify(tester));
    return { folder, emulator: program, api, gateway, configFile, end };
  } catch (error) {
    await end();
    throw error;
  }
}
