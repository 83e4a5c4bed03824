import { createLasting, type Lasting, LOCATION } from "./app/lasting.ts";
import { type BuiltPorts, createPorts } from "./app/ports.ts";
import { createSecondWave } from "./app/second-wave.ts";
import { ShownFleet } from "./app/shown-fleet.ts";
import { type ScannedFleet, Sources, type SourcesOptions } from "./app/sources.ts";
import { createWork, type WorkOptions } from "./app/work.ts";
import type { StaticCredentials } from "./aws/client.ts";
import { decide } from "./gate/decide.ts";
import { contradiction } from "./gate/fingerprint.ts";
import { lostRule } from "./gate/lost.ts";
import { handshake } from "./gateway/handshake.ts";
import type { Log } from "./lib/log.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Check } from "./model/check.ts";
import type { Config, Suite } from "./model/config.ts";
import type { Examined } from "./model/facts.ts";
import type { Fingerprint } from "./model/fingerprint.ts";
import type { DerivedLedger } from "./model/ports.ts";
import type { PreflightFinding } from "./model/preflight.ts";
import type { Problem } from "./model/problem.ts";
import type { Profile } from "./model/profile.ts";
import type { Result } from "./model/result.ts";
import type { Selection } from "./model/run.ts";
import type { Decoy } from "./model/second-wave.ts";
import type { SourceFile } from "./model/shard.ts";
import type { ReadyTarget, Target } from "./model/target.ts";
import { examine, judge, type Ports, untested } from "./pipeline.ts";
import { expectedAtLocations, planAtLocations } from "./plan/locations.ts";
import { preparePlan } from "./plan/prepare.ts";
import { checksOf } from "./plan/select.ts";
import type { FoundProfile } from "./profiles/find-profile.ts";
import type { Scan } from "./profiles/scanner.ts";
import { configChecksum } from "./run/config-checksum.ts";
import { type Bindings, createBindings } from "./run/fingerprint.ts";
import type { Places } from "./run/lanes.ts";
import { NO_MEMORY, type RunMemory } from "./run/memory.ts";
import type { RunPacer } from "./run/pacer.ts";
import { NEVER_PAUSED, type PauseGate } from "./run/pause.ts";
import { lookAtTargets } from "./run/preflight.ts";
import { type Probed, type ProbePorts, probeChecks } from "./run/probe.ts";
import { Run } from "./run/run.ts";
import { lookForOthers, refuseIfUsed, type SamplePorts } from "./run/sample.ts";
import type { SecondWave } from "./run/second-wave.ts";
import type { CheckObserver } from "./run/shards/observations.ts";
import type { RunnerPorts } from "./run/shards/runner.ts";
import type { WorkFn } from "./run/work.ts";

export interface AppOptions extends SourcesOptions {
  readonly config: Config;
  /** Kills a credentials command and all it has started; omitted: the command alone. */
  readonly killGroup?: (leaderPid: number) => void;
  readonly version: string;
  readonly log: Log;
  /** What is shared with the app of an earlier configuration; omitted: nothing is. */
  readonly lasting?: Lasting;
  /** How to start this program again; omitted: its workers cannot be, and this process does all by itself. */
  readonly self?: readonly string[];
  /** Who is told what checks are made of; omitted: the metrics. */
  readonly observer?: CheckObserver;
  /** Instead of the SDK's own credential chain: for the demo, whose emulator knows one caller. */
  readonly awsCredentials?: StaticCredentials | null;
}

export interface RunRequest {
  readonly runId: string;
  readonly selection: Selection;
  /** The sources after pass one; read again by the run. */
  readonly fleet: (signal: AbortSignal) => Promise<ScannedFleet>;
  /** Omitted: the run is not kept. */
  readonly memory?: RunMemory;
  /** Omitted: that of the app. */
  readonly derivedLedger?: DerivedLedger;
  /** Each result in full, after it has reached the metrics. */
  readonly onResult?: (result: Result) => void;
}

/**
 * The composition root: builds every part once and hands each to those that need it. Parts are released in
 * reverse order when the app is disposed of.
 */
export class App implements AsyncDisposable {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly #options: AppOptions;
  readonly #ports: Ports;
  readonly #sample: SamplePorts;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #shown: ShownFleet;
  readonly #resolveEndpoint: BuiltPorts["resolveEndpoint"];
  readonly #accountLimits: BuiltPorts["accountLimits"];
  readonly #releases = new AsyncDisposableStack();
  readonly #derivedLedger: DerivedLedger;
  readonly #pause: PauseGate;
  readonly #bindings: Bindings;
  readonly #sources: Sources;
  readonly #pacer: RunPacer;

