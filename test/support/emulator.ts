import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { parseEmulatorConfig } from "../../src/emulator/config.ts";
import { type Emulator, startEmulator } from "../../src/emulator/emulator.ts";
import type { Log } from "../../src/lib/log.ts";

/** The domain and credentials that every test's emulator has unless it says otherwise. */
export const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
export const CALLER = { accessKeyId: "test", secretAccessKey: "test-secret" };

/** Lets everything in that names the user `device`, to do everything. */
export const ALLOW_ALL = policy("iot:*", "*");

export function policy(action: string | readonly string[], resource: string | readonly string[]): object {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: resource }] };
}

export function arn(resource: string): string {
  return `arn:aws:iot:eu-west-1:123456789012:${resource}`;
}

export function admitted(...policyDocuments: readonly object[]): object {
  return {
    isAuthenticated: true,
    principalId: "device",
    policyDocuments: policyDocuments.length > 0 ? policyDocuments : [ALLOW_ALL],
    refreshAfterInSeconds: 300,
    disconnectAfterInSeconds: 86_400,
  };
}

/** An authorizer without signatures; by default it wants the user `device` with the password `right`. */
export function tableAuthorizer(
  rows: readonly object[] = [{ when: { username: "device", password: "right" }, answer: admitted() }],
  changes: object = {},
): object {
  return { name: "open-door", signingDisabled: true, handler: { table: rows }, ...changes };
}

export interface TestEmulator extends Emulator {
  readonly host: string;
  readonly port: number;
}

/** Starts an emulator on free ports with its files in a temporary folder. `changes` replaces top-level keys. */
export async function startTestEmulator(changes: object = {}, log?: Log): Promise<TestEmulator> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-emulator-"));
  const loaded = parseEmulatorConfig(
    {
      credentials: [CALLER],
      authorizers: [tableAuthorizer()],
      domains: [
        {
          name: "iot:Data-ATS",
          serverName: ENDPOINT,
          aliases: ["localhost"],
          defaultAuthorizer: "open-door",
        },
      ],
      quotas: {
        invokesPerSecond: 10_000,
        callsPerSecond: 10_000,
        burst: 10_000,
        connectsPerSecondPerClientId: 10_000,
        connectionQueriesPerSecondPerClientId: 10_000,
      },
      ...changes,
    },
    folder,
  );
  if (loaded.kind === "invalid") {
    rmSync(folder, { recursive: true });
    throw new Error(JSON.stringify(loaded.problems));
  }
  const emulator = await startEmulator(loaded.config, log ? { log } : {});
  const [host = "", port] = emulator.gateway.split(":");
  return {
    ...emulator,
    host,
    port: Number(port),
    stop: async () => {
      await emulator.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where a device connects, and what it trusts. */
export type GatewayAddress = Pick<TestEmulator, "host" | "port" | "caFile">;

/** MQTT.js straight to the gateway, without reconnecting. */
export function mqttOptions({ host, port, caFile }: GatewayAddress): IClientOptions {
  return {
    protocol: "mqtts",
    host,
    port,
    servername: ENDPOINT,
    ca: readFileSync(caFile),
    ALPNProtocols: ["mqtt"],
    reconnectPeriod: 0,
    username: "device",
    password: "right",
  };
}

export function connectMqtt(emulator: GatewayAddress, options: IClientOptions = {}): Promise<MqttClient> {
  const all: IClientOptions = { ...mqttOptions(emulator), ...options };
  return new Promise((resolve, reject) => {
    const client = connect(all);
    const refused = () => {
      client.end(true);
      reject(new Error("the gateway did not accept the connection"));
    };
    client.once("error", refused).once("close", refused);
    client.once("connect", () => {
      client.off("error", refused).off("close", refused);
      client.on("error", () => {});
      resolve(client);
    });
  });
}

/** How a connection attempt ends: a CONNACK code, or that it closed without one. */
export function connackOf(
  emulator: GatewayAddress,
  options: IClientOptions = {},
): Promise<number | "closed"> {
  return new Promise((resolve) => {
    const all: IClientOptions = { ...mqttOptions(emulator), ...options };
    const client = connect(all);
    let code: number | "closed" = "closed";
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "connack") code = packet.returnCode ?? packet.reasonCode ?? -1;
      client.end(true);
    });
    client.on("error", () => client.end(true));
    client.on("close", () => {
      client.end(true);
      resolve(code);
    });
  });
}

/** The next message a client gets. */
export function nextMessage(
  client: MqttClient,
): Promise<{ topic: string; payload: string; retain: boolean }> {
  return new Promise((resolve) => {
    client.once("message", (topic, payload, { retain }) =>
      resolve({ topic, payload: payload.toString(), retain }),
    );
  });
}
