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
  provide("promtool", "");
  provide("openssl", "");
  expect(runScript()).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("root: installs what is missing, forbids services meanwhile, and leaves no trace of that", () => {
  provide("openssl", "");
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
  provide("openssl", "");
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
  expect(stderr).toContain("apt-get update && apt-get install -y --no-install-recommends prometheus openssl");
  expect(calls().filter((call) => call.includes("install"))).toHaveLength(2);
  expect(existsSync(join(folder, "policy-rc.d"))).toBe(false);
});

test("an install that does not bring the program is a failure", () => {
  provide("openssl", "");
  provide("id", "echo 0");
  provideApt("exit 0");
  expect(runScript()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("not on the PATH: prometheus"),
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
  expect(runScript()).toMatchObject({ status: 1, stderr: expect.stringContaining("prometheus openssl") });
});

function runScript(): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const env = { PATH: bin, POLICY_RC_D: join(folder, "policy-rc.d") };
  const { status, stdout, stderr } = spawnSync(pathOf("sh"), [SCRIPT], { env, encoding: "utf8" });
  return { status, stdout, stderr };
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
