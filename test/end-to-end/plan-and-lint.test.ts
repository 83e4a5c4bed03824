import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LintReport } from "../../src/cli/lint-report.ts";
import type { Plan } from "../../src/model/plan.ts";
import { goodDevice, signedToken } from "../support/fleet.ts";
import { run } from "../support/program.ts";

/** Stands where AWS and the gateway would: nobody may come. */
let nobody: Server;
let visitors = 0;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-smoke-test-"));
  nobody = createServer((socket) => {
    visitors += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await new Promise((resolve) => nobody.close(resolve));
  await rm(folder, { recursive: true });
  expect(visitors).toBe(0);
});

async function write(name: string, profiles: readonly object[], config: object = {}): Promise<string> {
  const { port } = nobody.address() as AddressInfo;
  const target = {
    name: "here",
    region: "eu-west-1",
    accountId: "123456789012",
    address: "127.0.0.1",
    port,
    controlPlaneEndpoint: `http://127.0.0.1:${port}`,
  };
  await writeFile(
    join(folder, `${name}.ndjson`),
    profiles.map((each) => `${JSON.stringify(each)}\n`).join(""),
  );
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    JSON.stringify({ targets: [target], profiles: [{ path: `${name}.ndjson` }], ...config }),
  );
  return file;
}

describe("plan", () => {
  it("counts what a run would do, as a table and as JSON, without asking anybody", async () => {
    const profiles = [
      ...Array.from({ length: 50 }, (_, index) => goodDevice(index, { authorizer: undefined })),
      goodDevice(50, { identity: "device" }),
    ];
    const file = await write("plan", profiles);
    const shown = await run(["plan", "--config", file]);
    expect(shown.stdout).toContain("51 checks of 51 profiles");
    expect(shown.stdout).toContain("device-identity (1)");
    const ended = await run(["plan", "--config", file, "--json"]);
    const plan = JSON.parse(ended.stdout) as Plan;
    expect(plan).toMatchObject({ checks: 51, guarded: 1, connects: 50, lambdaInvocations: 101 });
    expect(plan.apiCalls).toMatchObject({ TestInvokeAuthorizer: 51, DescribeEndpoint: 1 });
    expect(plan.derived).toEqual({ checks: 2, apiCalls: 1, connects: 2, lambdaInvocations: 3 });
    expect(plan.duration).toEqual({ seconds: 51 / 9.8, limitedBy: "TestInvokeAuthorizer" });
    expect([shown.code, ended.code]).toEqual([0, 0]);
  });

  it.each([
    ["an unknown suite", [goodDevice(0)], {}, ["--suite", "nope"], /unknown suite "nope"/],
    ["an invalid profile", [{ id: "x", protocol: "smoke" }], {}, [], /invalid\.ndjson:1: protocol: /],
    ["an invalid configuration", [goodDevice(0)], { nonsense: 1 }, [], /nonsense/],
  ])("exits 2 on %s", async (_, profiles, config, args, says) => {
    const file = await write("invalid", profiles, config);
    const ended = await run(["plan", "--config", file, ...args]);
    expect(ended.stderr).toMatch(says);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
  });

  it("reads profiles from standard input", async () => {
    const file = await write("stdin", [], { profiles: [{ path: "-" }] });
    const ended = await run(["plan", "--config", file], { input: `${JSON.stringify(goodDevice(1))}\n` });
    expect(ended.stdout).toContain("1 check of 1 profile");
    expect(ended.code).toBe(0);
  });
});

