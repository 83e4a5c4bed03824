import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { buildImage, type Image, imageEnvironment, inside } from "./build-image.ts";
import { lastStep, parseDockerfile, type Stage } from "./dockerfile.ts";

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "image-"));
// The daemon runs as another user.
chmodSync(folder, 0o755);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the image's steps give a daemon that starts as nobody special, is healthy and drains on SIGTERM", async () => {
  const stages = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
  const stage = stages.at(-1);
  if (stage === undefined) throw new Error("no stage");
  const image = buildImage(stages, ROOT, folder);
  expect(existsSync(join(image.workdir, "node_modules/mqtt/package.json"))).toBe(true);
  expect(existsSync(join(image.workdir, "node_modules/typescript"))).toBe(false);
  await mountConfiguration(image);
  const before = unchangeable(image.root);

  const daemon = start(stage, image);
  const url = await listening(daemon);
  const isHealthy = () => check(stage, image, url) === 0;
  await expect.poll(isHealthy, { timeout: 20_000, interval: 100 }).toBe(true);
  expect(check(stage, image, url, "/nowhere"), "a wrong answer is not healthy").toBe(1);

  const exited = once(daemon, "exit");
  daemon.kill(lastStep(stage, "stopsignal").value as NodeJS.Signals);
  expect(await exited).toEqual([0, null]);
  expect(check(stage, image, url), "a daemon that has gone is not healthy").toBe(1);
  expect(unchangeable(image.root), "only /data and /tmp may be written to").toEqual(before);
}, 300_000);

/** What an operator mounts at /etc/fleet-smoke. Nothing is contacted: no run is triggered. */
async function mountConfiguration({ root }: Image): Promise<void> {
  const mounted = join(root, "etc/fleet-smoke");
  mkdirSync(mounted, { recursive: true });
  mkdirSync(join(root, "tmp"), { mode: 0o777 });
  chmodSync(join(root, "tmp"), 0o777);
  const profile = { id: "a", protocol: "mqtt", identity: "device", clientId: "a" };
  await writeFile(join(mounted, "fleet.ndjson"), `${JSON.stringify(profile)}\n`);
  await writeFile(
    join(mounted, "fleet-smoke.yaml"),
    [
      "targets:",
      '  - { name: nowhere, region: eu-west-1, accountId: "123456789012", endpoint: gateway.invalid }',
      "profiles:",
      "  - { path: fleet.ndjson }",
      'http: { listen: "127.0.0.1:0" }',
      "",
    ].join("\n"),
  );
}

/** ENTRYPOINT and CMD, as USER where this process may become that user. */
function start(stage: Stage, image: Image): ChildProcess {
  const [program = "", ...args] = [...lastStep(stage, "entrypoint").words, ...lastStep(stage, "cmd").words];
  const child = spawn(
    program,
    args.map((each) => (each.startsWith("/") ? inside(image.root, image.workdir, each) : each)),
    {
      cwd: image.workdir,
      env: { ...imageEnvironment(image.env), TMPDIR: join(image.root, "tmp") },
      stdio: ["ignore", "pipe", "pipe"],
      ...identity(stage),
    },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

function identity(stage: Stage): { readonly uid?: number; readonly gid?: number } {
  const { uid, gid } = lastStep(stage, "user");
  if (process.getuid?.() !== 0) return {};
  // A checkout below a private folder hides its Node from that user.
  const reachable = spawnSync(process.execPath, ["--version"], { uid, gid, cwd: "/" }).status === 0;
  return reachable ? { uid, gid } : {};
}

/** The address from the daemon's log; fails with what it said when it ends instead. */
async function listening(daemon: ChildProcess): Promise<string> {
  if (daemon.stderr === null) throw new Error("no standard error");
  const said: string[] = [];
  for await (const line of createInterface({ input: daemon.stderr })) {
    said.push(line);
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    daemon.stderr.resume();
    return url;
  }
  throw new Error(`the daemon ended:\n${said.join("\n")}`);
}

/** The HEALTHCHECK's exit status, asked at `address` instead of the image's own port. */
function check(stage: Stage, image: Image, address: string, path = healthPath(image)): number | null {
  const [program = "", ...args] = lastStep(stage, "healthcheck").words;
  const env = { ...imageEnvironment(image.env), FLEET_SMOKE_HEALTH_URL: new URL(path, address).href };
  return spawnSync(program, args, { cwd: image.workdir, env, timeout: 10_000 }).status;
}

function healthPath({ env }: Image): string {
  return new URL(env.FLEET_SMOKE_HEALTH_URL ?? "").pathname;
}

/** Every file that must stay as it is, with its size and time of change. */
function unchangeable(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => !/^(data|tmp)(\/|$)/.test(file))
    .map((file) => {
      const { size, mtimeMs } = lstatSync(join(root, file));
      return `${file} ${size} ${mtimeMs}`;
    })
    .sort();
}
