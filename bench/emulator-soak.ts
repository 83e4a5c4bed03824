/**
 * Soaks the emulator: 100 connections a second over every protocol, faults on at 5 %, for 10 minutes (or the
 * minutes given as argument). Prints one JSON line per half minute and a last one with the verdict; exits 1 when
 * handles or memory grew, or when too few connections were accepted to say. Loopback only; ends by itself.
 *
 *   node bench/emulator-soak.ts [minutes]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { probe } from "../src/gateway/probers.ts";
import type { Wire } from "../src/model/context.ts";
import { Secret } from "../src/model/secret.ts";
import type { ReadyTarget } from "../src/model/target.ts";

const MINUTES = Number(process.argv[2] ?? 10);
const PER_SECOND = 100;
const SAMPLE_EVERY_S = 30;
/** Until caches, pools and the garbage collector have found their level. */
const WARM_UP_SHARE = 0.2;
const MAX_GROWTH = 1.1;
/** Faults take 5 %. With fewer accepted the machine was too slow, and the emulator was not under the load. */
const MIN_ACCEPTED_SHARE = 0.9;
const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
const HOST = fileURLToPath(new URL("./emulator-host.ts", import.meta.url));

/** What the emulator holds after its garbage was collected. */
interface Held {
  readonly heldMb: number;
  readonly rssMb: number;
  readonly handles: number;
}

interface Sample extends Held {
  readonly second: number;
  readonly connections: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

const EMULATOR = {
  listen: { api: "127.0.0.1:0", gateway: "127.0.0.1:0", gatewayRole: 443 },
  certificates: { folder: "certificates" },
  authorizers: [
    {
      name: "open",
      signingDisabled: true,
      handler: {
        table: [
          {
            when: {},
            answer: {
              isAuthenticated: true,
              principalId: "soak",
              policyDocuments: [
                { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] },
              ],
              disconnectAfterInSeconds: 86_400,
              refreshAfterInSeconds: 300,
            },
          },
        ],
      },
    },
  ],
  domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "open" }],
  quotas: { invokesPerSecond: 1000, burst: 1000, connectsPerSecondPerClientId: 1 },
  faultSeed: 7,
  faults: (
    ["tls-alert", "tls-close", "tls-reset", "connack", "close", "reset", "garbage", "silent"] as const
  ).map((kind) => ({ match: {}, kind, probability: 0.05 / 8, ...(kind === "connack" ? { code: 136 } : {}) })),
};

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-soak-"));
  const config = join(folder, "emulator.yaml");
  await writeFile(config, JSON.stringify(EMULATOR));
  const emulator = fork(HOST, [config], { execArgv: ["--expose-gc"] });
  try {
    const [ready] = (await once(emulator, "message")) as [{ gateway: string; caFile: string }];
    report(await soak(emulator, targetOf(ready)));
  } finally {
    const ended = once(emulator, "close");
    emulator.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function soak(emulator: ChildProcess, target: ReadyTarget): Promise<Sample[]> {
  const samples: Sample[] = [];
  const outcomes: Record<string, number> = {};
  const inFlight = new Set<Promise<void>>();
  let connections = 0;
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  while (seconds() < MINUTES * 60) {
    for (; connections < seconds() * PER_SECOND; connections += 1) {
      const one = connect(target, connections, outcomes).finally(() => inFlight.delete(one));
      inFlight.add(one);
    }
    if (seconds() >= (samples.length + 1) * SAMPLE_EVERY_S) {
      samples.push({
        second: Math.round(seconds()),
        ...(await held(emulator)),
        connections,
        outcomes: { ...outcomes },
      });
      print(samples.at(-1));
    }
    await pause(10);
  }
  await Promise.all(inFlight);
  // What is left open by the last connections is closed by now.
  await pause(2000);
  samples.push({ second: Math.round(seconds()), ...(await held(emulator)), connections, outcomes });
  print(samples.at(-1));
  return samples;
}

async function connect(target: ReadyTarget, index: number, outcomes: Record<string, number>): Promise<void> {
  const { kind } = await probe({
    target,
    wire: wireOf(index),
    secrets: [],
    topics: [],
    leaveIfSessionPresent: false,
    timeoutMs: 2000,
    signal: new AbortController().signal,
  });
  outcomes[kind] = (outcomes[kind] ?? 0) + 1;
}

/** MQTT in both versions, WebSocket and HTTPS in turn; client ids come round after 100 seconds. */
function wireOf(index: number): Wire {
  const tls = {
    serverName: ENDPOINT,
    alpn: [],
    clientCertificate: null,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    groups: "X25519:P-256",
  } as const;
  const connectFields = {
    mqttVersion: index % 2 === 0 ? 5 : 4,
    clientId: `soak-${index % (PER_SECOND * 100)}`,
    username: new Secret("soak"),
    password: new Secret("soak"),
    cleanSession: true,
    sessionExpirySeconds: 0,
    keepAliveSeconds: 60,
    will: null,
  } as const;
  switch (index % 3) {
    case 0:
      return { kind: "mqtt", tls: { ...tls, alpn: ["mqtt"] }, connect: connectFields };
    case 1:
      return { kind: "wss", tls, path: new Secret("/mqtt"), headers: {}, connect: connectFields };
    default:
      return { kind: "https", tls, path: new Secret("/topics/soak?qos=1"), headers: {} };
  }
}

function targetOf({ gateway, caFile }: { gateway: string; caFile: string }): ReadyTarget {
  const at = gateway.lastIndexOf(":");
  return {
    name: "soak",
    partition: "aws",
    region: "eu-west-1",
    accountId: "123456789012",
    endpoint: ENDPOINT,
    address: gateway.slice(0, at),
    addressFamily: "any",
    port: Number(gateway.slice(at + 1)),
    ca: readFileSync(caFile, "utf8"),
    controlPlaneEndpoint: null,
    queryStringMark: true,
    sourceIp: null,
    budgets: { invokesPerSecond: 10, connectsPerSecond: 1000, burst: 1 },
    concurrency: 1000,
    timeouts: { invokeMs: 2000, probeMs: 2000 },
  };
}

async function held(emulator: ChildProcess): Promise<Held> {
  const answer = once(emulator, "message");
  emulator.send("sample");
  const [now] = (await answer) as [Held];
  return now;
}

/** Compares the first and the last third after the warm-up, by their medians. */
function report(samples: readonly Sample[]): void {
  const warm = samples.slice(0, -1).filter(({ second }) => second >= MINUTES * 60 * WARM_UP_SHARE);
  const third = Math.max(1, Math.floor(warm.length / 3));
  const median = (part: readonly Sample[]) =>
    part.map(({ heldMb }) => heldMb).toSorted((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
  const [before, after] = [median(warm.slice(0, third)), median(warm.slice(-third))];
  const last = samples.at(-1);
  const idle = last?.handles ?? Number.POSITIVE_INFINITY;
  const acceptedShare = (last?.outcomes.accepted ?? 0) / (last?.connections ?? 1);
  const growth = after / before;
  const ok = growth <= MAX_GROWTH && idle <= IDLE_HANDLES && acceptedShare >= MIN_ACCEPTED_SHARE;
  print({
    figure: "emulator-soak",
    minutes: MINUTES,
    perSecond: PER_SECOND,
    heldBeforeMb: before,
    heldAfterMb: after,
    growth,
    idleHandles: idle,
    acceptedShare,
    ok,
  });
  process.exitCode = ok ? 0 : 1;
}

/** Standard streams, two listeners, the channel to us and what the runtime holds open. */
const IDLE_HANDLES = 40;

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

await main();