describe("lint", () => {
  const signed = (changes: object) =>
    goodDevice(0, { id: "signed", authorizer: "signed", token: { ...signedToken("good"), ...changes } });

  it("exits 0 with warnings, each with file, line, field and rule", async () => {
    const file = await write("warn", [goodDevice(0), goodDevice(1, { clientId: "a+b" })]);
    const ended = await run(["lint", "--config", file]);
    expect(ended.stdout).toMatch(/warn\.ndjson:2: clientId: warning: .* \[client-id-wildcard\]$/m);
    expect(ended.stdout).toMatch(/^no problems, 1 warning; 2 profiles$/m);
    expect(ended.code).toBe(0);
  });

  it("exits 2 with a problem, and says it in JSON too", async () => {
    const file = await write("problem", [goodDevice(0), signed({ signature: "ab-_" })]);
    const ended = await run(["lint", "--config", file, "--json"]);
    const report = JSON.parse(ended.stdout) as LintReport;
    expect(report.problems).toMatchObject([
      { line: 2, field: "token.signature", rule: "signature-not-base64" },
    ]);
    expect(report).toMatchObject({ warnings: [], more: 0, moreWarnings: 0, profiles: 2 });
    expect(ended.code).toBe(2);
  });

  it("tells a port of the configuration on its line", async () => {
    const file = join(folder, "port.yaml");
    const target = "- { name: a, region: eu-west-1, accountId: '123456789012',\n    port: 8883 }";
    await writeFile(join(folder, "port.ndjson"), `${JSON.stringify(goodDevice(0))}\n`);
    await writeFile(file, `targets:\n  ${target}\nprofiles: [{ path: port.ndjson }]\n`);
    const ended = await run(["lint", "--config", file]);
    expect(ended.stdout).toMatch(
      /port\.yaml:3: targets\[0\]\.port: warning: 8883 .*\[port-bypasses-authorizer\]/,
    );
    expect(ended.code).toBe(0);
  });

  it("verifies signatures with the public keys it is given", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = join(folder, "other.pub.pem");
    await writeFile(pem, publicKey.export({ type: "spki", format: "pem" }));
    const file = await write("verify", [signed({})]);
    const without = await run(["lint", "--config", file]);
    const ended = await run(["lint", "--config", file, "--public-key", pem]);
    expect(ended.stdout).toMatch(/verify\.ndjson:1: token\.signature: .*\[signature-unverified\]/);
    const wrong = await run(["lint", "--config", file, "--public-key", file]);
    expect(wrong.stderr).toContain("is not an RSA public key in PEM");
    expect([without.code, ended.code, wrong.code]).toEqual([0, 2, 2]);
  });

  it("lists one mistake in every line only so often, and hides no other", async () => {
    const profiles = Array.from({ length: 150 }, (_, index) => goodDevice(index, { clientId: `${index}#` }));
    const file = await write("many", [...profiles, goodDevice(150, { clientId: "$GEN/1" })]);
    const ended = await run(["lint", "--config", file, "--json"]);
    const { warnings, moreWarnings } = JSON.parse(ended.stdout) as LintReport;
    expect([warnings.length, moreWarnings]).toEqual([101, 50]);
    expect(warnings.at(-1)).toMatchObject({ rule: "client-id-assigned", line: 151 });
  });

  it("never runs the command that gives credentials", async () => {
    const mark = join(folder, "ran");
    const file = await write("exec", [goodDevice(0)], {
      profiles: [{ path: "exec.ndjson", credentials: { exec: ["touch", mark] } }],
    });
    const ended = await run(["lint", "--config", file, "--json"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ problems: [], warnings: [], fromCommand: 1 });
    await expect(rm(mark)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("no credential is ever shown, whatever is wrong with it", async () => {
  const planted = ["Pl4nted-p4ss&word", "pl4nted?t0ken&x", "pl4nted-s1gn_ature", "pl4nted-f1le-secret"];
  const [password, token, signature, fromFile = ""] = planted;
  await writeFile(join(folder, "secret.txt"), `${fromFile}\nsecond line`);
  const value = { key: "x-token", value: token, signature };
  const file = await write("secrets", [
    goodDevice(0, { password, token: value }),
    goodDevice(1, {
      password,
      authorizer: undefined,
      username: `a?b?x-amz-customauthorizer-signature=${token}+`,
    }),
    goodDevice(2, { password, token: { key: "x-token", jwt: token } }),
    goodDevice(3, { password, token: { key: "x-token", value: "${file:secret.txt}" } }),
    goodDevice(4, { password: `eyJ${Buffer.from(String(password)).toString("base64url")}.e30` }),
    goodDevice(5, { protocol: "wss", headers: { "x-own": String(token).repeat(600) } }),
  ]);
  const said: string[] = [];
  for (const args of [["lint"], ["lint", "--json"], ["plan"], ["plan", "--json"]]) {
    const { stdout, stderr } = await run([...args, "--config", file]);
    expect(stdout.length + stderr.length).toBeGreaterThan(100);
    said.push(stdout, stderr);
  }
  expect(said[0]).toMatch(/[5-9] problems/);
  for (const secret of planted) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
      expect(said.join("\n")).not.toContain(form);
    }
  }
});
