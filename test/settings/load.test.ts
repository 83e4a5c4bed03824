import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { realm } from "../../src/lib/words.ts";
import { DERIVED_KINDS } from "../../src/model/check.ts";
import type { Config } from "../../src/model/config.ts";
import { loadConfig } from "../../src/settings/load.ts";
import { CERTIFICATE_PEM, configText, folderWith, type Parts } from "./folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");

async function load(file: string, env: Record<string, string> = {}): Promise<Config> {
  const loaded = await loadConfig(file, env);
  if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded.config;
}

async function loadParts(parts: Parts, env: Record<string, string> = {}, files: Record<string, string> = {}) {
  const folder = await folderWith({ "c.yaml": configText(parts), ...files });
  return { folder, config: await load(join(folder, "c.yaml"), env) };
}

test("the smallest configuration gets every default of the design", async () => {
  const { folder, config } = await loadParts({});
  expect(config).toEqual({
    file: join(folder, "c.yaml"),
    targets: [
      {
        name: "eu",
        partition: "aws",
        region: "eu-west-1",
        accountId: "012345678901",
        endpoint: null,
        address: null,
        addressFamily: "any",
        port: 443,
        ca: null,
        controlPlaneEndpoint: null,
        queryStringMark: true,
        sourceIp: null,
        budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 1 },
        serviceQuotas: false,
        concurrency: 50,
        timeouts: { invokeMs: 10_000, probeMs: 10_000 },
      },
    ],
    profiles: [{ path: "fleet.ndjson", baseFolder: folder, identity: null, clientIdSuffix: "", exec: null }],
    suites: [
      {
        name: "all",
        cohorts: null,
        expected: null,
        authorizer: "every",
        derived: { perCohort: 1, decoys: [], kinds: DERIVED_KINDS },
        locations: [],
        deadlineMs: 7_200_000,
        failFast: false,
        gate: {
          minChecks: 1,
          minPassRatio: 1,
          maxUnexpectedAccepts: 0,
          maxInconclusiveRatio: 0,
          minCoverage: 1,
          maxFailures: null,
          maxConnectP95Ms: null,
          maxAuthorizerP95Ms: null,
          maxNewFailures: null,
          requirePolicyUnchanged: false,
          maxAgeMs: 900_000,
        },
        cohortGates: {},
      },
    ],
    schedule: [],
    http: { host: "127.0.0.1", port: 9464, tls: null, allowedHosts: [], tokens: [] },
    store: null,
    notify: [],
    queue: { kind: "local", workers: 1 },
  } satisfies Config);
});

test("the example configuration loads and uses nothing that is not available", async () => {
  const config = await load(join(ROOT, "config/fleet-smoke.example.yaml"));
  expect(config.suites.map((suite) => suite.name)).toEqual(["pre-rollout"]);
  expect(config.suites[0]?.cohortGates).toEqual({ valves: { minPassRatio: 0.99 } });
});

test("the file with everything in it, as documented, loads", async () => {
  const documentation = await readFile(join(ROOT, "docs/configuration.md"), "utf8");
  const [, text] = /```yaml\n(targets:[\s\S]*?)```/.exec(documentation) ?? [];
  const folder = await folderWith({
    "c.yaml": text ?? "",
    "ca.pem": CERTIFICATE_PEM,
    "c.pem": "",
    "k.pem": "",
    "ci.token": "t",
    "hook.key": "k",
  });
  const config = await load(join(folder, "c.yaml"));
  expect(config.targets[0]).toMatchObject({
    endpoint: "a1-ats.iot.eu-west-1.amazonaws.com",
    address: "127.0.0.1",
    ca: CERTIFICATE_PEM,
    controlPlaneEndpoint: "http://127.0.0.1:8080",
  });
  expect(config.profiles[0]).toMatchObject({
    identity: "dedicated",
    exec: ["cmd", "arg"],
    baseFolder: folder,
  });
  expect(config.suites[0]).toMatchObject({
    cohorts: ["pumps", "valves"],
    expected: { pumps: 1200, valves: 300 },
    derived: { perCohort: 2, decoys: ["decoy-1", "decoy-2"], kinds: DERIVED_KINDS },
  });
  expect(config.schedule).toEqual([{ suite: "pre-rollout", cron: "*/15 * * * *", timezone: "UTC" }]);
  expect(config.http).toEqual({
    host: "127.0.0.1",
    port: 9464,
    tls: { certFile: join(folder, "c.pem"), keyFile: join(folder, "k.pem") },
    allowedHosts: [],
    tokens: [{ name: "ci", tokenFile: join(folder, "ci.token"), scopes: ["trigger", "read"] }],
  });
  expect(config.notify).toEqual([
    {
      url: "https://hooks.example.com/fleet",
      secretFile: join(folder, "hook.key"),
      on: ["no-go", "inconclusive"],
    },
  ]);
});

