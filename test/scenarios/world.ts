import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "../../src/app.ts";
import { parseEmulatorConfig } from "../../src/emulator/config.ts";
import { type Emulator, startEmulator } from "../../src/emulator/emulator.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Result } from "../../src/model/result.ts";
import { loadConfig } from "../../src/settings/load.ts";
import type { KeyPair, Pki } from "../support/gateway-pki.ts";
import { startPeer } from "./peers.ts";
import {
  ACCOUNT,
  ALLOW_ALL,
  admitted,
  BUILT_IN,
  type Domain,
  FLEET_KEY,
  REGION,
  ROGUE_KEY,
  type Scenario,
} from "./scenario.ts";

/** As good as no limit. */
const LIFTED = 100_000;
const CERTIFICATES = "certificates";
const MAX_DOMAINS = 10;
const CALLER = { accessKeyId: "test", secretAccessKey: "test" };

/** Scenarios that can share one emulator: its switches, faults and callers hold for all of them. */
export function byEmulator(scenarios: readonly Scenario[]): Scenario[][] {
  const groups = Map.groupBy(scenarios, ({ emulator = {} }) => JSON.stringify(withoutEmpty(emulator)));
  return [...groups.values()].flatMap(splitByDomains);
}

/** AWS grants an account ten domain configurations, and so does the emulator. */
function splitByDomains(scenarios: readonly Scenario[]): Scenario[][] {
  const parts: Scenario[][] = [[]];
  for (const scenario of scenarios) {
    const last = parts.at(-1) ?? [];
    if (domainsOf([...last, scenario]).length <= MAX_DOMAINS) last.push(scenario);
    else parts.push([scenario]);
  }
  return parts;
}

function withoutEmpty(settings: object): object {
  return Object.fromEntries(
    Object.entries(settings).filter(
      ([, value]) => typeof value !== "object" || Object.keys(value).length > 0,
    ),
  );
}

/**
 * Starts an emulator, tests all the scenarios' devices in one run against it, and ends everything.
 * @returns each scenario's result, by the scenario's name
 */
export async function enact(scenarios: readonly Scenario[], pki: Pki): Promise<Map<string, Result>> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-scenarios-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "client.pem"), pki.client.cert);
  await writeFile(join(folder, "client.key"), pki.client.key, { mode: 0o600 });
  const emulator = await emulatorOf(scenarios, folder, pki);
  parts.defer(() => emulator.stop());

  const names = new Map(scenarios.map(({ name }, index) => [`s${index}`, name]));
  const targets: object[] = domainsOf(scenarios).map((domain) => targetOf(domain, emulator, scenarios));
  const profiles: object[] = scenarios.map((scenario, index) => profileOf(scenario, `s${index}`));
  profiles.push(...regulars(scenarios));
  for (const kind of new Set(scenarios.flatMap(({ peer }) => peer ?? []))) {
    const peer = parts.use(await startPeer(kind, await serverKeys(folder)));
    const { endpoint, caFile } = targetOf(BUILT_IN, emulator, scenarios);
    const at = { endpoint, caFile, address: "127.0.0.1", port: peer.port };
    targets.push({ ...COMMON_TARGET, name: kind, controlPlaneEndpoint: emulator.api, ...at });
    if (kind === "no-client-certificate") profiles.push({ ...regularOver("mqtt", kind), target: kind });
  }
  const results = await runOf({ folder, targets, profiles });
  return new Map(
    [...names].flatMap(([id, name]) => (results.has(id) ? [[name, results.get(id) as Result]] : [])),
  );
}

const COMMON_TARGET = {
  region: REGION,
  accountId: ACCOUNT,
  budgets: { invokesPerSecond: LIFTED, connectsPerSecond: LIFTED, burst: 10_000 },
};

/** The emulated gateway's own: what stands in its place has to be trusted like it. */
async function serverKeys(folder: string): Promise<KeyPair> {
  const [cert, key] = await Promise.all(
    ["server.pem", "server.key"].map((name) => readFile(join(folder, CERTIFICATES, name), "utf8")),
  );
  return { cert: cert ?? "", key: key ?? "" };
}

async function emulatorOf(scenarios: readonly Scenario[], folder: string, pki: Pki): Promise<Emulator> {
  const pem = (key: typeof FLEET_KEY) => createPublicKey(key).export({ type: "spki", format: "pem" });
  await writeFile(join(folder, "fleet.pub.pem"), pem(FLEET_KEY));
  await writeFile(join(folder, "rogue.pub.pem"), pem(ROGUE_KEY));
  const config = {
    region: REGION,
    accountId: ACCOUNT,
    credentials: [CALLER],
    certificates: { folder: CERTIFICATES },
    quotas: {
      invokesPerSecond: LIFTED,
      callsPerSecond: LIFTED,
      burst: LIFTED,
      connectionQueriesPerSecond: LIFTED,
    },
    clientCertificates: [{ file: "client.pem", policyDocuments: [ALLOW_ALL] }],
    faults: scenarios.flatMap(({ fault }) => fault ?? []),
    ...scenarios[0]?.emulator,
    authorizers: [
      {
        name: "passwords",
        signingDisabled: true,
        handler: { table: [{ when: { username: "login", password: "right" }, answer: admitted() }] },
      },
      {
        name: "signed",
        tokenKeyName: "x-token",
        publicKeyFiles: { fleet: "fleet.pub.pem" },
        handler: { table: [{ when: { token: "/^good/" }, answer: admitted() }] },
      },
      { name: "open", signingDisabled: true, handler: { table: [{ answer: admitted() }] } },
      ...new Map(
        scenarios.flatMap(({ authorizer }) => (authorizer ? [[authorizer.name, authorizer]] : [])),
      ).values(),
    ],
    domains: domainsOf(scenarios).map(({ regular: _, ...domain }) => domain),
  };
  const certificateId = createHash("sha256").update(new X509Certificate(pki.client.cert).raw).digest("hex");
  const loaded = parseEmulatorConfig(
    JSON.parse(JSON.stringify(config).replaceAll("{certificateId}", certificateId)),
    folder,
  );
  if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
  return startEmulator(loaded.config);
}

