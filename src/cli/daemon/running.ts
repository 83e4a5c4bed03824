import type { Lasting } from "../../app/lasting.ts";
import { doubtOf, gateAnswer } from "../../gate/answer.ts";
import { type HttpServer, startHttp } from "../../http/server.ts";
import type { Log } from "../../lib/log.ts";
import type { Config } from "../../model/config.ts";
import type { GateAnswer } from "../../model/gate-answer.ts";
import { isPartial } from "../../plan/select.ts";
import { Audit } from "../../run/audit.ts";
import { configChecksum } from "../../run/config-checksum.ts";
import { GateService } from "../../run/gate-service.ts";
import { Notices } from "../../run/notices.ts";
import { Overview } from "../../run/overview.ts";
import { type PauseSwitch, pauseText } from "../../run/pause.ts";
import { Runs, type RunsConfig } from "../../run/runs.ts";
import { startSchedule } from "../../run/schedule.ts";
import type { History } from "../../store/history.ts";
import { CAUSE_GUIDE } from "./cause-guide.ts";
import { Control } from "./control.ts";
import { createRun } from "./create-run.ts";
import { Hooks } from "./hooks.ts";
import { DaemonProbes } from "./probes.ts";
import type { Prepared } from "./reload.ts";
import type { Setup } from "./setup.ts";

export interface RunningOptions {
  readonly setup: Setup;
  readonly history: History;
  readonly lasting: Lasting & { readonly pause: PauseSwitch };
  readonly log: Log;
}

type PrepareFn = (before: Config, prepareHttp: HttpServer["prepare"]) => Promise<Prepared>;

/** The parts of a daemon and how they know each other; all that a reload replaces hangs on the setup. */
export class Running implements AsyncDisposable {
  readonly runs: Runs;
  readonly #options: RunningOptions;
  readonly #audit: Audit;
  readonly #hooks: Hooks;
  readonly #notices: Notices;
  readonly #probes: DaemonProbes;
  readonly #looking = new AbortController();
  /** Of configurations that are in force no more. */
  readonly #retiring = new Set<Promise<void>>();
  #setup: Setup;
  #state: "starting" | "ready" | "draining" = "starting";
  #http: HttpServer | null = null;
  #control: Control | null = null;
  #stopSchedule = () => {};

