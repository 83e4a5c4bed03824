import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { connackOf } from "../support/emulator.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-emulator-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function start(yaml: string, ...args: string[]): Child {
  const file = join(folder, "emulator.yaml");
  writeFileSync(file, yaml);
  const child = spawn(process.execPath, [MAIN, "emulator", "--config", file, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "close");
  });
  return child;
}

async function firstLine(child: Child): Promise<{ api: string; gateway: string; caFile: string }> {
  const lines = createInterface({ input: child.stdout });
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  const ended = once(child, "close").then(() => {
    throw new Error(`ended without a line: ${complaints.join("")}`);
  });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  // Nobody waits for it any more.
  ended.catch(() => {});
  return JSON.parse(line);
}

async function exitCode(child: Child): Promise<number | null> {
  child.stdout.resume();
  child.stderr.resume();
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

const DOMAINS = "domains: [{ name: 'iot:Data-ATS', serverName: emulator-ats.iot.eu-west-1.amazonaws.com }]\n";

test("the first line says where it listens, and a device can connect there", async () => {
  const child = start(
    `${DOMAINS}defaultAuthorizer: a\nauthorizers: [{ name: a, signingDisabled: true, handler: { table: [] } }]`,
  );
  const ready = await firstLine(child);
  expect(ready).toEqual({
    api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    gateway: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    caFile: join(folder, ".emulator", "ca.pem"),
  });
  const [host = "", port] = ready.gateway.split(":");
  const at = { caFile: ready.caFile, host, port: Number(port) };
  expect(await connackOf(at, { protocolVersion: 5 })).toBe(135);
  child.kill("SIGTERM");
  expect(await exitCode(child)).toBe(0);
});

test("an authorizer may be written in TypeScript, is loaded again when edited, and its failures are told", async () => {
  const source = (password: string) => `
    import { timingSafeEqual } from "node:crypto";
    interface Event { readonly protocolData?: { readonly mqtt?: { readonly password?: string } } }
    const POLICY = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] } as const;
    export async function handler({ protocolData }: Event): Promise<object> {
      const given: Buffer = Buffer.from(protocolData?.mqtt?.password ?? "", "base64");
      const isAuthenticated = timingSafeEqual(given, Buffer.from(${JSON.stringify(password)}));
      return { isAuthenticated, principalId: "p", policyDocuments: [POLICY] };
    }`;
  const module = join(folder, "authorizer.ts");
  writeFileSync(module, source("right"));
  const child = start(
    `${DOMAINS}defaultAuthorizer: a\nauthorizers: [{ name: a, signingDisabled: true, handler: { module: authorizer.ts } }]`,
  );
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  const { gateway, caFile } = await firstLine(child);
  const [host = "", port] = gateway.split(":");
  const connack = (clientId: string, password: string) =>
    connackOf({ caFile, host, port: Number(port) }, { clientId, password, protocolVersion: 5 });
  expect([await connack("a", "right"), await connack("b", "wrong")]).toEqual([0, 135]);
  writeFileSync(module, source("changed"));
  expect([await connack("c", "changed"), await connack("d", "wrongly")]).toEqual([0, 135]);
  expect(complaints).toEqual([]);
  expect(await connack("e", "too short")).toBe(128);
  await expect.poll(() => complaints.join("")).toMatch(/"authorizer":"a".*same byte length/);
  child.kill("SIGTERM");
  expect(await exitCode(child)).toBe(0);
});

test.each(["SIGTERM", "SIGINT"] as const)("ends with 0 on %s, open connections or not", async (signal) => {
  const child = start(DOMAINS);
  const { gateway } = await firstLine(child);
  const [host = "", port] = gateway.split(":");
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  child.kill(signal);
  expect(await exitCode(child)).toBe(0);
  socket.destroy();
});

test("ends with its parent when asked to", async () => {
  const child = start(DOMAINS, "--exit-with-parent");
  await firstLine(child);
  child.stdin.end();
  expect(await exitCode(child)).toBe(0);
});

test("a configuration that is wrong is told with file, line and field, exit 2", async () => {
  const child = start("domain: []\n");
  const stderr = child.stderr.setEncoding("utf8").toArray();
  child.stdout.resume();
  const [code] = await once(child, "close");
  expect(code).toBe(2);
  expect((await stderr).join("")).toMatch(/emulator\.yaml:1: domain: unknown key/);
});
