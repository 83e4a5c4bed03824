/**
 * Runs every bench one after another, or the one named, in a process of its own: the first line says on what machine,
 * with which versions and when; each bench then prints one JSON line a figure. Installs the Debian packages it needs when
 * root, else prints the line to run. Exits 1 when a bench missed its goal.
 *
 *   npm run bench
 *   npm run bench -- NAME [arguments of that bench]
 */
import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** In the order they run. */
const BENCHES = [
  ...["budget", "measurement-error", "memory", "scaling", "cpu-per-device"],
  ...["dashboard", "history", "emulator-soak"],
];
/** Besides what the tests need: a program and the Debian package it is in. */
const MORE_TOOLS = "/usr/sbin/mosquitto mosquitto";
/** What each version is asked of; a tool that is not there shows as null. */
const TOOLS = {
  openssl: ["openssl", "version"],
  mosquitto: ["mosquitto", "-h"],
  redis: ["redis-server", "--version"],
  python: ["python3", "--version"],
} as const;

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !BENCHES.some((bench) => bench === name)) {
  process.stderr.write(`no bench is called ${name}; there are ${BENCHES.join(", ")}\n`);
  process.exitCode = 2;
} else if (!hasTools()) {
  process.exitCode = 1;
} else {
  process.stdout.write(`${JSON.stringify(machine())}\n`);
  process.exitCode = runAll(name === undefined ? BENCHES : [name], rest) ? 0 : 1;
}

/** What is missing is installed, or told. */
function hasTools(): boolean {
  const script = fileURLToPath(new URL("../test/setup/tools.sh", import.meta.url));
  const env = { ...process.env, MORE_TOOLS };
  return spawnSync("sh", [script], { stdio: ["ignore", "inherit", "inherit"], env }).status === 0;
}

/** Whether all of them met their goals; one that missed does not keep the next from running. */
function runAll(benches: readonly string[], args: readonly string[]): boolean {
  let isMet = true;
  for (const bench of benches) {
    const file = fileURLToPath(new URL(`${bench}.ts`, import.meta.url));
    const { status, signal } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" });
    if (status === 0) continue;
    isMet = false;
    process.stderr.write(`${bench} ended with ${signal ?? status}\n`);
  }
  return isMet;
}

function machine(): object {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    nodeOpenssl: process.versions.openssl,
    ...Object.fromEntries(Object.entries(TOOLS).map(([tool, [file, arg]]) => [tool, firstLine(file, arg)])),
  };
}

function firstLine(file: string, arg: string): string | null {
  const { stdout } = spawnSync(file, [arg], { encoding: "utf8" });
  return stdout?.split("\n")[0]?.trim() || null;
}