  constructor(options: RunningOptions) {
    const { setup, history, lasting, log } = options;
    this.#options = options;
    this.#setup = setup;
    this.#audit = new Audit(history, log);
    const outbox = history.isTemporary ? null : history.outbox;
    this.#hooks = new Hooks(setup.config.notify, log, outbox);
    this.#notices = new Notices({ store: history, send: (each) => this.#hooks.send(each), log });
    this.runs = new Runs({ ...this.#runsConfig(setup), history, isPartial, log });
    this.#probes = new DaemonProbes(() => this.#setup, lasting.pause);
  }

  get url(): string {
    return started(this.#http).url;
  }

  get control(): Control {
    return started(this.#control);
  }

  /** @throws UsageError where its address cannot be listened on */
  async start(prepare: PrepareFn): Promise<void> {
    const { history, lasting, log } = this.#options;
    const { metrics, pause } = lasting;
    await this.#setup.takeOver();
    this.#hooks.resume();
    this.#restore();
    this.#control = new Control({
      ...{ pause, audit: this.#audit, metrics, log },
      prepare: () => prepare(this.#setup.config, (next) => started(this.#http).prepare(next)),
      takeOver: (setup, commitHttp) => this.#takeOver(setup, commitHttp),
    });
    this.#http = await startHttp({
      ...{ config: this.#setup.config.http, log, runs: this.runs, probes: this.#probes },
      ...{ gate: this.#gate(), audit: this.#audit, control: this.#control },
      results: {
        results: (runId, query) => (history.get(runId) === null ? null : history.results(runId, query)),
      },
      overview: new Overview({ runs: this.runs, history, isPartial }),
      causes: CAUSE_GUIDE,
      metricsPage: () => metrics.page(),
      ready: () => ({ ready: this.#state === "ready", reason: this.#readiness() }),
    });
    this.runs.resume();
    this.#schedule(this.#setup.config);
    this.#state = "ready";
    log.info({ url: this.url, suites: this.runs.suites() }, "listening");
  }

  /** Begins nothing more; what is in flight finishes. */
  async drain(): Promise<void> {
    this.#state = "draining";
    this.#stopSchedule();
    await this.runs.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopSchedule();
    this.#looking.abort(new Error("the daemon stops"));
    await Promise.all([
      this.#http?.close(),
      this.#control?.[Symbol.asyncDispose](),
      this.#hooks[Symbol.asyncDispose](),
      this.#probes[Symbol.asyncDispose](),
    ]);
    await Promise.all([...this.#retiring, this.#setup.retire()]);
  }

  #readiness(): string {
    const pause = this.#options.lasting.pause.paused();
    // A paused daemon takes work: it waits.
    return this.#state === "ready" && pause !== null ? `ready, ${pauseText(pause)}` : this.#state;
  }

  async #takeOver(setup: Setup, commitHttp: () => void): Promise<void> {
    const before = this.#setup;
    this.#setup = setup;
    this.runs.reconfigure(this.#runsConfig(setup));
    commitHttp();
    this.#hooks.reconfigure(setup.config.notify);
    this.#stopSchedule();
    this.#schedule(setup.config);
    const retired = before.retire().finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
    await setup.takeOver();
    this.#options.log.info({ suites: this.runs.suites() }, "another configuration is in force");
  }

  #runsConfig(setup: Setup): RunsConfig {
    const { config } = setup;
    const { history, log } = this.#options;
    const onOutdated = () => this.#setup.app.showAgain();
    const parts = { setup, history, notices: this.#notices, log, onOutdated };
    return {
      suites: config.suites.map(({ name }) => name),
      configChecksum: configChecksum(config),
      create: (runId, selection, memory) => createRun(parts, runId, selection, memory),
    };
  }

  #gate(): GateService {
    const { pause } = this.#options.lasting;
    return new GateService({
      runs: this.runs,
      maxAgeMs: (name) => this.#maxAgeMs(name),
      answer: gateAnswer,
      doubtOf,
      current: (then) => {
        const signal = AbortSignal.any([this.#looking.signal, pause.begun]);
        const setup = this.#setup;
        return setup.use(() => setup.app.fingerprintNow(then, signal));
      },
      paused: () => pause.paused(),
      onOverride: (answer) => this.#overridden(answer),
      isPartial,
      audit: this.#audit,
    });
  }

  #overridden(answer: GateAnswer): void {
    const { suite, runId, override } = answer;
    if (runId === null || override === null) return;
    this.#options.lasting.metrics.overridden(suite);
    this.#notices.overridden(answer);
    this.runs.remark(runId, `the decision was let pass by ${override.actor}: ${override.reason}`);
  }

  /** What the last run of each suite showed is exported again before anybody scrapes, and told if it was not. */
  #restore(): void {
    const { history, lasting } = this.#options;
    for (const { name } of this.#setup.config.suites) {
      const last = this.runs.lastWhole(name);
      if (last === null || last.status !== "finished") continue;
      const maxAgeMs = this.#maxAgeMs(name);
      lasting.metrics.restoreRun(last, history.lastGo(name)?.summary ?? null, maxAgeMs);
      this.#notices.restored(last, maxAgeMs);
    }
  }

  #maxAgeMs(suite: string): number {
    return this.#setup.config.suites.find(({ name }) => name === suite)?.gate.maxAgeMs ?? 0;
  }

  #schedule({ schedule }: Config): void {
    const { log } = this.#options;
    this.#stopSchedule = startSchedule(schedule, (suite) => this.#triggerByClock(suite), log);
  }

  #triggerByClock(suite: string): void {
    const selection = { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 };
    const triggered = this.runs.trigger(selection, null, "schedule");
    this.#options.log.info({ suite, kind: triggered.kind }, "scheduled trigger");
    if (triggered.kind === "started") {
      this.#audit.note("schedule", "trigger", `suite ${suite}, run ${triggered.run.runId}`);
    }
  }
}

function started<T>(part: T | null): T {
  if (part === null) throw new Error("the daemon has not started");
  return part;
}
