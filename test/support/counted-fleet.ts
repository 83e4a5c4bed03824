import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Counts } from "../../src/model/gate.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { busiestSecond } from "../run/sliding-second.ts";
import { answer, type Bench, goodDevice, startBench } from "./fleet.ts";
import type { Program } from "./program.ts";

const PER_SECOND = 200;
const BURST = 5;
/**
 * The gateway asks its authorizer when a handshake is over, and where two cores carry six processes that take turns a
 * handshake may take a quarter of a second longer than the next: what comes in one second may have been let through in one
 * and a quarter. Half of what a limiter by fixed windows would let through, all the same. When each is let through is shown to the
 * millisecond in test/run/redis-pacer.test.ts.
 */
const LATENESS = { api: 0, gateway: PER_SECOND * 0.25 };

/**
 * A fleet of so many devices, budgets of 200 a second, and an authorizer that writes down when it was called and by whom:
 * the tester leaves out the mark that a device's query string begins with, so the API's calls are told from the gateway's.
 */
export function startCountedFleet(devices: number, config: object): Promise<Bench> {
  return startBench({
    profiles: Array.from({ length: devices }, (_, index) => countedDevice(index)),
    target: {
      budgets: { invokesPerSecond: PER_SECOND, connectsPerSecond: PER_SECOND, burst: BURST },
      timeouts: { invoke: "5s", probe: "5s" },
      queryStringMark: false,
    },
    emulator: {
      authorizers: [
        { name: "passwords", status: "ACTIVE", signingDisabled: true, handler: { module: "counting.mjs" } },
      ],
    },
    files: { "counting.mjs": COUNTING },
    config,
  });
}

const COUNTING = `
import { appendFileSync } from "node:fs";
export async function handler({ protocolData }) {
  const face = protocolData.http.queryString.startsWith("?") ? "gateway" : "api";
  appendFileSync(new URL("calls.txt", import.meta.url), \`\${face} \${performance.now()}\\n\`);
  return ${JSON.stringify(answer())};
}`;

export function countedDevice(index: number): object {
  return goodDevice(index, { protocol: "wss", credentialsIn: "query" });
}

/** Resolves when the run has this many results. */
export async function progress(run: Program, checks: number): Promise<void> {
  let isOver = false;
  void run.ended.then(() => {
    isOver = true;
  });
  const done = () => {
    const shown = [...run.stderr().matchAll(/^([\d,]+)\/[\d,]+ \(/gm)].at(-1)?.[1] ?? "0";
    return Number(shown.replaceAll(",", ""));
  };
  while (done() < checks) {
    if (isOver) throw new Error(`the run ended before:\n${run.stdout()}${run.stderr()}`);
    await sleep(50);
  }
}

interface Report {
  readonly counts: Counts;
  readonly results: readonly (ResultRecord & { readonly device: string })[];
  readonly decision: string;
}

/** What `--report json=report.json` left in the fleet's folder. */
export async function reportOf({ folder }: Pick<Bench, "folder">): Promise<Report> {
  return JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as Report;
}

/** Every device has one result, a pass, and the emulator counted no more than limit and burst in any second. */
export async function expectEachOnceWithinBudgets(fleet: Bench, devices: number): Promise<void> {
  const { counts, results } = await reportOf(fleet);
  expect(counts).toMatchObject({ checks: devices, pass: devices, notRun: 0 });
  expect(new Set(results.map((each) => each.device)).size).toBe(devices);
  expect(results.length).toBe(devices);
  for (const face of ["api", "gateway"] as const) {
    const calls = await callsOf(fleet, face);
    expect(calls.length, face).toBeGreaterThanOrEqual(devices);
    expect(busiestSecond(calls), face).toBeLessThanOrEqual(PER_SECOND + BURST + LATENESS[face]);
  }
}

async function callsOf({ folder }: Bench, face: string): Promise<number[]> {
  const lines = (await readFile(join(folder, "calls.txt"), "utf8")).trim().split("\n");
  return lines.filter((line) => line.startsWith(face)).map((line) => Number(line.split(" ")[1]));
}
