import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type InProcess, runInProcess } from "../support/in-process.ts";
import { type Program, start } from "../support/program.ts";
import { callWebhook } from "./flagger.ts";
import { queryIsTrue } from "./prometheus.ts";

export const TOKENS = { ci: "trigger-token-4711", dashboards: "read-token-4712" } as const;
type TokenName = keyof typeof TOKENS;

/** Long enough for every reader to find the run under way, Flagger's wait included. */
const SLOW_DEVICES = 60;
const SLOW_PER_SECOND = 5;

export interface RunView {
  readonly runId: string;
  readonly status: string;
  readonly decision: string | null;
  readonly counts: Readonly<Record<"planned" | "checks" | "pass" | "notRun", number>>;
}

/** A real daemon whose suites come to different ends, and the consumers that ask it. */
export class Lab {
  readonly bench: Bench;
  #daemon: Program | null = null;
  #url = "";

  constructor(bench: Bench) {
    this.bench = bench;
  }

  static async open(): Promise<Lab> {
    const good = (from: number, number: number, changes: object) =>
      Array.from({ length: number }, (_, index) => goodDevice(from + index, changes));
    const profiles = [
      ...good(0, 3, { cohort: "pumps" }),
      ...good(10, 3, { cohort: "valves", password: "wrong" }),
      ...good(100, SLOW_DEVICES, { cohort: "slow", target: "slow" }),
    ].map((each) => ({ target: "here", ...each }));
    const suite = (name: string, cohort: string, changes: object = {}) => {
      return { name, cohorts: [cohort], derived: { perCohort: 0 }, ...changes };
    };
    const suites = [
      suite("never", "pumps"),
      suite("go", "pumps"),
      suite("no-go", "valves"),
      suite("inconclusive", "pumps", { gate: { minChecks: 1000 } }),
      suite("nothing", "ghosts"),
      suite("expired", "pumps", { gate: { maxAge: "5s" } }),
      suite("cancelled", "slow"),
      suite("crashed", "slow"),
    ];
    const tokens = Object.keys(TOKENS).map((name) => {
      return { name, tokenFile: `${name}.token`, scopes: [name === "ci" ? "trigger" : "read"] };
    });
    const config = { suites, store: { path: "smoke.db" }, http: { listen: "127.0.0.1:0", tokens } };
    const bench = await startBench({ profiles, config });
    const lab = new Lab(bench);
    for (const [name, token] of Object.entries(TOKENS)) await writeFile(lab.tokenFile(name), `${token}\n`);
    await writeFile(lab.tokenFile("wrong"), "wrong-token\n");
    await lab.#addSlowTarget();
    await lab.start();
    return lab;
  }

  /** The same emulator, asked as slowly as AWS's quotas ask for. */
  async #addSlowTarget(): Promise<void> {
    const config = JSON.parse(await readFile(this.bench.configFile, "utf8")) as { targets: object[] };
    const budgets = { invokesPerSecond: SLOW_PER_SECOND, connectsPerSecond: SLOW_PER_SECOND, burst: 1 };
    const slow = { ...config.targets[0], name: "slow", budgets, concurrency: 5 };
    await writeFile(this.bench.configFile, JSON.stringify({ ...config, targets: [config.targets[0], slow] }));
  }

  get url(): string {
    return this.#url;
  }

  tokenFile(name: string): string {
    return join(this.bench.folder, `${name}.token`);
  }

  async start(): Promise<void> {
    this.#daemon = start(["daemon", "--config", this.bench.configFile]);
    const [, url = ""] = await this.#daemon.says(/"url":"([^"]+)"/);
    this.#url = url;
  }

  /** Leaves the process no time to write or say anything. */
  async kill(): Promise<void> {
    this.#daemon?.process.kill("SIGKILL");
    await this.#daemon?.ended;
  }

  async stop(): Promise<number | string | undefined> {
    this.#daemon?.process.kill("SIGTERM");
    return this.#daemon?.ended;
  }

  async end(): Promise<void> {
    await this.kill();
    await this.bench.end();
  }

  call(path: string, options: { method?: string; token?: TokenName; json?: object } = {}): Promise<Response> {
    const { method = "GET", token = "ci", json } = options;
    const authorization = `Bearer ${TOKENS[token]}`;
    return fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization, ...(json && { "content-type": "application/json" }) },
      ...(json && { body: JSON.stringify(json) }),
    });
  }

  peek(suite: string): Promise<Response> {
    return this.call(`/api/v1/gate/${suite}`, { token: "dashboards" });
  }

  ask(suite: string, idempotencyKey: string): Promise<Response> {
    return this.call(`/api/v1/gate/${suite}`, { method: "POST", json: { idempotencyKey } });
  }

  flagger(suite: string, route: "flagger" | "flagger/rollback" = "flagger") {
    return callWebhook(`${this.#url}/api/v1/gate/${suite}/${route}`, { token: TOKENS.ci });
  }

  async prometheus(suite: string): Promise<boolean> {
    const page = await (await fetch(`${this.#url}/metrics`)).text();
    return queryIsTrue(page, suite, Date.now() / 1000);
  }

  gate(suite: string, changes: { timeout?: string; token?: string; url?: string } = {}): Promise<InProcess> {
    const { timeout = "60s", token = "ci", url = this.#url } = changes;
    const options = ["--suite", suite, "--timeout", timeout, "--require-realm", "any"];
    return runInProcess(["gate", "--url", url, "--token-file", this.tokenFile(token), ...options]);
  }

  async trigger(suite: string): Promise<RunView> {
    const response = await this.call("/api/v1/runs", { method: "POST", json: { suite } });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as RunView;
  }

  async run(runId: string): Promise<RunView> {
    return (await (await this.call(`/api/v1/runs/${runId}`)).json()) as RunView;
  }
}
