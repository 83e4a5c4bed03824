import type { Readable } from "node:stream";
import { createClients, type StaticCredentials } from "./aws/client.ts";
import { createConnectionState } from "./aws/connection-state.ts";
import { createDataClients } from "./aws/data-client.ts";
import { createDescribe } from "./aws/describe.ts";
import { createIdentity } from "./aws/identity.ts";
import { createInvoke } from "./aws/invoke.ts";
import { createPreflight } from "./aws/preflight.ts";
import { decide } from "./gate/decide.ts";
import { contradiction } from "./gate/fingerprint.ts";
import { lostRule } from "./gate/lost.ts";
import { handshake } from "./gateway/handshake.ts";
import { probe } from "./gateway/probers.ts";
import type { Log } from "./lib/log.ts";
import type { SuiteNames } from "./metrics/fleet.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import type { Check } from "./model/check.ts";
import type { Config, Suite } from "./model/config.ts";
import type { Examined } from "./model/facts.ts";
import type { Fingerprint } from "./model/fingerprint.ts";
import type { CredentialsFn, DerivedLedger } from "./model/ports.ts";
import type { PreflightFinding } from "./model/preflight.ts";
import type { Problem } from "./model/problem.ts";
import type { Profile } from "./model/profile.ts";
import type { Result } from "./model/result.ts";
import type { Selection } from "./model/run.ts";
import type { Decoy } from "./model/second-wave.ts";
import type { ReadyTarget, Target } from "./model/target.ts";
import { attempt, derive, examine, judge, type Ports, untested } from "./pipeline.ts";
import { mayDerive, mayDeriveFrom } from "./plan/derive.ts";
import { preparePlan } from "./plan/prepare.ts";
import { checksOf, planChecks } from "./plan/select.ts";
import { variationsOf } from "./plan/vary.ts";
import type { KnownFiles } from "./profiles/checksum.ts";
import { createCredentials } from "./profiles/credentials.ts";
import type { FoundProfile } from "./profiles/find-profile.ts";
import { type Fleet, openFleet } from "./profiles/fleet.ts";
import type { Scan } from "./profiles/scanner.ts";
import { configChecksum } from "./run/config-checksum.ts";
import { clientIdentity, createDerivedLedger } from "./run/derived-ledger.ts";
import { Draw } from "./run/draw.ts";
import { type Bindings, createBindings } from "./run/fingerprint.ts";
import { NO_MEMORY, type RunMemory } from "./run/memory.ts";
import { createPacer, type RunPacer } from "./run/pacer.ts";
import { NEVER_PAUSED, type PauseGate } from "./run/pause.ts";
import { lookAtTargets } from "./run/preflight.ts";
import { type Probed, type ProbePorts, probeChecks } from "./run/probe.ts";
import { Run } from "./run/run.ts";
import { lookForOthers, refuseIfUsed, type SamplePorts } from "./run/sample.ts";
import type { SecondWave } from "./run/second-wave.ts";

export interface AppOptions {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** null: no profile source may be standard input. */
  readonly stdin: Readable | null;
  readonly tempFolder: string;
  /** Kills a credentials command and all it has started; omitted: the command alone. */
  readonly killGroup?: (leaderPid: number) => void;
  readonly version: string;
  readonly log: Log;
  /** What is shared with the app of an earlier configuration; omitted: nothing is. */
  readonly lasting?: Lasting;
  /** Instead of the SDK's own credential chain: for the demo, whose emulator knows one caller. */
  readonly awsCredentials?: StaticCredentials | null;
}

/**
 * What outlives a configuration: counters go on, and budgets, the rest of client ids and what was spent on derived
 * checks hold across a reload, also while runs of the old configuration are still under way.
 */
export interface Lasting {
  readonly metrics: Metrics;
  readonly pacer: RunPacer;
  readonly derivedLedger: DerivedLedger;
  readonly pause: PauseGate;
}

/** @param pauseOf the switch that holds its pacer back, made for the metrics it shows in */
export function createLasting<P extends PauseGate>(
  version: string,
  pauseOf: (metrics: Metrics) => P,
): Lasting & { readonly pause: P } {
  const metrics = createMetrics({ version, location: LOCATION });
  const pause = pauseOf(metrics);
  const pacer = createPacer({ pause, onUsed: (used) => metrics.budgetUsed(used) });
  return { metrics, pacer, derivedLedger: createDerivedLedger(), pause };
}

export interface RunRequest {
  readonly runId: string;
  readonly selection: Selection;
  /** The sources after pass one; read again by the run. */
  readonly fleet: (signal: AbortSignal) => Promise<ScannedFleet>;
  /** Omitted: the run is not kept. */
  readonly memory?: RunMemory;
  /** Each result, after it has reached the metrics. */
  readonly onResult?: (result: Result) => void;
}

