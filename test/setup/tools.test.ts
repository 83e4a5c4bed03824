import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "tools.sh");
/** What the script itself needs; the machine's other programs are hidden from it. */
const BASICS = ["sh", "xargs", "rm", "chmod", "echo", "cat"];

let folder = "";
let bin = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tools-"));
  bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of BASICS) symlinkSync(pathOf(name), join(bin, name));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("all there: silent", () => {
  provideAllBut();
  expect(runScript()).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("a module is looked for in Debian's Python", () => {
  provideAllBut();
  provide("id", "echo 1000");
  provide("apt-get", "");
  provide("python3", '[ "$3" != paho.mqtt ]');
  const { status, stderr } = runScript();
  expect(status).toBe(1);
  expect(stderr).toContain("The tests need: python3-paho-mqtt. As root");
});

test("a program that another place on the PATH shadows counts as missing", () => {
  provideAllBut("aws");
  const elsewhere = join(folder, "shims");
  mkdirSync(elsewhere);
  symlinkSync(join(bin, "curl"), join(elsewhere, "aws"));
  expect(runScript(`${elsewhere}:${bin}`).stderr).toContain("awscli");
});

test("root: installs what is missing, forbids services meanwhile, and leaves no trace of that", () => {
  provideAllBut("promtool");
  provide("id", "echo 0");
  provideApt(`[ -x "$POLICY_RC_D" ] || exit 1; echo 'exit 0' >${bin}/promtool; chmod 755 ${bin}/promtool`);
  const { status, stderr } = runScript();
  expect(stderr).toBe("Installing what the tests need: prometheus\n");
  expect(status).toBe(0);
  expect(calls()).toEqual([
    "noninteractive update -q -o DPkg::Lock::Timeout=300",
    "noninteractive install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 prometheus",
  ]);
  expect(existsSync(join(folder, "policy-rc.d"))).toBe(false);
});

test("an own policy about services is left alone", () => {
  provideAllBut("promtool");
  provide("id", "echo 0");
  provideApt(`echo 'exit 0' >${bin}/promtool; chmod 755 ${bin}/promtool`);
  writeFileSync(join(folder, "policy-rc.d"), "mine");
  expect(runScript().status).toBe(0);
  expect(readFileSync(join(folder, "policy-rc.d"), "utf8")).toBe("mine");
});

test("a failing install is tried twice, then its output and the line to run are shown", () => {
  provide("id", "echo 0");
  provideApt("echo 'no route to mirror'; exit 100");
  const { status, stdout, stderr } = runScript();
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("no route to mirror");
  expect(stderr).toContain(
    "apt-get update && apt-get install -y --no-install-recommends prometheus chromium redis-server openssl",
  );
  expect(calls().filter((call) => call.includes("install"))).toHaveLength(2);
  expect(existsSync(join(folder, "policy-rc.d"))).toBe(false);
});

test("an install that does not bring the program is a failure", () => {
  provideAllBut("promtool");
  provide("id", "echo 0");
  provideApt("exit 0");
  expect(runScript()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("not found: prometheus"),
  });
});

test("not root: prints the line to run and installs nothing", () => {
  provide("id", "echo 1000");
  provideApt("exit 0");
  const { status, stderr } = runScript();
  expect(status).toBe(1);
  expect(stderr).toContain(
    "As root, run:\n  apt-get update && apt-get install -y --no-install-recommends prometheus",
  );
  expect(calls()).toEqual([]);
});

test("no apt: names the packages", () => {
  const all =
    "prometheus chromium redis-server openssl curl libxml2-utils mosquitto-clients awscli python3-boto3 python3-paho-mqtt";
  expect(runScript()).toMatchObject({ status: 1, stderr: expect.stringContaining(all) });
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runScript(path = bin): Ended {
  const env = { PATH: path, SYSTEM_BIN: bin, POLICY_RC_D: join(folder, "policy-rc.d") };
  const { status, stdout, stderr } = spawnSync(pathOf("sh"), [SCRIPT], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** What the tests need, as programs that do nothing; a Python that has every module. */
function provideAllBut(absent?: string): void {
  const tools = [
    "promtool",
    "chromium",
    "redis-server",
    "openssl",
    "curl",
    "xmllint",
    "mosquitto_pub",
    "aws",
  ];
  for (const name of [...tools, "python3"]) {
    if (name !== absent) provide(name, "");
  }
}

/** A program of the script's world. */
function provide(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!${pathOf("sh")}\n${body}\n`, { mode: 0o755 });
}

/** An apt-get that notes how it was called; `body` is what `install` does. */
function provideApt(body: string): void {
  const note = `echo "$DEBIAN_FRONTEND $*" >>${join(folder, "calls")}`;
  provide("apt-get", `${note}\n[ "$1" = install ] || exit 0\n${body}`);
}

function calls(): string[] {
  const file = join(folder, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

function pathOf(program: string): string {
  const found = ["/bin", "/usr/bin"].map((place) => join(place, program)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no ${program} on this machine`);
  return found;
}
