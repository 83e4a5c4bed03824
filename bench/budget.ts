/**
 * How much of a budget a run uses: its floor (checks ÷ invokes per second) over the time it took, with an emulator that
 * enforces the limit and throttles beyond it. In front of the emulator's API a counter notes when each invocation
 * arrives and how it was answered. One JSON line a budget; exits 1 when less than 97 % of
 * 10 a second (90 % of 200) is used, a call was throttled, a check is not a pass, or a sliding second saw more than limit and burst.
 *
 *   npx node bench/budget.ts
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const EMULATOR = fileURLToPath(new URL("emulator-host.ts", import.meta.url));
const ENDPOINT = "bench-ats.iot.eu-west-1.amazonaws.com";
const AWS_ENV = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_EC2_METADATA_DISABLED: "true",
};
const BURST = 1;
/** What the limiter holds at rest: the way to it shakes the spacing, and what waits through a pause of this host comes at once. */
const LEAST_QUOTA_BURST = 10;
const PAUSE_SECONDS = 0.25;
const BUDGETS = [
  { perSecond: 10, checks: 400, leastUsed: 0.97 },
  { perSecond: 200, checks: 4_000, leastUsed: 0.9 },
] as const;

let isMet = true;
for (const { perSecond, checks, leastUsed } of BUDGETS) {
  const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-budget-"));
  const emulator = await startEmulator(folder, perSecond);
  const arrivals: Arrival[] = [];
  const counter = await startCounter(emulator.api, arrivals);
  try {
    const report = await runFleet(folder, emulator, portOf(counter), perSecond, checks);
    const figure = figureOf({ perSecond, checks, leastUsed }, arrivals, report);
    isMet &&= figure.ok;
    process.stdout.write(`${JSON.stringify(figure)}\n`);
  } finally {
    counter.close();
    counter.closeAllConnections();
    const gone = once(emulator.process, "exit");
    emulator.process.kill();
    await gone;
    await rm(folder, { recursive: true });
  }
}
process.exitCode = isMet ? 0 : 1;

interface Arrival {
  readonly atMs: number;
  readonly status: number;
}

interface Report {
  readonly durationSeconds: number;
  readonly counts: { readonly pass: number; readonly inconclusive: number };
}

interface EmulatorProcess {
  readonly process: ChildProcess;
  readonly api: string;
  readonly gateway: string;
  readonly caFile: string;
}

function figureOf(
  {
    perSecond,
    checks,
    leastUsed,
  }: { readonly perSecond: number; readonly checks: number; readonly leastUsed: number },
  arrivals: readonly Arrival[],
  report: Report,
) {
  const atMs = arrivals.map((each) => each.atMs).sort((a, b) => a - b);
  const spanSeconds = ((atMs.at(-1) ?? 0) - (atMs[0] ?? 0)) / 1000;
  const floorSeconds = checks / perSecond;
  const used = (atMs.length - 1) / spanSeconds / perSecond;
  const throttled = arrivals.filter(({ status }) => status === 429 || status === 400).length;
  const busiestSecond = mostInASecond(atMs);
  const { durationSeconds, counts } = report;
  const ok =
    used >= leastUsed && throttled === 0 && counts.pass === checks && busiestSecond <= perSecond + BURST;
  return {
    figure: "budget",
    perSecond,
    checks,
    floorSeconds,
    runSeconds: durationSeconds,
    overFloor: round3(durationSeconds / floorSeconds),
    used: round3(used),
    throttled,
    busiestSecond,
    most: perSecond + BURST,
    inconclusive: counts.inconclusive,
    node: process.version,
    ok,
  };
}

/** The program as a user starts it. */
async function runFleet(
  folder: string,
  { gateway, caFile }: EmulatorProcess,
  apiPort: number,
  perSecond: number,
  checks: number,
): Promise<Report> {
  const profiles = Array.from({ length: checks }, (_, i) =>
    JSON.stringify({
      id: `d-${i}`,
      protocol: "mqtt",
      clientId: `d-${i}`,
      username: "bench",
      password: "right",
    }),
  );
  await writeFile(join(folder, "fleet.ndjson"), `${profiles.join("\n")}\n`);
  const [address, port] = gateway.split(":");
  const target = {
    ...{ name: "bench", region: "eu-west-1", accountId: "123456789012", endpoint: ENDPOINT, address, caFile },
    port: Number(port),
    controlPlaneEndpoint: `http://127.0.0.1:${apiPort}`,
    budgets: { invokesPerSecond: perSecond, connectsPerSecond: 1000, burst: BURST },
  };
  const config = {
    targets: [target],
    profiles: [{ path: "fleet.ndjson", identity: "dedicated" }],
    suites: [{ name: "all", derived: { perCohort: 0 } }],
  };
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
  const report = join(folder, "report.json");
  const run = spawn(
    process.execPath,
    [MAIN, "run", "--config", join(folder, "config.yaml"), "--report", `json=${report}`],
    { env: { ...process.env, ...AWS_ENV }, stdio: ["ignore", "ignore", "ignore"] },
  );
  const [code] = await once(run, "close");
  if (code !== 0 && code !== 3 && code !== 4) throw new Error(`the run ended with ${code}`);
  return JSON.parse(await readFile(report, "utf8")) as Report;
}

async function startEmulator(folder: string, perSecond: number): Promise<EmulatorProcess> {
  const answer = {
    isAuthenticated: true,
    principalId: "bench",
    policyDocuments: [
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:Connect", Resource: "*" }] },
    ],
    refreshAfterInSeconds: 300,
    disconnectAfterInSeconds: 86_400,
  };
  const config = {
    region: "eu-west-1",
    accountId: "123456789012",
    listen: { api: "127.0.0.1:0", gateway: "127.0.0.1:0" },
    certificates: { folder: "emulator" },
    credentials: [{ accessKeyId: "test", secretAccessKey: "test" }],
    authorizers: [{ name: "bench", signingDisabled: true, handler: { table: [{ when: {}, answer }] } }],
    domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "bench" }],
    quotas: { invokesPerSecond: perSecond, burst: Math.max(LEAST_QUOTA_BURST, perSecond * PAUSE_SECONDS) },
  };
  const path = join(folder, "emulator.yaml");
  await writeFile(path, JSON.stringify(config));
  const child = fork(EMULATOR, [path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [told] = (await once(child, "message")) as [Omit<EmulatorProcess, "process">];
  return { process: child, ...told };
}

/** Passes every request on as it is; the signature covers the host it was sent to, which stays. */
async function startCounter(api: string, arrivals: Arrival[]): Promise<Server> {
  const { hostname, port } = new URL(api);
  const server = createServer((incoming, outgoing) => {
    const atMs = performance.now();
    const { method, url, headers } = incoming;
    const passed = request({ hostname, port, method, path: url, headers }, (answer) => {
      const status = answer.statusCode ?? 0;
      if (url?.endsWith("/test")) arrivals.push({ atMs, status });
      outgoing.writeHead(status, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function mostInASecond(sorted: readonly number[]): number {
  let most = 0;
  for (let first = 0, next = 0; next < sorted.length; next++) {
    while ((sorted[next] ?? 0) - (sorted[first] ?? 0) >= 1000) first++;
    most = Math.max(most, next - first + 1);
  }
  return most;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