test.each([
  ["eu-west-1", "aws"],
  ["cn-north-1", "aws-cn"],
  ["us-gov-west-1", "aws-us-gov"],
  ["us-west-2", "aws"],
])("Region %s lies in partition %s", async (region, partition) => {
  const folder = await folderWith({ "c.yaml": configText().replace("eu-west-1", region) });
  expect((await load(join(folder, "c.yaml"))).targets[0]?.partition).toBe(partition);
});

test("references are resolved in every text, and read as number or flag only where one is expected", async () => {
  const { config } = await loadParts(
    {
      target: `port: "\${env:PORT}"
    caFile: "\${env:CA}.pem"
    addressFamily: "\${env:FAMILY}"
    concurrency: "\${file:concurrency}"
    timeouts: { probe: "\${env:PROBE}" }`,
      profile: `clientIdSuffix: "\${env:SUFFIX}"`,
      rest: `suites: [{ name: a, failFast: "\${env:FAST}", gate: { minPassRatio: "\${env:RATIO}" }, cohorts: ["\${env:COHORT}"] }]
queue: { kind: local, workers: "\${env:WORKERS}" }`,
    },
    {
      PORT: "8443",
      CA: "roots",
      FAMILY: "4",
      PROBE: "3s",
      SUFFIX: "42",
      FAST: "true",
      RATIO: "0.5",
      COHORT: "7",
      WORKERS: "2",
    },
    { "roots.pem": CERTIFICATE_PEM, concurrency: "9\n" },
  );
  expect(config.targets[0]).toMatchObject({
    port: 8443,
    ca: CERTIFICATE_PEM,
    addressFamily: 4,
    concurrency: 9,
  });
  expect(config.targets[0]?.timeouts.probeMs).toBe(3_000);
  expect(config.profiles[0]?.clientIdSuffix).toBe("42");
  expect(config.suites[0]).toMatchObject({ failFast: true, gate: { minPassRatio: 0.5 }, cohorts: ["7"] });
  expect(config.queue).toEqual({ kind: "local", workers: 2 });
});

test("an account id from the environment keeps its leading zeros", async () => {
  const folder = await folderWith({ "c.yaml": configText().replace("012345678901", `\${env:ACCOUNT}`) });
  const config = await load(join(folder, "c.yaml"), { ACCOUNT: "000000000001" });
  expect(config.targets[0]?.accountId).toBe("000000000001");
});

test("an escaped reference and other braces stay as text", async () => {
  const { config } = await loadParts({
    profile: `credentials: { exec: [get, "$\${env:HOME}", "\${other}", "{id}"] }`,
  });
  expect(config.profiles[0]?.exec).toEqual(["get", `\${env:HOME}`, `\${other}`, "{id}"]);
});

test("relative paths start from the folder of the file, absolute ones stay", async () => {
  const token = join(await folderWith({ t: "x" }), "t");
  const { folder, config } = await loadParts(
    {
      rest: `http: { tokens: [{ name: a, tokenFile: sub/../t, scopes: [read] }, { name: b, tokenFile: ${token}, scopes: [admin] }] }`,
    },
    {},
    { t: "x", "sub/x": "" },
  );
  expect(config.http.tokens.map((each) => each.tokenFile)).toEqual([join(folder, "t"), token]);
  expect(config.profiles[0]).toMatchObject({ path: "fleet.ndjson", baseFolder: folder });
});

test("a byte order mark, CRLF, anchors and aliases are read", async () => {
  const text = `\uFEFF${configText({ rest: "suites:\n  - { name: a, gate: &g { minChecks: 5 } }\n  - { name: b, gate: *g }" })}`;
  const folder = await folderWith({ "c.yaml": text.replaceAll("\n", "\r\n") });
  const config = await load(join(folder, "c.yaml"));
  expect(config.suites.map((suite) => suite.gate.minChecks)).toEqual([5, 5]);
});