  constructor(options: AppOptions) {
    const { config, env, killGroup, awsCredentials = null } = options;
    const { metrics, pacer, derivedLedger, pause } = options.lasting ?? this.#ownLasting(options);
    this.config = config;
    this.#options = options;
    this.#sources = new Sources(config, options);
    this.#targets = new Map(config.targets.map((target) => [target.name, target]));
    this.metrics = metrics;
    this.#shown = new ShownFleet(config, metrics, options.lasting === undefined);
    this.#pacer = pacer;
    this.#derivedLedger = derivedLedger;
    this.#pause = pause;
    if (options.lasting === undefined) pacer.setTargets(config.targets);

    const given = { env, killGroup, awsCredentials, observer: options.observer ?? metrics, pacer };
    const { ports, resolveEndpoint, identity, accountLimits } = createPorts(given, this.#releases);
    this.#ports = ports;
    this.#resolveEndpoint = resolveEndpoint;
    this.#accountLimits = async (target, signal) => {
      const limits = await accountLimits(target, signal);
      if (limits.kind === "known") this.metrics.accountLimits(target.name, limits.value);
      return limits;
    };
    this.#bindings = createBindings({
      configChecksum: configChecksum(config),
      fleetChecksum: (signal) => this.#sources.checksum(signal),
      look: async ({ target, authorizers }, signal) => {
        const ready = await this.#ready(target, signal);
        if (ready === null) return null;
        const fingerprint = await identity.of(ready, authorizers, signal);
        this.metrics.targetRealm(target, fingerprint.realm);
        return fingerprint;
      },
      contradiction,
    });
    this.#sample = {
      resolve: (name, signal) => this.#ready(name, signal),
      connectionState: this.#ports.connectionState,
      isConnecting: (target, clientId) => pacer.isConnecting(target, clientId),
      random: Math.random,
    };
  }

  #ownLasting({ config, version, log }: AppOptions): Lasting {
    const { queue } = config;
    return this.#releases.use(createLasting({ version, pauseOf: () => NEVER_PAUSED, queue, log }));
  }

  /**
   * Opens the sources and reads them once, by default with a look at the files and variables that credentials need;
   * null when they cannot be opened, after the problems were told.
   */
  async scan(
    onProblem: (problem: Problem) => void,
    signal: AbortSignal,
    options: { readonly checkReferences?: boolean } = {},
  ): Promise<ScannedFleet | null> {
    const scanned = await this.#sources.scan(onProblem, signal, options);
    if (scanned !== null) await this.#shown.scanned(scanned.scan);
    return scanned;
  }

  /** From now on this configuration's fleet is the one that is shown, its budgets the ones that hold. */
  async takeOver(scan: Scan): Promise<void> {
    this.#options.lasting?.pacer.setTargets(this.config.targets);
    await this.#shown.takeOver(scan);
  }

  /** Another configuration has taken over; runs that are under way finish with this one. */
  stepBack(): void {
    this.#shown.stepBack();
  }

  /** What runs of an earlier configuration have shown meanwhile goes. */
  async showAgain(): Promise<void> {
    await this.#shown.again();
  }

  /** Finds one device by reading the sources up to it; throws the signal's reason when aborted. */
  findDevice(id: string, signal: AbortSignal): Promise<FoundProfile> {
    return this.#sources.find(id, signal);
  }

  /** A run that has not started. */
  createRun(request: RunRequest): Run {
    const { runId, selection, fleet, memory = NO_MEMORY, onResult } = request;
    const ledger = request.derivedLedger ?? this.#derivedLedger;
    const suite = this.#suite(selection.suite);
    let files: readonly SourceFile[] = [];
    const here = {
      ...this.#parts,
      secondWave: (decoys: readonly Decoy[]) => this.#secondWave(suite, decoys, ledger),
      concurrency: new Map(this.config.targets.map(({ name, concurrency }) => [name, concurrency])),
      location: LOCATION,
      onResult,
    };
    return new Run(
      {
        work: this.#work({ runId, suite: suite.name, here, files: () => files }),
        decide,
        lostRule,
        preflight: (names, signal) => this.#lookAt(names, signal),
        bind: this.#bindings.bind,
        pause: this.#pause,
        log: this.#options.log,
      },
      {
        runId,
        suite: expectedAtLocations(suite),
        selection,
        prepare: async (signal) => {
          const { fleet: sources, scan } = await fleet(signal);
          files = sources.files();
          const profiles = () => sources.profiles(signal);
          const draw = { seed: runId, targets: this.config.targets };
          const plan = await preparePlan({ ...scan, profiles }, suite, selection, draw);
          const found = await lookForOthers(plan.again(), this.#sample, signal);
          return refuseIfUsed(planAtLocations(plan, suite), found);
        },
        memory,
        onResult: (judged) => {
          this.metrics.record(judged);
          this.metrics.runProgress(suite.name);
        },
      },
    );
  }

  /** Demo credentials are for this process alone: workers find their own. */
  #work(run: Pick<WorkOptions, "runId" | "suite" | "here" | "files">): WorkFn {
    const { log, env, self = [], awsCredentials = null } = this.#options;
    const parts = { config: this.config, env, pacer: this.#pacer, observer: this.metrics, log };
    return createWork({ ...run, ...parts, self: awsCredentials === null ? self : [] });
  }

  /** What a worker at this location needs for shards of any run. */
  runner(location: string, places: Places): Omit<RunnerPorts, "checks"> {
    return {
      ...this.#parts,
      secondWave: (suite, decoys, ledger) => this.#secondWave(this.#suite(suite), decoys, ledger),
      places,
      location,
    };
  }

  get #parts(): Pick<RunnerPorts, "examine" | "onFault" | "judge" | "log"> {
    return {
      examine: (check, signal) => this.examine(check, signal),
      onFault: (check) => this.#fault(check),
      judge,
      log: this.#options.log,
    };
  }

  /** One device over each of its protocols as a run would test it; nothing of it counts in the metrics of checks. */
  probe(profile: Profile, signal: AbortSignal): AsyncGenerator<Probed> {
    const ports: ProbePorts = {
      examine: (check, abort) => this.examine(check, abort),
      onFault: (check) => this.#fault(check),
      untested: (check, cause, reason) => untested(check, asIs(this.#target(check)), cause, reason),
      judge,
      secondWave: this.#secondWave({ derived: null }, [], this.#derivedLedger),
      sample: this.#sample,
      location: LOCATION,
      log: this.#options.log,
    };
    return probeChecks(checksOf(profile, 0), ports, signal);
  }

  #secondWave(suite: Pick<Suite, "derived">, decoys: readonly Decoy[], ledger: DerivedLedger): SecondWave {
    return createSecondWave(suite, decoys, { ports: this.#ports, ledger });
  }

  /** Everything about one check up to its verdict. */
  async examine(check: Check, signal: AbortSignal): Promise<Examined> {
    const target = this.#target(check);
    const ready = await this.#resolveEndpoint(target, signal);
    if (ready.kind === "failed") return untested(check, asIs(target), ready.cause, ready.message);
    return examine(check, ready.target, this.#ports, signal);
  }

  /** What a decision was bound to, as it is now; null: it cannot be found out. Never throws. */
  fingerprintNow(then: Fingerprint, signal: AbortSignal): Promise<Fingerprint | null> {
    return this.#bindings.now(then, signal);
  }

  /** null: its endpoint cannot be found out. */
  async #ready(name: string, signal: AbortSignal): Promise<ReadyTarget | null> {
    const target = this.#targets.get(name);
    if (target === undefined) return null;
    const answer = await this.#resolveEndpoint(target, signal);
    return answer.kind === "ready" ? answer.target : null;
  }

  #lookAt(names: readonly string[], signal: AbortSignal): Promise<readonly PreflightFinding[]> {
    const targets = names.flatMap((name) => this.#targets.get(name) ?? []);
    const { preflight } = this.#ports;
    const resolveEndpoint = this.#resolveEndpoint;
    const accountLimits = this.#accountLimits;
    return lookAtTargets(targets, { resolveEndpoint, preflight, accountLimits, handshake }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#releases.disposeAsync();
  }

  #fault(check: Check): Examined {
    const reason = "fleet-smoke failed while it tested this device; its log says more";
    return untested(check, asIs(this.#target(check)), "TESTER_ERROR", reason);
  }

  #target(check: Check): Target {
    const target = this.#targets.get(check.profile.target);
    if (target === undefined) throw new Error(`unknown target ${check.profile.target}`);
    return target;
  }

  #suite(name: string): Suite {
    const suite = this.config.suites.find((each) => each.name === name);
    if (suite === undefined) throw new Error(`unknown suite ${name}`);
    return suite;
  }
}

/** Where no endpoint is known nothing is dialled, and nothing needs one. */
function asIs(target: Target): Target & { readonly endpoint: string } {
  return { ...target, endpoint: target.endpoint ?? "" };
}
