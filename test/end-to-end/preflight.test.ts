import { generateKeyPairSync, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonReport } from "../../src/report/json.ts";
import { answer, type BenchOptions, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { run } from "../support/program.ts";

const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
const CALLER = { accessKeyId: "test", secretAccessKey: "test" };
const PASSWORDS = {
  name: "passwords",
  signingDisabled: true,
  handler: { table: [{ when: { username: "/^device-/", password: "right" }, answer: answer() }] },
};
const SIGNED = {
  name: "signed",
  tokenKeyName: "x-token",
  publicKeyFiles: { k1: "signed.pub.pem" },
  handler: { table: [{ when: { token: "/^good/" }, answer: answer() }] },
};
const DOMAIN = { name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "passwords" };
/** Lowest budgets and many domains make no difference here: only the device's own checks are looked at. */
const NO_DERIVED = { suites: [{ name: "all", derived: { perCohort: 0, decoys: [] } }] };

interface Ran {
  readonly code: number | string;
  readonly report: JsonReport;
  readonly text: string;
  /** The first cause and its evidence, by device. */
  readonly causes: ReadonlyMap<string, { readonly code: string; readonly evidence: string }>;
}

async function ran(options: BenchOptions): Promise<Ran> {
  const bench = await startBench({ config: NO_DERIVED, ...options });
  try {
    const { code, stdout } = await run([
      "run",
      "--config",
      bench.configFile,
      "--report",
      `json=${bench.folder}/r.json`,
    ]);
    const report = JSON.parse(await readFile(join(bench.folder, "r.json"), "utf8")) as JsonReport;
    const causes = report.results.flatMap(({ device, causes: [first] }) =>
      first === undefined ? [] : [[device, first] as const],
    );
    return { code, report, text: stdout, causes: new Map(causes) };
  } finally {
    await bench.end();
  }
}

function states({ report }: Ran): Record<string, string> {
  return Object.fromEntries(report.preflight.map(({ what, state }) => [what, state]));
}

function signedBy(value: string): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return sign("sha256", Buffer.from(value), privateKey).toString("base64");
}

function device(id: string, index: number, changes: object): object {
  const { username: _username, password: _password, ...names } = goodDevice(index);
  return { ...names, id, clientId: id, ...changes };
}

