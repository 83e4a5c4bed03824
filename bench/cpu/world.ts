import { type ChildProcess, execFile, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ENDPOINT = "bench-ats.iot.eu-west-1.amazonaws.com";
export const AUTHORIZER = "bench";
export const PASSWORD = "right";
/** Of every peer: as many connections at once. */
export const CONCURRENCY = 50;
export const CERTIFICATES = {
  "P-256": ["ec", "ec_paramgen_curve:P-256"],
  "RSA-2048": ["rsa", "rsa_keygen_bits:2048"],
} as const;
/** Who the API knows. */
export const AWS_ENV = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
export type CertificateKind = keyof typeof CERTIFICATES;

/** Servers on the second core, their clients on the first. */
export const SERVER_CORE = "1";
export const CLIENT_CORE = "0";
const API_HOST = fileURLToPath(new URL("../emulator-host.ts", import.meta.url));

/** What every peer is told; each reads it as JSON from its first argument. */
export interface Peers {
  readonly host: string;
  readonly port: number;
  readonly api: string;
  readonly ca: string;
  readonly serverName: string;
  readonly authorizer: string;
  readonly password: string;
  readonly concurrency: number;
}

/** mosquitto and the authorizer API, both pinned to a core of their own; ended with `using`. */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly peers: Peers;
  readonly #servers: readonly ChildProcess[];

  private constructor(folder: string, peers: Peers, servers: readonly ChildProcess[]) {
    this.folder = folder;
    this.peers = peers;
    this.#servers = servers;
  }

  static async start(kind: CertificateKind): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-bench-"));
    const ca = makeCertificates(folder, kind);
    const port = await freePort();
    const mosquitto = await startMosquitto(folder, port);
    const { server, api } = await startApi(folder);
    const peers = {
      host: "127.0.0.1",
      port,
      api,
      ca,
      serverName: ENDPOINT,
      authorizer: AUTHORIZER,
      password: PASSWORD,
      concurrency: CONCURRENCY,
    };
    return new World(folder, peers, [mosquitto, server]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      const gone = once(server, "exit");
      server.kill();
      await gone;
    }
    await rm(this.folder, { recursive: true });
  }
}

/** user+sys seconds of a command and its children, on the clients' core. It must exit with 0. */
export async function cpuSeconds(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", '"$@" || exit; times', "sh", ...pinned(CLIENT_CORE, command)],
    { env: { ...process.env, ...env }, maxBuffer: 1 << 26 },
  );
  const lines = stdout.trimEnd().split("\n");
  const times = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/.exec(lines.at(-1) ?? "");
  if (times === null) throw new Error(`no times in: ${stdout}`);
  const [userMin = 0, user = 0, sysMin = 0, sys = 0] = times.slice(1).map(Number);
  return { cpu: userMin * 60 + user + sysMin * 60 + sys, stdout: lines.slice(0, -2).join("\n") };
}

export interface Measured {
  readonly cpu: number;
  readonly stdout: string;
}

/** A process that runs already, its threads too. */
export function pinTo(core: string, pid: number | undefined): void {
  execFileSync("taskset", ["-a", "-c", "-p", core, String(pid)], { stdio: "pipe" });
}

/** The command, kept to one core. */
export function pinned(core: string, command: readonly string[]): readonly string[] {
  return ["taskset", "-c", core, ...command];
}

/** A CA and a server certificate of the kind; answers with the CA's path. */
export function makeCertificates(folder: string, kind: CertificateKind): string {
  const [algorithm, option] = CERTIFICATES[kind];
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe" });
  };
  const key = ["-newkey", algorithm, "-pkeyopt", option, "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=bench ca");
  const names = ["-addext", `subjectAltName=DNS:${ENDPOINT},DNS:localhost,IP:127.0.0.1`];
  const issuer = ["-CA", at("ca.pem"), "-CAkey", at("ca.key")];
  openssl(
    ...["req", "-x509", ...key, ...issuer, "-keyout", at("server.key"), "-out", at("server.pem")],
    ...["-subj", `/CN=${ENDPOINT}`, "-addext", "basicConstraints=critical,CA:false", ...names],
  );
  return at("ca.pem");
}

async function startMosquitto(folder: string, port: number): Promise<ChildProcess> {
  const config = [
    ...["per_listener_settings false", "allow_anonymous true", "user root", "log_type none"],
    ...["max_connections -1", `listener ${port} 127.0.0.1`],
    ...[`certfile ${join(folder, "server.pem")}`, `keyfile ${join(folder, "server.key")}`],
  ];
  const path = join(folder, "mosquitto.conf");
  await writeFile(path, `${config.join("\n")}\n`);
  const [program = "", ...args] = pinned(SERVER_CORE, ["/usr/sbin/mosquitto", "-c", path]);
  const mosquitto = spawn(program, args, { stdio: "ignore" });
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (mosquitto.exitCode !== null || attempt > 100) throw new Error("mosquitto does not start");
    await pause(50);
  }
  return mosquitto;
}

async function startApi(folder: string): Promise<{ readonly server: ChildProcess; readonly api: string }> {
  const config = {
    region: "eu-west-1",
    accountId: "123456789012",
    listen: { api: "127.0.0.1:0", gateway: "127.0.0.1:0" },
    certificates: { folder: "emulator" },
    credentials: [{ accessKeyId: "test", secretAccessKey: "test" }],
    authorizers: [
      { name: AUTHORIZER, signingDisabled: true, handler: { table: [{ when: {}, answer: ANSWER }] } },
    ],
    domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT }],
    quotas: { invokesPerSecond: 100_000, burst: 100_000 },
  };
  const path = join(folder, "emulator.yaml");
  await writeFile(path, JSON.stringify(config));
  const server = fork(API_HOST, [path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  pinTo(SERVER_CORE, server.pid);
  const [{ api }] = (await once(server, "message")) as [{ api: string }];
  return { server, api };
}

const ANSWER = {
  isAuthenticated: true,
  principalId: "bench",
  policyDocuments: [
    { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:Connect", Resource: "*" }] },
  ],
  refreshAfterInSeconds: 300,
  disconnectAfterInSeconds: 86_400,
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
