import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { launchBrowser, openPage, seriousViolations, type Watched } from "./browser.ts";
import { type ServedDemo, serveDemo } from "./served-demo.ts";

const TOKEN = "a-token-that-may-read-and-trigger";
const SUITE = "pre-rollout";

let demo: ServedDemo;
let browser: Browser;
let open: Watched;

beforeAll(async () => {
  [demo, browser] = await Promise.all([
    serveDemo({
      perSecond: 25,
      config: {
        suites: [
          { name: SUITE, cohorts: ["gateways", "valves"] },
          { name: "pumps", cohorts: ["pumps"] },
        ],
        http: {
          listen: "127.0.0.1:0",
          tokens: [
            { name: "operator", tokenFile: "operator.token", scopes: ["read", "trigger"] },
            { name: "looker", tokenFile: "looker.token", scopes: ["read"] },
          ],
        },
      },
      files: { "operator.token": TOKEN, "looker.token": "a-token-that-may-only-read" },
    }),
    launchBrowser(),
  ]);
  open = await openPage(browser, demo.url);
});
afterAll(async () => {
  await browser?.close();
  await demo?.end();
});

async function api<T>(path: string): Promise<T> {
  const response = await fetch(`${demo.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return (await response.json()) as T;
}

function found(within: Page | Locator, testId: string, more = ""): Locator {
  return within.locator(`[data-testid="${testId}"]${more}`);
}

function card(page: Page, suite: string): Locator {
  return found(page, "suite-card").filter({ hasText: suite });
}

async function newestRun(): Promise<RunSummary> {
  const { items } = await api<{ readonly items: readonly RunSummary[] }>("/api/v1/runs?limit=1");
  const [newest] = items;
  if (newest === undefined) throw new Error("nothing was run");
  return newest;
}

/** Gives the dialog a token. */
async function answerWith(page: Page, token: string): Promise<void> {
  const dialog = found(page, "token-dialog");
  await dialog.locator("input").fill(token);
  await dialog.locator("button[type=submit]").click();
}

describe("the dashboard", () => {
  it("asks for a token, says when one is wrong, and keeps it in the session only", async () => {
    const { page, complaints } = open;
    await page.goto(demo.url);
    await answerWith(page, "wrong");
    await expect.poll(() => page.locator("body").innerText()).toMatch(/not valid|not accepted|wrong token/i);
    await answerWith(page, TOKEN);
    await card(page, SUITE).waitFor();
    expect(await page.evaluate("JSON.stringify([localStorage, document.cookie])")).toBe('[{},""]');
    expect(await page.evaluate("JSON.stringify(sessionStorage)")).toContain(TOKEN);
    // The browser itself tells of each answer that is no success.
    expect(complaints.filter((each) => !/status of 401/.test(each))).toEqual([]);
    complaints.length = 0;
    await page.reload();
    await card(page, SUITE).waitFor();
    expect(await found(page, "token-dialog").isVisible()).toBe(false);
  });

  it("triggers a run by keyboard alone and shows it move", async () => {
    const { page } = open;
    await tabTo(page, found(card(page, SUITE), "trigger"));
    await page.keyboard.press("Enter");
    const progress = found(page, "progress").first();
    await progress.waitFor();
    const seen = new Set<number>();
    const look = async () => {
      const [, checks] = /(\d+) of 160/.exec(await progress.innerText()) ?? [];
      return checks === undefined ? 0 : seen.add(Number(checks)).size;
    };
    await expect.poll(look, { timeout: 20_000 }).toBeGreaterThan(3);
    expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
    expect(await newestRun()).toMatchObject({ suite: SUITE, status: "running" });
    await expect.poll(newestRun, { timeout: 40_000 }).toMatchObject({ status: "finished" });
    await expect.poll(() => found(card(page, SUITE), "decision").innerText()).toMatch(/no-go/i);
    // By itself, without another look at the page.
    await expect.poll(() => found(page, "progress").count()).toBe(0);
  });

  it("shows the agreement of authorizer and gateway as the API has it", async () => {
    const { page } = open;
    const { runId, agreement } = await newestRun();
    await page.goto(`${demo.url}/#/runs/${runId}`);
    await found(page, "matrix-cell").first().waitFor();
    const shown: Record<string, number> = {};
    for (const cell of await found(page, "matrix-cell").all()) {
      const [authorizer, gateway, checks] = await Promise.all(
        ["data-authorizer", "data-gateway", "data-checks"].map((name) => cell.getAttribute(name)),
      );
      expect((await cell.innerText()).split(/\s/)).toContain(checks);
      if (checks !== "0") shown[`${authorizer} ${gateway}`] = Number(checks);
    }
    expect(shown).toEqual(
      Object.fromEntries(
        agreement.map(({ authorizer, gateway, checks }) => [`${authorizer} ${gateway}`, checks]),
      ),
    );
  });

  it("leads from a cell to its devices", async () => {
    const { page } = open;
    const { runId, agreement } = await newestRun();
    const cell = agreement.find(
      ({ authorizer, gateway }) => authorizer === "allowed" && gateway === "refused",
    );
    await page.goto(`${demo.url}/#/runs/${runId}`);
    await found(page, "matrix-cell", '[data-authorizer="allowed"][data-gateway="refused"]').click();
    await expect.poll(() => found(page, "results-row").count()).toBe(cell?.checks);
  });

  it("leads from a cause to its devices, and from a device to what became of it", async () => {
    const { page } = open;
    const { runId, causes } = await newestRun();
    const [{ cause, checks, nextStep } = { cause: "", checks: 0, nextStep: "" }] = causes;
    await page.goto(`${demo.url}/#/runs/${runId}`);
    const row = found(page, "cause-row", `[data-cause="${cause}"]`).first();
    expect(await row.innerText()).toContain(nextStep);
    await row.locator("a").first().click();
    const rows = found(page, "results-row");
    await expect.poll(() => rows.count()).toBe(checks);
    expect(page.url()).toMatch(new RegExp(`#/runs/${runId}/results\\?.*cause=${cause}`));
    const { items } = await api<{ readonly items: readonly ResultRecord[] }>(
      `/api/v1/runs/${runId}/results?cause=${cause}`,
    );
    for (const [index, { device }] of items.entries())
      expect(await rows.nth(index).innerText()).toContain(device);

    const device = items[0]?.device ?? "";
    await rows.first().getByRole("link", { name: device }).click();
    const shown = found(page, "device-page");
    await expect.poll(() => shown.innerText()).toContain(cause);
    expect(page.url()).toContain(`#/devices/${device}`);
    await shown.getByRole("button", { name: /probe/i }).click();
    await expect.poll(() => shown.locator("pre").innerText(), { timeout: 20_000 }).toMatch(/CONNACK/);
  });

  it("leads from a point in time to its run", async () => {
    const { page } = open;
    const { runId } = await newestRun();
    await page.goto(`${demo.url}/#/?suite=${SUITE}`);
    await found(page, "history-point", `[href$="${runId}"]`).click();
    await expect.poll(() => page.url()).toContain(`#/runs/${runId}`);
    await found(page, "matrix-cell").first().waitFor();
  });

  it.each(["light", "dark"] as const)(
    "has no serious violation of accessibility in %s",
    async (colorScheme) => {
      const { page } = open;
      await page.emulateMedia({ colorScheme });
      const { runId, causes } = await newestRun();
      const device = causes[0]?.examples[0] ?? "";
      const views = [
        ["#/", "suite-card"],
        [`#/runs/${runId}`, "matrix-cell"],
        [`#/runs/${runId}/results?cause=${causes[0]?.cause}`, "results-row"],
        [`#/devices/${device}`, "device-page"],
      ] as const;
      for (const [hash, testId] of views) {
        await page.goto(`${demo.url}/${hash}`);
        await found(page, testId).first().waitFor();
        expect([hash, await seriousViolations(page)]).toEqual([hash, []]);
      }
    },
  );

  it("fits a phone: nothing has to be scrolled sideways", async () => {
    const { page } = open;
    await page.setViewportSize({ width: 360, height: 740 });
    const { runId } = await newestRun();
    for (const [hash, testId] of [
      ["#/", "suite-card"],
      [`#/runs/${runId}`, "matrix-cell"],
    ] as const) {
      await page.goto(`${demo.url}/${hash}`);
      await found(page, testId).first().waitFor();
      const widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";
      const [content = 0, window = 0] = (await page.evaluate(widths)) as number[];
      expect([hash, content]).toEqual([hash, Math.min(content, window)]);
    }
    // What a rule wanted, what was observed and whether it is met, without a finger on it.
    await page.goto(demo.url);
    const lastCell = card(page, SUITE).locator("tbody tr").first().locator("td").last();
    const { x = 0, width = 0 } = (await lastCell.boundingBox()) ?? {};
    expect(width).toBeGreaterThan(0);
    expect(x + width).toBeLessThanOrEqual(360);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  it("cancels the run that it shows", async () => {
    const { page } = open;
    await page.goto(demo.url);
    await found(card(page, SUITE), "trigger").click();
    await found(page, "cancel").first().click();
    await expect.poll(newestRun, { timeout: 20_000 }).toMatchObject({ suite: SUITE, status: "cancelled" });
  });

  it("says what is missing where a token may only read", async () => {
    const looker = await openPage(browser, demo.url);
    const { page } = looker;
    await page.goto(demo.url);
    await answerWith(page, "a-token-that-may-only-read");
    await found(card(page, SUITE), "trigger").click();
    await expect.poll(() => page.locator("body").innerText()).toMatch(/may not|scope|not allowed/i);
    await page.context().close();
    expect(looker.strangers).toEqual([]);
  });

  it("has asked nobody but the daemon, and complained of nothing", () => {
    expect(open.strangers).toEqual([]);
    expect(open.complaints).toEqual([]);
  });
});

/** Presses the Tab key until the focus is there, as somebody without a mouse does. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    if ((await to.and(page.locator(":focus")).count()) > 0) return;
  }
  throw new Error("the Tab key does not lead there");
}
