import { resolve } from "node:path";
import { DERIVED_KINDS } from "../model/check.ts";
import {
  type Config,
  type HttpConfig,
  type ProfileSource,
  type QueueConfig,
  type ScheduleEntry,
  type StoreConfig,
  type Suite,
  THIS_PROCESS,
} from "../model/config.ts";
import type { GateRules } from "../model/gate.ts";
import { Secret } from "../model/secret.ts";
import type { Target } from "../model/target.ts";
import { IMPLICIT_SUITE } from "./cross-checks.ts";
import { partitionOf } from "./leaves.ts";
import { parseListen } from "./listen.ts";
import {
  type CohortGateSection,
  type ConfigSection,
  type GateSection,
  type ProfileSourceSection,
  type SuiteSection,
  suiteSchema,
  type TargetSection,
} from "./schema.ts";

export interface Surroundings {
  /** As the user named it. */
  readonly file: string;
  /** Absolute; relative paths start here. */
  readonly baseFolder: string;
  /** PEM by index of the target. */
  readonly caByTarget: ReadonlyMap<number, string>;
  /** PEM. */
  readonly queueCa: string | null;
  /** The environment's, for targets that state none. */
  readonly controlPlaneEndpoint: string | null;
}

/** Turns a valid configuration file into what the rest of the program works with. */
export function buildConfig(section: ConfigSection, surroundings: Surroundings): Config {
  const { file, baseFolder, caByTarget, controlPlaneEndpoint } = surroundings;
  const suites = section.suites ?? [suiteSchema.parse({ name: IMPLICIT_SUITE })];
  return {
    file,
    targets: section.targets.map((each, index) =>
      buildTarget(each, caByTarget.get(index) ?? null, controlPlaneEndpoint),
    ),
    profiles: section.profiles.map((each) => buildProfileSource(each, baseFolder)),
    suites: suites.map(buildSuite),
    schedule: section.schedule satisfies readonly ScheduleEntry[],
    http: buildHttp(section.http, baseFolder),
    store: section.store ? buildStore(section.store, baseFolder) : null,
    notify: section.notify.map((hook) => ({ ...hook, secretFile: resolve(baseFolder, hook.secretFile) })),
    queue: buildQueue(section.queue, surroundings.queueCa),
  };
}

function buildTarget(section: TargetSection, ca: string | null, controlPlaneEndpoint: string | null): Target {
  const { name, region, accountId, addressFamily, port, budgets, concurrency } = section;
  const partition = partitionOf(region);
  if (partition === null) throw new Error(`Region ${region} passed the schema without a partition`);
  return {
    name,
    partition,
    region,
    accountId,
    endpoint: section.endpoint ?? null,
    address: section.address ?? null,
    addressFamily,
    port,
    ca,
    controlPlaneEndpoint: section.controlPlaneEndpoint ?? controlPlaneEndpoint,
    queryStringMark: section.queryStringMark,
    sourceIp: section.sourceIp ?? null,
    budgets,
    serviceQuotas: section.serviceQuotas,
    concurrency,
    timeouts: { invokeMs: section.timeouts.invoke, probeMs: section.timeouts.probe },
  };
}

function buildProfileSource(section: ProfileSourceSection, baseFolder: string): ProfileSource {
  return {
    path: section.path,
    baseFolder,
    identity: section.identity ?? null,
    clientIdSuffix: section.clientIdSuffix,
    exec: section.credentials?.exec ?? null,
  };
}

function buildSuite(section: SuiteSection): Suite {
  const { name, authorizer, locations, failFast } = section;
  const cohortGates = Object.entries(section.cohortGates).map(([cohort, gate]) => [
    cohort,
    buildCohortGate(gate),
  ]);
  return {
    name,
    cohorts: section.cohorts ?? null,
    expected: section.expected ?? null,
    authorizer,
    derived: buildDerived(section.derived),
    locations,
    deadlineMs: section.deadline,
    failFast,
    gate: buildGate(section.gate),
    cohortGates: Object.fromEntries(cohortGates),
  };
}

function buildDerived({ perCohort, decoys, kinds }: SuiteSection["derived"]): Suite["derived"] {
  return perCohort === 0 ? null : { perCohort, decoys, kinds: kinds ?? DERIVED_KINDS };
}

function buildGate(section: GateSection): GateRules {
  const { maxAge, maxConnectP95, maxAuthorizerP95, maxFailures, maxNewFailures, ...rules } = section;
  return {
    ...rules,
    maxFailures: maxFailures ?? null,
    maxConnectP95Ms: maxConnectP95 ?? null,
    maxAuthorizerP95Ms: maxAuthorizerP95 ?? null,
    maxNewFailures: maxNewFailures ?? null,
    maxAgeMs: maxAge,
  };
}

/** Only the rules that are written: one that is left out must not hide the suite's. */
function buildCohortGate(section: CohortGateSection): Partial<GateRules> {
  const { maxAge, maxConnectP95, maxAuthorizerP95, ...rules } = section;
  const all = {
    ...rules,
    maxConnectP95Ms: maxConnectP95,
    maxAuthorizerP95Ms: maxAuthorizerP95,
    maxAgeMs: maxAge,
  };
  return Object.fromEntries(Object.entries(all).filter(([, threshold]) => threshold !== undefined));
}

function buildStore(
  { path, keepRuns, keepDays, maxSizeMb }: NonNullable<ConfigSection["store"]>,
  baseFolder: string,
): StoreConfig {
  return {
    path: resolve(baseFolder, path),
    retention: { keepRuns, keepDays, maxBytes: maxSizeMb * 1_000_000 },
  };
}

function buildQueue(section: ConfigSection["queue"], ca: string | null): QueueConfig {
  if (section === undefined) return THIS_PROCESS;
  if (section.kind === "local") return { kind: "local", workers: section.workers };
  return { kind: "bullmq", redis: new Secret(section.redis), ca, prefix: section.prefix };
}

function buildHttp(section: ConfigSection["http"], baseFolder: string): HttpConfig {
  const address = parseListen(section.listen);
  if (address === null) throw new Error("http.listen passed the schema and cannot be parsed");
  const { tls } = section;
  return {
    ...address,
    tls: tls
      ? { certFile: resolve(baseFolder, tls.certFile), keyFile: resolve(baseFolder, tls.keyFile) }
      : null,
    allowedHosts: section.allowedHosts,
    tokens: section.tokens.map(({ name, tokenFile, scopes }) => {
      return { name, tokenFile: resolve(baseFolder, tokenFile), scopes };
    }),
  };
}