test("the rules of a cohort hold only what is written", async () => {
  const { config } = await loadParts({
    rest: "suites: [{ name: a, cohortGates: { v: { maxAge: 1h }, w: {} } }]",
  });
  expect(config.suites[0]?.cohortGates).toStrictEqual({ v: { maxAgeMs: 3_600_000 }, w: {} });
});

test("rules that have no default are read where they are written, for the suite and for a cohort", async () => {
  const { config } = await loadParts({
    rest: `suites:
  - name: a
    gate: { maxFailures: 0, maxConnectP95: 1s, maxAuthorizerP95: 250ms, maxNewFailures: 3, requirePolicyUnchanged: true }
    cohortGates: { v: { maxNewFailures: 1, maxAuthorizerP95: 2s, requirePolicyUnchanged: false } }`,
  });
  expect(config.suites[0]?.gate).toMatchObject({
    maxFailures: 0,
    maxConnectP95Ms: 1000,
    maxAuthorizerP95Ms: 250,
    maxNewFailures: 3,
    requirePolicyUnchanged: true,
  });
  expect(config.suites[0]?.cohortGates).toStrictEqual({
    v: { maxNewFailures: 1, maxAuthorizerP95Ms: 2000, requirePolicyUnchanged: false },
  });
});

test("a queue on Redis is read with who signed its server, and its password stays a secret", async () => {
  const { config } = await loadParts(
    {
      rest: `suites: [{ name: a, locations: [berlin] }]
queue: { kind: bullmq, redis: "rediss://:hunter2@cache:6379", caFile: ca.pem }`,
    },
    {},
    { "ca.pem": CERTIFICATE_PEM },
  );
  expect(config.queue).toMatchObject({ kind: "bullmq", prefix: "fleet-smoke", ca: CERTIFICATE_PEM });
  expect(JSON.stringify(config)).not.toContain("hunter2");
});

test.each([
  [{}, null, "aws"],
  [
    { AWS_ENDPOINT_URL_IOT: "http://127.0.0.1:1", AWS_ENDPOINT_URL: "http://127.0.0.1:2" },
    "http://127.0.0.1:1",
    "custom",
  ],
  [{ AWS_ENDPOINT_URL: "http://127.0.0.1:2" }, "http://127.0.0.1:2", "custom"],
  [{ AWS_ENDPOINT_URL: "" }, null, "aws"],
  [{ AWS_ENDPOINT_URL: "http://127.0.0.1:2", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }, null, "aws"],
])("a target with %o in the environment asks %s: realm %s", async (env, endpoint, expected) => {
  const { config } = await loadParts({}, env);
  const [target] = config.targets;
  expect(target?.controlPlaneEndpoint).toBe(endpoint);
  expect(target && realm(target)).toBe(expected);
});

test("what a target states goes before the environment, and what stands there is not looked at", async () => {
  const stated = { target: "controlPlaneEndpoint: http://127.0.0.1:3" };
  const { config } = await loadParts(stated, { AWS_ENDPOINT_URL: "not a URL" });
  expect(config.targets[0]?.controlPlaneEndpoint).toBe("http://127.0.0.1:3");
});

test("an endpoint in the environment that is no URL is a problem, and is not quoted", async () => {
  const folder = await folderWith({ "c.yaml": configText() });
  const loaded = await loadConfig(join(folder, "c.yaml"), { AWS_ENDPOINT_URL_IOT: "https://user:pass@host" });
  expect(loaded).toMatchObject({
    kind: "invalid",
    problems: [
      {
        line: 2,
        field: "targets[0].controlPlaneEndpoint",
        message:
          "left out, and the variable AWS_ENDPOINT_URL_IOT in its place is not a URL such as http://127.0.0.1:8080",
      },
    ],
  });
});

test.each(["203.0.113.7", "2001:db8::7"])("the address the gateway sees may be %s", async (address) => {
  const { config } = await loadParts({ target: `sourceIp: "${address}"` });
  expect(config.targets[0]?.sourceIp).toBe(address);
});
