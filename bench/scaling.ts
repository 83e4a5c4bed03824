/**
 * CPU time (user+sys) of a check with 2 and 4 workers over that with 1: workers of this machine (`queue.workers`), and over
 * BullMQ with a real Redis, whose own time is left out as that of the other servers. Both sides of a ratio run at the same time on one core,
 * so that they meet the same host: one after the other, the same command differed by more than what is looked for. All
 * workers have as many devices; each side is measured with fewer and with more of them and the difference counts, so that starting
 * processes is left out. One JSON line a figure; exits 1 when a check costs over a tenth more with 2 or 4 workers than with 1.
 *
 *   npm run bench -- scaling [rounds]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TestRedis } from "../test/support/redis.ts";
import { writeRun } from "./cpu/run.ts";
import { AWS_ENV, CLIENT_CORE, cpuSeconds, pinned, pinTo, World } from "./cpu/world.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const MORE_WORKERS = [2, 4];
/** Devices a worker. As many with one worker as with four: each process has to compile what it runs often by itself. */
const FEW = 1_000;
const MANY = 3_000;
const MOST = 1.1;
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const TICKS_PER_SECOND = 100;

/** CPU seconds of a whole run. */
type Cost = (workers: number, devices: number) => Promise<number>;

let isMet = true;
await using world = await World.start("P-256");
const redis = await TestRedis.start();
try {
  // Redis is a server as the others are.
  pinTo("1", redis.pid);
  for (const workers of MORE_WORKERS) await compare("local", workers, local);
  for (const workers of MORE_WORKERS) await compare("bullmq", workers, overBull);
} finally {
  await redis.stop();
}
process.exitCode = isMet ? 0 : 1;

async function compare(queue: string, workers: number, cost: Cost): Promise<void> {
  const rounds: { readonly one: number; readonly more: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const few = await bothSides(cost, workers, FEW);
    const many = await bothSides(cost, workers, MANY);
    const perCheck = 1000 / (MANY - FEW);
    rounds.push({
      one: (many.one - few.one) * perCheck,
      more: ((many.more - few.more) * perCheck) / workers,
    });
  }
  const ratio = median(rounds.map(({ one, more }) => more / one));
  const ok = ratio <= MOST;
  isMet &&= ok;
  const figure = {
    figure: "cpu-per-check",
    queue,
    workers,
    ms: round3(median(rounds.map(({ more }) => more))),
    msOfOne: round3(median(rounds.map(({ one }) => one))),
    ratio: round3(ratio),
    most: MOST,
    ok,
  };
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

async function bothSides(
  cost: Cost,
  workers: number,
  devices: number,
): Promise<{ readonly one: number; readonly more: number }> {
  const [one, more] = await Promise.all([cost(1, devices), cost(workers, devices * workers)]);
  return { one, more };
}

async function local(workers: number, devices: number): Promise<number> {
  const path = writeRun(world, { devices, name: `local-${workers}`, queue: { kind: "local", workers } });
  return (await cpuSeconds([process.execPath, MAIN, "run", "--config", path], AWS_ENV)).cpu;
}

/** The run cuts its plan and judges; workers that were there before do the checks. */
async function overBull(workers: number, devices: number): Promise<number> {
  const queue = { kind: "bullmq", redis: redis.url, prefix: `bench-${workers}-${devices}-${randomUUID()}` };
  const path = writeRun(world, { devices, name: `bullmq-${workers}`, queue });
  const started = await Promise.all(Array.from({ length: workers }, () => startWorker(path)));
  try {
    const before = started.map(cpuOf);
    const { cpu } = await cpuSeconds([process.execPath, MAIN, "run", "--config", path], AWS_ENV);
    const spent = started.map((worker, index) => cpuOf(worker) - (before[index] ?? 0));
    return spent.reduce((all, each) => all + each, cpu);
  } finally {
    await Promise.all(started.map(end));
  }
}

async function startWorker(path: string): Promise<ChildProcess> {
  const [program = "", ...args] = pinned(CLIENT_CORE, [process.execPath, MAIN, "worker", "--config", path]);
  const worker = spawn(program, args, {
    env: { ...process.env, ...AWS_ENV, FLEET_SMOKE_LOG_LEVEL: "info" },
    stdio: ["ignore", "inherit", "pipe"],
  });
  // The first line of its log says that it is there.
  if (worker.stderr !== null) await once(createInterface(worker.stderr), "line");
  return worker;
}

async function end(worker: ChildProcess): Promise<void> {
  const gone = once(worker, "exit");
  worker.kill();
  await gone;
}

/** proc_pid_stat(5): utime and stime. */
function cpuOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in brackets, with anything in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
