import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Chromium as Debian packages it, quiet: nothing of its own goes out. */
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
}

/** A page, and all that a good one does not do. */
export interface Watched {
  readonly page: Page;
  /** Errors and warnings in the console, exceptions, and what the Content-Security-Policy kept out. */
  readonly complaints: string[];
  /** Addresses asked for that are not of the daemon. */
  readonly strangers: readonly string[];
}

/** A window of its own, without anybody's cookies or storage. Whoever opens it closes `page.context()`. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const complaints: string[] = [];
  const strangers: string[] = [];
  context.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) strangers.push(request.url());
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, complaints, strangers };
}

/** Violations of the accessibility rules that axe-core calls serious or critical; empty: none. */
export async function seriousViolations(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy forbids scripts that are not the daemon's.
  await page.evaluate(AXE);
  const violations: readonly AxeViolation[] = await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}

interface AxeViolation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}
