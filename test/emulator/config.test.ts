import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadEmulatorConfig, parseEmulatorConfig } from "../../src/emulator/config.ts";
import { startEmulator } from "../../src/emulator/emulator.ts";

const EXAMPLE = new URL("../../config/emulator.example.yaml", import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-emulator-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The problems of a file, as `line field: message`. */
async function problemsOf(yaml: string): Promise<string[]> {
  const file = join(folder, "emulator.yaml");
  writeFileSync(file, yaml);
  const loaded = await loadEmulatorConfig(file);
  if (loaded.kind === "loaded") return [];
  return loaded.problems.map(({ line, field, message }) => `${line} ${field}: ${message}`);
}

const DOMAINS = "domains: [{ name: 'iot:Data-ATS', serverName: a.example }]\n";

test("a domain is all that is needed", async () => {
  expect(await problemsOf(DOMAINS)).toEqual([]);
});

test.each([
  ["an unknown key", `${DOMAINS}quotes: 1`, "2 quotes: unknown key"],
  ["an unknown key deeper", `${DOMAINS}quotas:\n  invokes: 1`, "3 quotas.invokes: unknown key"],
  ["an unknown switch", `${DOMAINS}behaviours: { noSNI: close }`, "2 behaviours.noSNI: unknown key"],
  ["no domains", "region: eu-west-1", /^1 domains: /],
  [
    "a default authorizer that is not there",
    `${DOMAINS}defaultAuthorizer: x`,
    "2 defaultAuthorizer: there is no such authorizer",
  ],
  [
    "the same authorizer twice",
    `${DOMAINS}authorizers:\n  - { name: a, signingDisabled: true, handler: { table: [] } }\n  - { name: a, signingDisabled: true, handler: { table: [] } }`,
    "4 authorizers[1].name: the name stands here twice",
  ],
  [
    "an authorizer with neither keys nor signingDisabled",
    `${DOMAINS}authorizers: [{ name: a, handler: { table: [] } }]`,
    "2 authorizers[0]: expected either `publicKeyFiles` or `signingDisabled: true`",
  ],
  [
    "a malformed regular expression",
    `${DOMAINS}faults: [{ match: { clientId: "/(/" }, kind: close }]`,
    "2 faults[0].match.clientId: expected text or a /regular expression/",
  ],
  [
    "a condition that does not exist",
    `${DOMAINS}authorizers: [{ name: a, signingDisabled: true, handler: { table: [{ when: { user: x }, answer: {} }] } }]`,
    /^2 authorizers\[0\]\.handler\.table\[0\]\.when: expected only username, /,
  ],
  [
    "a connack fault without a code",
    `${DOMAINS}faults: [{ kind: connack }]`,
    "2 faults[0]: a connack fault needs a `code` from 1 to 255",
  ],
  [
    "types that do not go together",
    "domains: [{ name: a, serverName: a.example, authenticationType: AWS_SIGV4, applicationProtocol: SECURE_MQTT }]",
    "1 domains[0].applicationProtocol: AWS_SIGV4 goes with MQTT_WSS, HTTPS, not with SECURE_MQTT",
  ],
  [
    "an address without a port",
    `${DOMAINS}listen: { api: localhost }`,
    /^2 listen\.api: expected "host:port"/,
  ],
  [
    "a permission for an operation that there is not",
    `${DOMAINS}credentials: [{ accessKeyId: a, secretAccessKey: b, deny: ["iot:GetConnection", TestInvokeAuthoriser] }]`,
    /^2 credentials\[0\]\.deny\[1\]: expected one of TestInvokeAuthorizer, /,
  ],
  [
    "a fault for an operation that there is not",
    `${DOMAINS}faults: [{ match: { operation: "/^Make/" }, kind: api-close }]`,
    /^2 faults\[0\]\.match\.operation: fits none of TestInvokeAuthorizer, /,
  ],
  [
    "a fault for a protocol that there is not",
    `${DOMAINS}faults: [{ match: { protocol: ws }, kind: close }]`,
    "2 faults[0].match.protocol: fits none of mqtt, wss, https",
  ],
  [
    "an account id that is a number",
    `${DOMAINS}accountId: 123456789012`,
    "2 accountId: expected twelve digits in quotes",
  ],
  ["a port alone", `${DOMAINS}listen: { api: 8080 }`, /^2 listen\.api: expected "host:port"/],
  ["YAML that is none", "a: [", /^1 null: /],
])("%s is reported with line and field", async (_what, yaml, expected) => {
  const problems = await problemsOf(yaml);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
});

test("a missing file is a problem, not an error", async () => {
  expect(await loadEmulatorConfig(join(folder, "none.yaml"))).toMatchObject({
    kind: "invalid",
    problems: [{ message: "does not exist" }],
  });
});

describe("the example", () => {
  test("loads and starts", async () => {
    const loaded = await loadEmulatorConfig(EXAMPLE);
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    const { listen } = loaded.config;
    const emulator = await startEmulator({
      ...loaded.config,
      listen: { ...listen, api: "127.0.0.1:0", gateway: "127.0.0.1:0" },
      certificates: { folder },
    });
    expect(readFileSync(emulator.caFile, "utf8")).toContain("BEGIN CERTIFICATE");
    await emulator.stop();
  });
});

describe("what cannot be started", () => {
  test.each([
    ["a missing key file", { publicKeyFiles: { k: "none.pem" } }, /none\.pem does not exist/],
    ["a key file that holds none", { publicKeyFiles: { k: "text.pem" } }, /is not an RSA public key/],
    [
      "a missing module",
      { handler: { module: "none.mjs" } },
      /the authorizer's module .*none\.mjs does not exist/,
    ],
  ])("%s", async (_what, settings, message) => {
    writeFileSync(join(folder, "text.pem"), "text");
    const changes =
      "handler" in settings ? { signingDisabled: true, ...settings } : { tokenKeyName: "t", ...settings };
    const loaded = parseEmulatorConfig(
      {
        domains: [{ name: "d", serverName: "a.example" }],
        authorizers: [{ name: "a", handler: { table: [] }, ...changes }],
      },
      folder,
    );
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    await expect(startEmulator(loaded.config)).rejects.toThrow(message);
  });

  test("an address in use leaves nothing open", async () => {
    const config = (listen: object) => {
      const loaded = parseEmulatorConfig(
        { domains: [{ name: "d", serverName: "a.example" }], listen },
        folder,
      );
      if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
      return loaded.config;
    };
    const first = await startEmulator(config({}));
    const taken = first.api.replace("http://", "");
    await expect(startEmulator(config({ api: taken }))).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.stop();
  });
});
