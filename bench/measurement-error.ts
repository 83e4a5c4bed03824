/**
 * By how much the times of a run are off: a gateway and an API answer each device after a delay of its own and say how
 * long they truly took; the command of a run, on another core, says what it measured. Its error is the difference, for
 * CONNACK and for the call of the API, at several rates. Times that the run itself discarded count apart. One JSON line a
 * figure; exits 1 when at 100 checks a second the median is over 1 ms or the 99th percentile over 5 ms.
 *
 *   npm run bench -- measurement-error [seconds]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AWS_ENV, CERTIFICATES, cpuSeconds, makeCertificates, pinTo, SERVER_CORE } from "./cpu/world.ts";

const RATES = [10, 100, 300];
const JUDGED_RATE = 100;
const MOST_MS = { p50: 1, p99: 5 };
/** Of each rate. */
const SECONDS = Number(process.argv[2] ?? 15);
/** Wanted delays, in ms; each device has its own two. */
const SHORTEST = 20;
const LONGEST = 80;
const ENDPOINT = "bench-ats.iot.eu-west-1.amazonaws.com";

type Took = readonly (readonly [clientId: string, { readonly api?: number; readonly connack?: number }])[];

interface Report {
  readonly results: readonly {
    readonly device: string;
    readonly verdict: string;
    readonly timings: {
      readonly invokeSeconds: number | null;
      readonly phases: Readonly<Record<string, number>>;
      readonly discarded?: readonly string[];
    };
  }[];
}

const [kind] = Object.keys(CERTIFICATES) as (keyof typeof CERTIFICATES)[];
if (kind === undefined) throw new Error("no certificate");
const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-delay-"));
const at = (name: string): string => join(folder, name);
let isMet = true;
try {
  const caFile = makeCertificates(folder, kind);
  for (const rate of RATES) await measure(rate, caFile);
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = isMet ? 0 : 1;

async function measure(rate: number, caFile: string): Promise<void> {
  const server = fork(fileURLToPath(new URL("./delay/server.ts", import.meta.url)), [
    at("server.key"),
    at("server.pem"),
  ]);
  try {
    pinTo(SERVER_CORE, server.pid);
    const [{ api, port }] = (await once(server, "message")) as [{ api: string; port: number }];
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
    const config = writeRun(rate, { api, port, caFile });
    const run = [process.execPath, main, "run", "--config", config, "--report", `json=${at("report.json")}`];
    await cpuSeconds(run, AWS_ENV);
    server.send("how long?");
    const [took] = (await once(server, "message")) as [Took];
    tell(rate, new Map(took), JSON.parse(readFileSync(at("report.json"), "utf8")) as Report);
  } finally {
    const gone = once(server, "exit");
    server.kill();
    await gone;
  }
}

function tell(rate: number, took: ReadonlyMap<string, Took[number][1]>, { results }: Report): void {
  const passed = results.filter(({ verdict }) => verdict === "pass");
  if (passed.length !== results.length) throw new Error(`${results.length - passed.length} did not pass`);
  const parts = {
    connack: {
      part: "gateway",
      measured: (each: Report["results"][number]) => each.timings.phases.connack ?? null,
      truth: ({ connack }: Took[number][1]) => connack,
    },
    invoke: {
      part: "invoke",
      measured: (each: Report["results"][number]) => each.timings.invokeSeconds,
      truth: ({ api }: Took[number][1]) => api,
    },
  };
  for (const [what, { part, measured, truth }] of Object.entries(parts)) {
    const errors = passed.flatMap((each) => {
      const seconds = measured(each);
      const trueMs = truth(took.get(each.device) ?? {});
      if (trueMs === undefined) throw new Error(`nothing is known of ${each.device}`);
      return seconds === null ? [] : [seconds * 1000 - trueMs];
    });
    const discarded = passed.filter(({ timings }) => timings.discarded?.includes(part)).length;
    const sorted = errors.map(Math.abs).toSorted((a, b) => a - b);
    const p50 = quantile(sorted, 0.5);
    const p99 = quantile(sorted, 0.99);
    const limits =
      rate === JUDGED_RATE ? { mostMs: MOST_MS, ok: p50 < MOST_MS.p50 && p99 < MOST_MS.p99 } : {};
    if (limits.ok === false) isMet = false;
    print({
      figure: "measurement-error",
      what,
      checksPerSecond: rate,
      checks: passed.length,
      discarded,
      p50Ms: round3(p50),
      p99Ms: round3(p99),
      maxMs: round3(sorted.at(-1) ?? Number.NaN),
      ...limits,
    });
  }
}

function writeRun(rate: number, server: { api: string; port: number; caFile: string }): string {
  const profiles = Array.from({ length: rate * SECONDS }, (_, index) => {
    const id = `d${index}~${delay()}~${delay()}`;
    return JSON.stringify({
      id,
      clientId: id,
      username: id,
      password: "right",
      authorizer: "bench",
      protocol: "mqtt",
    });
  });
  writeFileSync(at("fleet.ndjson"), `${profiles.join("\n")}\n`);
  const config = {
    targets: [
      {
        name: "bench",
        region: "eu-west-1",
        accountId: "123456789012",
        endpoint: ENDPOINT,
        address: "127.0.0.1",
        port: server.port,
        caFile: server.caFile,
        controlPlaneEndpoint: server.api,
        budgets: { invokesPerSecond: rate, connectsPerSecond: rate, burst: 1 },
        concurrency: 200,
      },
    ],
    profiles: [{ path: "fleet.ndjson", identity: "dedicated" }],
    suites: [{ name: "bench", derived: { perCohort: 0 } }],
    store: { path: `${rate}.db` },
  };
  writeFileSync(at("config.json"), JSON.stringify(config));
  return at("config.json");
}

/** Whole ms, between the shortest and the longest. */
function delay(): number {
  return SHORTEST + Math.floor(Math.random() * (LONGEST - SHORTEST + 1));
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}
