/**
 * Takes the pictures of the dashboard for the documentation: a made history of some days, and a run of the demo's fleet on
 * top of it. Writes docs/images/; loopback only; ends by itself.
 *
 *   npm run screenshots
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions } from "playwright-core";
import type { RunSummary } from "../../src/model/run.ts";
import { launchBrowser, openPage } from "./browser.ts";
import { makeHistory } from "./made-history.ts";
import { serveDemo } from "./served-demo.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const MAX_BYTES = 200_000;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

interface Shot {
  readonly name: string;
  readonly hash: (run: RunSummary) => string;
  readonly waitFor: string;
  readonly options: BrowserContextOptions;
}

const SHOTS: readonly Shot[] = [
  ...(["light", "dark"] as const).map((colorScheme) => ({
    ...{ name: `dashboard-${colorScheme}`, hash: () => "#/", waitFor: "suite-card" },
    options: { viewport: DESKTOP, colorScheme },
  })),
  {
    ...{ name: "dashboard-phone", hash: () => "#/", waitFor: "suite-card" },
    options: { viewport: PHONE, colorScheme: "light" },
  },
  {
    ...{ name: "dashboard-run", hash: ({ runId }) => `#/runs/${runId}`, waitFor: "matrix-cell" },
    options: { viewport: DESKTOP, colorScheme: "light" },
  },
];

async function runOnce(url: string): Promise<RunSummary> {
  const headers = { "content-type": "application/json" };
  const { runId } = await json<RunSummary>(`${url}/api/v1/runs`, { method: "POST", headers, body: "{}" });
  for (;;) {
    const run = await json<RunSummary>(`${url}/api/v1/runs/${runId}`);
    if (run.status === "finished") return run;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function json<T>(url: string, init: RequestInit = {}): Promise<T> {
  return (await (await fetch(url, init)).json()) as T;
}

async function take(browser: Browser, url: string, run: RunSummary, { name, hash, waitFor, options }: Shot) {
  const { page } = await openPage(browser, url, options);
  await page.goto(`${url}/${hash(run)}`);
  await page.locator(`[data-testid="${waitFor}"]`).first().waitFor();
  await page.waitForLoadState("networkidle");
  const path = join(IMAGES, `${name}.png`);
  await page.screenshot({ path, animations: "disabled" });
  await page.context().close();
  const { size } = await stat(path);
  process.stdout.write(`${name}.png ${size} bytes\n`);
  if (size >= MAX_BYTES) throw new Error(`${name}.png is over ${MAX_BYTES} bytes`);
}

const demo = await serveDemo({
  perSecond: 200,
  config: { store: { path: "history.db" } },
  prepare: (folder) =>
    makeHistory(join(folder, "history.db"), {
      ...{ suite: "all", runs: 96, resultsOfRun: 520, newestMs: Date.now() - 900_000 },
    }),
});
try {
  const browser = await launchBrowser();
  try {
    await mkdir(IMAGES, { recursive: true });
    const run = await runOnce(demo.url);
    for (const shot of SHOTS) await take(browser, demo.url, run, shot);
  } finally {
    await browser.close();
  }
} finally {
  await demo.end();
}
