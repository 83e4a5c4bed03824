/**
 * CPU time (user+sys) a device costs: the whole run, the gateway stage alone, and the peers on the same work against
 * the same servers. Each is measured with few and with many devices, and the difference counts: what a program needs
 * to start is left out everywhere. One JSON line a figure; exits 1 when a ratio is over its limit.
 *
 *   npm run bench -- cpu-per-device [rounds]
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeRun } from "./cpu/run.ts";
import { AWS_ENV, CERTIFICATES, type CertificateKind, cpuSeconds, World } from "./cpu/world.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const FEW = 2_000;
const MANY = 6_000;
/** Of `openssl s_time`, which counts for a time and not up to a number. */
const HANDSHAKE_SECONDS = 4;
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Issue of the ratio: at most this. */
const LIMITS = [
  { what: "run", over: "plainLoop", most: 0.95 },
  { what: "run", over: "handshake", most: 2.9 },
  { what: "gatewayStage", over: "handshake", most: 1.8 },
] as const;

type Costs = Record<string, number>;

let isMet = true;
for (const certificate of Object.keys(CERTIFICATES) as CertificateKind[]) {
  const rounds: Costs[] = [];
  await using world = await World.start(certificate);
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(world));
  const costs = Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((name) => [
      name,
      median(rounds.map((each) => each[name] ?? Number.NaN)),
    ]),
  );
  for (const [peer, ms] of Object.entries(costs))
    print({ figure: "cpu-per-device", certificate, peer, ms: round3(ms) });
  for (const { what, over, most } of LIMITS) {
    // The median of the rounds' ratios: both sides of each were measured within the same minute.
    const ratio = median(rounds.map((each) => (each[what] ?? Number.NaN) / (each[over] ?? Number.NaN)));
    const ok = ratio <= most;
    isMet &&= ok;
    print({ figure: "cpu-ratio", certificate, of: what, over, ratio: round3(ratio), most, ok });
  }
}
process.exitCode = isMet ? 0 : 1;

/** Milliseconds a device, by who did the work. */
async function measure(world: World): Promise<Costs> {
  const argument = JSON.stringify(world.peers);
  const script = (name: string): string => fileURLToPath(new URL(`./cpu/peers/${name}`, import.meta.url));
  const node = (name: string) => (devices: number) => [
    process.execPath,
    script(name),
    argument,
    String(devices),
  ];
  const python = (devices: number) => [
    "/usr/bin/python3",
    script("plain_loop.py"),
    argument,
    String(devices),
  ];
  return {
    handshake: await handshakeMs(world),
    gatewayStage: await marginalMs(node("gateway-stage.ts")),
    deviceSdk: await marginalMs(node("device-sdk.ts")),
    run: await marginalMs((devices) => runOf(world, devices)),
    plainLoop: await marginalMs(node("plain-loop.ts")),
    plainPython: await marginalMs(python),
  };
}

async function marginalMs(command: (devices: number) => readonly string[]): Promise<number> {
  const few = (await cpuSeconds(command(FEW), AWS_ENV)).cpu;
  const many = (await cpuSeconds(command(MANY), AWS_ENV)).cpu;
  return ((many - few) * 1000) / (MANY - FEW);
}

async function handshakeMs({ peers }: World): Promise<number> {
  const to = ["-connect", `${peers.host}:${peers.port}`, "-CAfile", peers.ca, "-verify", "3"];
  const { cpu, stdout } = await cpuSeconds([
    "openssl",
    "s_time",
    "-new",
    "-time",
    String(HANDSHAKE_SECONDS),
    ...to,
  ]);
  // The first line of two counts the connections within the time.
  const count = Number(/^(\d+) connections in [\d.]+s;/m.exec(stdout)?.[1]);
  return (cpu * 1000) / count;
}

/** The command of a run as a user would start it: profiles, invoke, predict, probe, judge, history, metrics. */
function runOf(world: World, devices: number): readonly string[] {
  const path = writeRun(world, { devices });
  return [
    process.execPath,
    MAIN,
    "run",
    "--config",
    path,
    "--report",
    `metrics=${join(world.folder, "metrics")}`,
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}