/** The sources after pass one. */
export interface ScannedFleet {
  readonly fleet: Fleet;
  readonly scan: Scan;
}

const LOCATION = "local";

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
  /** Of those that share what lasts, one shows its fleet. */
  #isCurrent: boolean;
  #shown: Scan | null = null;
  readonly #resolveEndpoint: ReturnType<typeof createDescribe>["resolveEndpoint"];
  readonly #releases = new AsyncDisposableStack();
  readonly #derivedLedger: DerivedLedger;
  readonly #pause: PauseGate;
  readonly #bindings: Bindings;
  readonly #knownFiles: KnownFiles = new Map();

  constructor(options: AppOptions) {
    const { config, env, version, killGroup, awsCredentials = null } = options;
    const { metrics, pacer, derivedLedger, pause } =
      options.lasting ?? createLasting(version, () => NEVER_PAUSED);
    this.config = config;
    this.#options = options;
    this.#targets = new Map(config.targets.map((target) => [target.name, target]));
    this.#isCurrent = options.lasting === undefined;
    this.metrics = metrics;
    this.#derivedLedger = derivedLedger;
    this.#pause = pause;
    if (options.lasting === undefined) pacer.setTargets(config.targets);

    const observer = metrics;
    const clients = this.#releases.adopt(createClients(awsCredentials), (each) => each.close());
    const dataClients = this.#releases.adopt(createDataClients(clients), (each) => each.close());
    const describe = createDescribe({ pacer, observer, clients });
    const credentials = this.#releases.adopt(createCredentials({ env, killGroup }), (each) => each.close());
    this.#resolveEndpoint = describe.resolveEndpoint;
    const identity = this.#releases.adopt(createIdentity({ pacer, observer, clients, describe }), (each) =>
      each.close(),
    );
    this.#bindings = createBindings({
      configChecksum: configChecksum(config),
      fleetChecksum: (signal) => this.#fleetChecksum(signal),
      look: async ({ target, authorizers }, signal) => {
        const ready = await this.#ready(target, signal);
        if (ready === null) return null;
        const fingerprint = await identity.of(ready, authorizers, signal);
        this.metrics.targetRealm(target, fingerprint.realm);
        return fingerprint;
      },
      contradiction,
    });
    this.#ports = {
      credentials: observed(credentials, observer),
      defaultAuthorizer: describe.defaultAuthorizer,
      needsCertificate: describe.needsCertificate,
      preflight: createPreflight({ pacer, observer, clients, describe }),
      invoke: createInvoke({ pacer, observer, clients }),
      pacer,
      probe,
      connectionState: createConnectionState({ pacer, observer, clients, dataClients, describe }),
    };
    this.#sample = {
      resolve: (name, signal) => this.#ready(name, signal),
      connectionState: this.#ports.connectionState,
      isConnecting: (target, clientId) => pacer.isConnecting(target, clientId),
      random: Math.random,
    };
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
    const opened = await this.#openFleet();
    if (opened.kind === "invalid") {
      for (const problem of opened.problems) onProblem(problem);
      return null;
    }
    const { fleet } = opened;
    const scan = await fleet.scan(onProblem, signal, options);
    if (this.#isCurrent) await this.#show(scan);
    return { fleet, scan };
  }

  /** From now on this configuration's fleet is the one that is shown, its budgets the ones that hold. */
  async takeOver(scan: Scan): Promise<void> {
    this.#isCurrent = true;
    this.#options.lasting?.pacer.setTargets(this.config.targets);
    await this.#show(scan);
  }

  /** Another configuration has taken over; runs that are under way finish with this one. */
  stepBack(): void {
    this.#isCurrent = false;
  }

  /** What runs of an earlier configuration have shown meanwhile goes. */
  async showAgain(): Promise<void> {
    if (this.#shown !== null) await this.#show(this.#shown);
  }

  #show(scan: Scan): Promise<void> {
    this.#shown = scan;
    const { groups, invalid } = scan;
    const { targets, suites } = this.config;
    return this.metrics.setFleet({ groups, invalid, targets, suites: suites.map(namesOf) });
  }

  /** Finds one device by reading the sources up to it; throws the signal's reason when aborted. */
  async findDevice(id: string, signal: AbortSignal): Promise<FoundProfile> {
    const opened = await this.#openFleet();
    if (opened.kind === "invalid") return { kind: "missing", problems: opened.problems };
    await using fleet = opened.fleet;
    return await fleet.find(id, signal);
  }

  /** A run that has not started. */
  createRun({ runId, selection, fleet, memory = NO_MEMORY, onResult }: RunRequest): Run {
    const suite = this.#suite(selection.suite);
    return new Run(
      {
        examine: (check, signal) => this.examine(check, signal),
        onFault: (check) => this.#fault(check),
        judge,
        decide,
        lostRule,
        secondWave: (decoys) => this.#secondWave(suite, decoys),
        preflight: (names, signal) => this.#lookAt(names, signal),
        bind: this.#bindings.bind,
        pause: this.#pause,
        concurrency: new Map(this.config.targets.map(({ name, concurrency }) => [name, concurrency])),
        location: LOCATION,
        log: this.#options.log,
      },
      {
        runId,
        suite,
        selection,
        prepare: async (signal) => {
          const { fleet: sources, scan } = await fleet(signal);
          const profiles = () => sources.profiles(signal);
          const plan = await preparePlan({ ...scan, profiles }, suite, selection);
          const sampled = planChecks(profiles(), suite, selection);
          return refuseIfUsed(plan, await lookForOthers(sampled, this.#sample, signal));
        },
        memory,
        onResult: (result) => {
          this.metrics.record(result);
          this.metrics.runProgress(suite.name);
          onResult?.(result);
        },
      },
    );
  }

  /** One device over each of its protocols as a run would test it; nothing of it counts in the metrics of checks. */
  probe(profile: Profile, signal: AbortSignal): AsyncGenerator<Probed> {
    const ports: ProbePorts = {
      examine: (check, abort) => this.examine(check, abort),
      onFault: (check) => this.#fault(check),
      untested: (check, cause, reason) => untested(check, asIs(this.#target(check)), cause, reason),
      judge,
      secondWave: this.#secondWave({ derived: null }, []),
      sample: this.#sample,
      location: LOCATION,
      log: this.#options.log,
    };
    return probeChecks(checksOf(profile, 0), ports, signal);
  }

  #secondWave({ derived }: Pick<Suite, "derived">, decoys: readonly Decoy[]): SecondWave {
    const ledger = this.#derivedLedger;
    return {
      perCohort: derived?.perCohort ?? 0,
      mayDerive,
      mayDeriveFrom,
      derive: async (passed, signal) => {
        if (derived === null) return [];
        const decoy = chooseDecoy(passed.facts, decoys, ledger);
        return derive(passed, derived, decoy, this.#ports, signal);
      },
      ledger,
      variationsOf,
      attempt: (examined, variation, signal) => attempt(examined, variation, this.#ports, signal),
      random: Math.random,
    };
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

  /** null: the sources cannot be opened. */
  async #fleetChecksum(signal: AbortSignal): Promise<string | null> {
    const opened = await this.#openFleet();
    if (opened.kind === "invalid") return null;
    await using fleet = opened.fleet;
    return await fleet.checksum(this.#knownFiles, signal);
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
    return lookAtTargets(targets, { resolveEndpoint: this.#resolveEndpoint, preflight, handshake }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#releases.disposeAsync();
  }

  #openFleet(): ReturnType<typeof openFleet> {
    const { env, stdin, tempFolder } = this.#options;
    return openFleet(this.config.profiles, { targets: [...this.#targets.keys()], env, stdin, tempFolder });
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

function namesOf({ name, cohorts, expected, cohortGates }: Suite): SuiteNames {
  return { name, cohorts: [...(cohorts ?? []), ...Object.keys({ ...expected, ...cohortGates })] };
}

/** Where no endpoint is known nothing is dialled, and nothing needs one. */
function asIs(target: Target): Target & { readonly endpoint: string } {
  return { ...target, endpoint: target.endpoint ?? "" };
}

function observed(
  credentials: CredentialsFn,
  metrics: Pick<Metrics, "credentialFailure" | "credentialExpiry">,
): CredentialsFn {
  return async (profile, signal) => {
    const answer = await credentials(profile, signal);
    const { cohort } = profile;
    if (answer.kind === "unavailable") metrics.credentialFailure({ cohort });
    else if (answer.expiresAtMs !== null) {
      metrics.credentialExpiry({ cohort, expiresAtMs: answer.expiresAtMs });
    }
    return answer;
  };
}

/** The least used of those that another device can pose as, by chance where several are. */
function chooseDecoy(
  { check, target }: Examined["facts"],
  decoys: readonly Decoy[],
  ledger: DerivedLedger,
): Decoy | null {
  const { id, clientId } = check.profile;
  const draw = new Draw<Decoy>(1, Math.random);
  for (const decoy of decoys) {
    const isOther = decoy.id !== id && (clientId === null || decoy.clientId !== clientId);
    if (decoy.target !== target.name || !isOther) continue;
    draw.offer(decoy, ledger.used(clientIdentity(decoy, target)));
  }
  return draw.drawn()[0] ?? null;
}
