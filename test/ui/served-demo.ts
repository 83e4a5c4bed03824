import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeDemo } from "../../src/cli/demo-fleet.ts";
import { killAll, type Program, start } from "../support/program.ts";

/** The demo's emulator and fleet, and a daemon that tests it: each a process of its own, in a temporary folder. */
export interface ServedDemo {
  readonly url: string;
  readonly end: () => Promise<void>;
}

export interface ServedDemoOptions {
  /** Calls and connections a second: how long a run takes. */
  readonly perSecond: number;
  /** Laid over the tester's configuration. */
  readonly config?: object;
  /** Written into the folder before the daemon starts, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Does more to the folder before the daemon starts. */
  readonly prepare?: (folder: string) => void;
}

/** The caller's of the demo's emulator. */
const ENV = { AWS_ACCESS_KEY_ID: "demo", AWS_SECRET_ACCESS_KEY: "demo" };

export async function serveDemo({
  perSecond,
  config = {},
  files = {},
  prepare,
}: ServedDemoOptions): Promise<ServedDemo> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-ui-"));
  const programs: Program[] = [];
  const end = async () => {
    await killAll(programs);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const demo = await writeDemo(folder);
    for (const [name, text] of Object.entries(files))
      await writeFile(join(folder, name), text, { mode: 0o600 });
    prepare?.(folder);
    const emulator = start(["emulator", "--config", demo.emulatorConfig]);
    programs.push(emulator);
    const [line] = await emulator.says(/^\{.*\}$/m);
    const configFile = await demo.writeConfig(JSON.parse(line));
    const written = JSON.parse(await readFile(configFile, "utf8")) as { readonly targets: readonly object[] };
    const budgets = { invokesPerSecond: perSecond, connectsPerSecond: perSecond };
    const targets = written.targets.map((target) => ({ ...target, budgets }));
    await writeFile(configFile, JSON.stringify({ ...written, targets, ...config }), { mode: 0o600 });
    const daemon = start(["daemon", "--config", configFile], { env: ENV });
    programs.push(daemon);
    const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
    return { url, end };
  } catch (error) {
    await end();
    throw error;
  }
}