function domainsOf(scenarios: readonly Scenario[]): Domain[] {
  const all = [BUILT_IN, ...scenarios.flatMap(({ domain }) => domain ?? [])];
  return [...new Map(all.map((domain) => [domain.name, domain])).values()];
}

/** A target's settings are those of any scenario at its domain that has some. */
function targetOf(
  { name, serverName }: Domain,
  { api, gateway, caFile }: Emulator,
  scenarios: readonly Scenario[],
): Readonly<Record<string, unknown>> {
  const at = gateway.lastIndexOf(":");
  const [changes] = scenarios.flatMap(({ domain = BUILT_IN, peer, target }) =>
    domain.name === name && peer === undefined ? (target ?? []) : [],
  );
  return {
    ...COMMON_TARGET,
    name: targetName(name),
    endpoint: serverName,
    address: gateway.slice(0, at),
    port: Number(gateway.slice(at + 1)),
    caFile,
    controlPlaneEndpoint: api,
    ...(changes as object | undefined),
  };
}

function targetName(domain: string): string {
  return domain.replaceAll(/[^\w-]/g, "-");
}

const DEVICE = {
  protocol: "mqtt",
  mqttVersion: 5,
  identity: "dedicated",
  username: "login",
  password: "right",
};

function profileOf({ profile = {}, domain = BUILT_IN, peer, authorizer }: Scenario, id: string): object {
  const named = { authorizer: authorizer?.name ?? "passwords" };
  return definedOf({
    id,
    clientId: id,
    // Second attempts are rationed by cohort.
    cohort: id,
    ...DEVICE,
    ...named,
    target: peer ?? targetName(domain.name),
    ...profile,
  });
}

/** A field set to `undefined` is left out. */
function definedOf(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** One device that gets in for each target and protocol, where one can. */
function regulars(scenarios: readonly Scenario[]): object[] {
  const places = new Map<string, object>();
  for (const { domain = BUILT_IN, peer, profile = {} } of scenarios) {
    if (peer !== undefined || domain.regular === null) continue;
    const { protocol = "mqtt" } = profile;
    const id = `regular-${targetName(domain.name)}-${String(protocol)}`;
    places.set(id, {
      ...regularOver(String(protocol), id),
      target: targetName(domain.name),
      ...(domain.regular as object),
    });
  }
  return [...places].map(([, profile]) => definedOf(profile as Record<string, unknown>));
}

function regularOver(protocol: string, id: string): Readonly<Record<string, unknown>> {
  const common = { id, protocol, identity: "dedicated" };
  if (protocol === "https") return { ...common, topic: "smoke/x", authorizer: "open" };
  return { ...DEVICE, ...common, clientId: id, authorizer: "passwords" };
}

async function runOf({
  folder,
  targets,
  profiles,
}: {
  folder: string;
  targets: readonly object[];
  profiles: readonly object[];
}): Promise<Map<string, Result>> {
  await writeFile(join(folder, "fleet.ndjson"), profiles.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const configFile = join(folder, "fleet-smoke.yaml");
  await writeFile(
    configFile,
    JSON.stringify({
      targets,
      profiles: [{ path: "fleet.ndjson" }],
      suites: [{ name: "all", derived: { perCohort: 0 } }],
    }),
  );
  const loaded = await loadConfig(configFile, {});
  if (loaded.kind !== "loaded") throw new Error(JSON.stringify(loaded.problems));
  await using app = new App({
    config: loaded.config,
    env: {},
    stdin: null,
    tempFolder: folder,
    version: "test",
    log: createLog("silent"),
    awsCredentials: CALLER,
  });
  const problems: object[] = [];
  const scanned = await app.scan((problem) => problems.push(problem), AbortSignal.timeout(50_000));
  if (scanned === null || problems.length > 0) throw new Error(JSON.stringify(problems));
  await using _fleet = scanned.fleet;
  const results = new Map<string, Result>();
  const run = app.createRun({
    runId: "scenarios",
    selection: { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 },
    fleet: async () => scanned,
    onResult: (result) => {
      if (result.check.derived === null) results.set(result.check.profile.id, result);
    },
  });
  const { notes } = await run.execute();
  if (results.size < profiles.length) throw new Error(notes.join("; "));
  return results;
}
