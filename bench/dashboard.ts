/**
 * Measures the dashboard: how large what the first screen needs is when compressed, and how long it takes in Chromium
 * until it can be used, with a history of 200 runs and 100,000 results. Prints one JSON line a figure; exits 1 where
 * scripts and styles are 150 kB or more, or the median of the loads is over a second. Loopback only; ends by itself.
 *
 *   node bench/dashboard.ts [runs] [results of each run]
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { start } from "../test/support/program.ts";
import { launchBrowser, openPage } from "../test/ui/browser.ts";
import { firstScreenFiles } from "../test/ui/bundle.ts";
import { makeHistory } from "../test/ui/made-history.ts";

const RUNS = Number(process.argv[2] ?? 200);
const RESULTS = Number(process.argv[3] ?? 500);
const LOADS = 9;
const MAX_KB = 150;
const MAX_MS = 1_000;

/** The decision, its rules' buttons and the timeline are there: what a person looks for and can click. */
const USABLE = `new Promise((resolve) => {
  const look = () => {
    const button = document.querySelector('[data-testid="trigger"]');
    const isUsable = button !== null && !button.disabled &&
      document.querySelector('[data-testid="decision"]') !== null &&
      document.querySelector('[data-testid="history-point"]') !== null;
    if (isUsable) resolve(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})`;

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

function printSizes(): boolean {
  const files = firstScreenFiles();
  for (const { file, gzipBytes } of files) print({ figure: "dashboard-file", file, gzipBytes });
  const kb = Math.round(files.reduce((all, { gzipBytes }) => all + gzipBytes, 0) / 100) / 10;
  print({ figure: "dashboard-first-screen", gzipKb: kb, limitKb: MAX_KB });
  return files.length > 0 && kb < MAX_KB;
}

/** Milliseconds from the beginning of the navigation, in a window that has nothing cached. */
async function load(browser: Browser, url: string): Promise<number> {
  const { page } = await openPage(browser, url);
  await page.goto(url, { waitUntil: "commit" });
  const usableMs: number = await page.evaluate(USABLE);
  await page.context().close();
  return usableMs;
}

async function printLoads(url: string): Promise<boolean> {
  const browser = await launchBrowser();
  try {
    // The first one also starts the browser's own processes.
    await load(browser, url);
    const times: number[] = [];
    for (let count = 0; count < LOADS; count += 1) times.push(Math.round(await load(browser, url)));
    times.sort((a, b) => a - b);
    const medianMs = times[Math.floor(LOADS / 2)] ?? 0;
    const of = { runs: RUNS, results: RUNS * RESULTS, loads: LOADS };
    print({ figure: "dashboard-usable", ...of, medianMs, worstMs: times.at(-1), limitMs: MAX_MS });
    return medianMs <= MAX_MS;
  } finally {
    await browser.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-bench-"));
try {
  makeHistory(join(folder, "history.db"), {
    ...{ suite: "all", runs: RUNS, resultsOfRun: RESULTS, newestMs: Date.now() - 60_000 },
  });
  const profile = { id: "pump-1", clientId: "pump-1", protocol: "mqtt", authorizer: "a" };
  await writeFile(join(folder, "fleet.ndjson"), `${JSON.stringify(profile)}\n`);
  const config = {
    targets: [{ name: "here", region: "eu-west-1", accountId: "123456789012", endpoint: "bench.invalid" }],
    profiles: [{ path: "fleet.ndjson", identity: "device" }],
    http: { listen: "127.0.0.1:0" },
    store: { path: "history.db", keepRuns: 1_000_000 },
  };
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
  const daemon = start(["daemon", "--config", join(folder, "config.yaml")]);
  try {
    const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
    const areSmall = printSizes();
    const areQuick = await printLoads(url);
    process.exitCode = areSmall && areQuick ? 0 : 1;
  } finally {
    daemon.process.kill("SIGTERM");
    await daemon.ended;
  }
} finally {
  await rm(folder, { recursive: true });
}