describe("what keeps a device out, by what the account says", () => {
  it("names the authorizer's state, the token's key and the signature, and blames no healthy device", async () => {
    const suffix = `x-amz-customauthorizer-name=signed&x-amz-customauthorizer-signature=${encodeURIComponent(signedBy("good"))}`;
    const profiles = [
      goodDevice(0),
      goodDevice(1),
      device("signed-well", 2, { authorizer: "signed", token: signedToken("good") }),
      // Over each version: one is refused with a code, the other by a close.
      device("inactive-4", 1, { authorizer: "asleep", username: "device-1", password: "right" }),
      device("inactive-5", 2, { authorizer: "asleep", username: "device-2", password: "right" }),
      device("unknown", 3, { authorizer: "nobody", username: "device-3", password: "right" }),
      device("wrong-key", 4, { authorizer: "signed", token: { ...signedToken("good"), key: "X_Token" } }),
      device("wrong-signature", 5, {
        authorizer: "signed",
        token: { key: "x-token", value: "good", signature: signedBy("good") },
      }),
      device("raw-key", 6, { authorizer: undefined, username: `device?${suffix}&xtoken=good` }),
      device("unsigned", 7, { authorizer: "signed", token: { key: "x-token", value: "good" } }),
    ];
    const ended = await ran({
      profiles,
      emulator: { authorizers: [PASSWORDS, SIGNED, { ...PASSWORDS, name: "asleep", status: "INACTIVE" }] },
    });
    const codes = Object.fromEntries([...ended.causes].map(([id, { code }]) => [id, code]));
    expect(codes).toEqual({
      "inactive-4": "AUTHORIZER_INACTIVE",
      "inactive-5": "AUTHORIZER_INACTIVE",
      unknown: "AUTHORIZER_NOT_FOUND",
      "wrong-key": "TOKEN_KEY_MISMATCH",
      "wrong-signature": "SIGNATURE_INVALID",
      "raw-key": "TOKEN_KEY_MISMATCH",
      unsigned: "SIGNATURE_INVALID",
    });
    expect(ended.causes.get("inactive-4")?.evidence).toBe("DescribeAuthorizer asleep: status INACTIVE");
    expect(ended.causes.get("wrong-signature")?.evidence).toContain(
      "verifies with none of its public keys (k1)",
    );
    expect(ended.code).toBe(3);
    expect(states(ended)).toEqual({
      DescribeEndpoint: "ok",
      DescribeDomainConfiguration: "ok",
      clock: "ok",
      tls: "ok",
      certificate: "ok",
    });
    expect(ended.text).not.toContain("Before the run");
  });

  it("names a disabled domain, in the report before the run too", async () => {
    const ended = await ran({
      profiles: [goodDevice(0), goodDevice(1), goodDevice(2, { protocol: "wss" })],
      emulator: { domains: [{ ...DOMAIN, status: "DISABLED" }] },
    });
    expect([...ended.causes.values()].map(({ code }) => code)).toEqual([
      "DOMAIN_DISABLED",
      "DOMAIN_DISABLED",
      "DOMAIN_DISABLED",
    ]);
    expect(ended.text).toMatch(
      /Before the run\n.*here, DescribeDomainConfiguration: iot:Data-ATS: status DISABLED/,
    );
    expect(states(ended).DescribeDomainConfiguration).toBe("problem");
  });

  it("names an authorizer that the domain does not let a device name", async () => {
    const other = { ...PASSWORDS, name: "other" };
    const ended = await ran({
      profiles: [
        goodDevice(0, { authorizer: undefined }),
        goodDevice(1, { authorizer: "other" }),
        goodDevice(2),
      ],
      emulator: {
        authorizers: [PASSWORDS, other],
        domains: [{ ...DOMAIN, allowAuthorizerOverride: false }],
      },
    });
    expect([...ended.causes].map(([id, { code }]) => [id, code])).toEqual([
      ["device-00001", "AUTHORIZER_OVERRIDE_DISALLOWED"],
    ]);
  });

  it.each([
    ["SECURE_MQTT", ["device-00001", "device-00002"]],
    ["MQTT_WSS", ["device-00000", "device-00002"]],
    ["HTTPS", ["device-00000", "device-00001"]],
  ])("names the protocols that a domain for %s does not offer", async (applicationProtocol, keptOut) => {
    const { username: _u, password: _p, clientId: _c, ...https } = goodDevice(2);
    const by = { "x-user": "device-2", "x-password": "right" };
    const profiles = [
      goodDevice(0, { protocol: "mqtt" }),
      goodDevice(1, { protocol: "wss" }),
      { ...https, protocol: "https", topic: "smoke/x", headers: by },
    ];
    const when = { "headers.x-password": "right" };
    const table = [...PASSWORDS.handler.table, { when, answer: answer() }];
    const ended = await ran({
      profiles,
      emulator: {
        authorizers: [{ ...PASSWORDS, handler: { table } }],
        domains: [{ ...DOMAIN, authenticationType: "CUSTOM_AUTH", applicationProtocol }],
      },
    });
    expect([...ended.causes].map(([id, { code }]) => [id, code])).toEqual(
      keptOut.map((id) => [id, "DOMAIN_PROTOCOL_MISMATCH"]),
    );
  });
});

describe("a caller who may not look", () => {
  it("checks devices just the same, and says what was not checked", async () => {
    const deny = [
      "DescribeAuthorizer",
      "DescribeDomainConfiguration",
      "ListDomainConfigurations",
      "DescribeEndpoint",
    ];
    const ended = await ran({
      profiles: [goodDevice(0), goodDevice(1), goodDevice(2)],
      emulator: { credentials: [{ ...CALLER, deny }] },
    });
    expect({ code: ended.code, causes: [...ended.causes] }).toEqual({ code: 0, causes: [] });
    expect(states(ended)).toEqual({
      DescribeEndpoint: "not-checked",
      DescribeDomainConfiguration: "not-checked",
      clock: "ok",
      tls: "ok",
      certificate: "ok",
    });
    expect(ended.text).toMatch(/\? here, DescribeEndpoint: not checked: AccessDeniedException/);
  });
});
