import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse, stringify } from "yaml";

const SHIPPED = join(import.meta.dirname, "../../deploy/prometheus/prometheus.yaml");
/** Debian's; a pyenv or the like may shadow it on the PATH. */
const PROGRAM = "/usr/bin/prometheus";

/** One series of an instant query's answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus server in its own process, with its data in a temporary folder. */
export interface Prometheus {
  /** An instant query; throws what Prometheus says where it does not understand it. */
  readonly query: (expr: string) => Promise<readonly Sample[]>;
  readonly end: () => Promise<void>;
}

interface Options {
  /** `host:port` to scrape in place of the shipped one. */
  readonly target: string;
  /** A Prometheus duration, for scraping and evaluating. */
  readonly interval: string;
  /** By file name, in place of the shipped ones. */
  readonly rules: Readonly<Record<string, string>>;
}

/** Starts Prometheus with the shipped configuration, its address, interval and rule files replaced. */
export async function startPrometheus({ target, interval, rules }: Options): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "prometheus-"));
  for (const [name, text] of Object.entries(rules)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, "prometheus.yaml"), await configuration(target, interval));
  const server = spawn(
    PROGRAM,
    [
      `--config.file=${join(folder, "prometheus.yaml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(server, "close");
  const end = async () => {
    server.kill("SIGKILL");
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const address = await listening(server);
    return { query: (expr) => query(address, expr), end };
  } catch (error) {
    await end();
    throw error;
  }
}

interface Configuration {
  readonly global: object;
  readonly scrape_configs: readonly [{ readonly static_configs: readonly object[] }];
}

async function configuration(target: string, interval: string): Promise<string> {
  const shipped = parse(await readFile(SHIPPED, "utf8")) as Configuration;
  const [job] = shipped.scrape_configs;
  return stringify({
    ...shipped,
    global: { ...shipped.global, scrape_interval: interval, evaluation_interval: interval },
    scrape_configs: [{ ...job, scrape_timeout: interval, static_configs: [{ targets: [target] }] }],
  });
}

/** The address from its log, once it answers there. */
async function listening({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error("no standard error");
  const said: string[] = [];
  let address: string | undefined;
  for await (const line of createInterface({ input: stderr })) {
    said.push(line);
    address ??= /msg="Listening on" address=(\S+)/.exec(line)?.[1];
    if (address === undefined || !line.includes("ready to receive web requests")) continue;
    stderr.resume();
    return address;
  }
  throw new Error(`Prometheus ended:\n${said.join("\n")}`);
}

interface Answer {
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Sample["labels"];
      readonly value: readonly [number, string];
    }[];
  };
}

async function query(address: string, expr: string): Promise<readonly Sample[]> {
  const response = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query: expr })}`);
  const { data, error } = (await response.json()) as Answer;
  if (data === undefined) throw new Error(`${expr}: ${error}`);
  return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
}
