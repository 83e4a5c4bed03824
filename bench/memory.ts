/**
 * Peak memory of a run over generated fleets of several sizes against a stub target: one process, as the image starts it,
 * with its history. The largest also shows what progress and ETA were worth after the first minute, or after half of a run
 * that takes less than two. One JSON line a figure; exits 1 when the largest fleet takes over 250 MB or over 1.1 times what the one before takes, or when an ETA
 * was off by more than a tenth.
 *
 *   npm run bench -- memory [sizes, 1000 100000 1000000 by default]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeStubFleet } from "./stub/fleet.ts";
import { buildStubProgram, type Ran } from "./stub/program.ts";

const MOST_BYTES = 250e6;
const MOST_GROWTH = 1.1;
const MOST_ETA_ERROR = 0.1;
const FIRST_MINUTE_MS = 60_000;
/** What is left must be long enough for whole seconds to say something. */
const LEAST_LEFT_MS = 15_000;

const asked = process.argv.slice(2).map(Number);
const sizes = asked.length > 0 ? asked : [1_000, 100_000, 1_000_000];
const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-memory-"));
let isMet = true;
try {
  const program = await buildStubProgram(folder);
  const peaks: number[] = [];
  for (const devices of sizes) {
    const ran = await program.run(await writeStubFleet(folder, { devices }));
    peaks.push(ran.peakBytes);
    const seconds = Math.round(ran.totalMs / 1000);
    print({ figure: "peak-memory", profiles: devices, megabytes: megabytes(ran.peakBytes), seconds });
    if (devices === sizes.at(-1)) judgeEtas(devices, ran);
  }
  judgePeaks(peaks);
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = isMet ? 0 : 1;

function judgePeaks(peaks: readonly number[]): void {
  const [before, last] = peaks.slice(-2);
  if (before === undefined || last === undefined) return;
  const growth = last / before;
  const ok = last < MOST_BYTES && growth <= MOST_GROWTH;
  isMet &&= ok;
  print({
    figure: "peak-growth",
    from: sizes.at(-2),
    to: sizes.at(-1),
    ratio: round(growth),
    most: MOST_GROWTH,
    ok,
  });
}

/** Each later line of progress foretold an end; by how much of what was left was it wrong? */
function judgeEtas(devices: number, { lines }: Ran): void {
  const endMs = lines.find(({ text }) => text.includes("(100%)"))?.atMs ?? Number.NaN;
  const fromMs = Math.min(FIRST_MINUTE_MS, endMs / 2);
  const errors = lines.flatMap(({ atMs, text }) => {
    const leftMs = endMs - atMs;
    const etaMs = etaOf(text);
    if (etaMs === null || atMs < fromMs || leftMs < LEAST_LEFT_MS) return [];
    return [Math.abs(etaMs - leftMs) / leftMs];
  });
  // A short run has no such line, and shows neither.
  const worst = errors.length === 0 ? null : Math.max(...errors);
  const ok = (worst ?? 0) <= MOST_ETA_ERROR;
  isMet &&= ok;
  print({
    figure: "eta-error",
    profiles: devices,
    fromSeconds: Math.round(fromMs / 1000),
    lines: errors.length,
    worst: worst === null ? null : round(worst),
    most: MOST_ETA_ERROR,
    ok,
  });
}

/** `…, ETA 1 min 40 s, …`; null: the line has none. */
function etaOf(line: string): number | null {
  const match = /ETA (?:(\d+) h ?)?(?:(\d+) min ?)?(?:([\d.]+) s)?/.exec(line);
  if (match === null) return null;
  const [, hours = 0, minutes = 0, seconds = 0] = match;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}
