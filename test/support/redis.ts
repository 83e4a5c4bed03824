import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../src/model/secret.ts";
import type { RedisServer } from "../../src/run/redis/connect.ts";

export interface RedisTestOptions {
  /** Clients must name this password. */
  readonly password?: string;
  readonly tls?: boolean;
}

/**
 * A redis-server of Debian on a free port. Every write is in its file before it is answered, so that a crash of the server
 * loses none; it does not wait for the disk, which may be busy with something else for seconds.
 */
export class TestRedis {
  readonly #folder = mkdtempSync(join(tmpdir(), "fleet-smoke-redis-"));
  readonly #options: RedisTestOptions;
  #child: ChildProcess | null = null;
  #port = 0;

  private constructor(options: RedisTestOptions) {
    this.#options = options;
  }

  static async start(options: RedisTestOptions = {}): Promise<TestRedis> {
    const redis = new TestRedis(options);
    if (options.tls) redis.#makeCertificate();
    await redis.#startFirst();
    return redis;
  }

  /** How to connect to it; the port stays when it is restarted. */
  get server(): RedisServer {
    return {
      url: new Secret(this.url),
      ca: this.#options.tls ? readFileSync(this.#path("ca.pem"), "utf8") : null,
    };
  }

  get url(): string {
    const { password, tls } = this.#options;
    const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    return `${tls ? "rediss" : "redis"}://${login}127.0.0.1:${this.#port}/0`;
  }

  get port(): number {
    return this.#port;
  }

  /** The CA in a file, with `tls`. */
  get caFile(): string {
    return this.#path("ca.pem");
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts it again, on the same port, with what it has on disk. */
  async resume(): Promise<void> {
    const failed = await this.#launch();
    if (failed !== null) throw new Error(`redis-server does not start:\n${failed}`);
  }

  async #startFirst(): Promise<void> {
    // Somebody else may take the port that was just found free.
    for (let tries = 0; ; tries++) {
      this.#port = await freePort();
      const failed = await this.#launch();
      if (failed === null) return;
      if (tries === 3) throw new Error(`redis-server does not start:\n${failed}`);
    }
  }

  /** Ends it at once; the files stay. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }

  /** A crash, and what a supervisor does about it. */
  async restart(): Promise<void> {
    await this.kill();
    await this.resume();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** null, or what it said before it ended. */
  #launch(): Promise<string | null> {
    const child = spawn("redis-server", this.#arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    return new Promise((resolve) => {
      let said = "";
      const look = (text: Buffer) => {
        said += text.toString();
        if (said.includes("Ready to accept connections")) resolve(null);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      child.once("error", (error) => resolve(error.message));
      child.once("close", () => resolve(said));
    });
  }

  #arguments(): string[] {
    const { password, tls } = this.#options;
    const listen = tls
      ? ["--port", "0", "--tls-port", `${this.#port}`, "--tls-auth-clients", "no"]
      : ["--port", `${this.#port}`];
    const certificate = tls
      ? ["--tls-cert-file", this.#path("server.pem"), "--tls-key-file", this.#path("server.key")]
      : [];
    return [
      ...[...listen, ...certificate, "--bind", "127.0.0.1", "--dir", this.#folder],
      ...["--save", "", "--appendonly", "yes", "--appendfsync", "no"],
      ...(password === undefined ? [] : ["--requirepass", password]),
    ];
  }

  #makeCertificate(): void {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    openssl("req", "-x509", ...newKey, "-subj", "/CN=redis-ca", "-keyout", "ca.key", "-out", "ca.pem");
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"];
    const names = ["-subj", "/CN=redis", "-addext", "basicConstraints=critical,CA:FALSE"];
    openssl("req", "-x509", ...newKey, ...names, ...issuer, "-keyout", "server.key", "-out", "server.pem");
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const closed = once(server, "close");
  server.close();
  await closed;
  return typeof address === "object" && address !== null ? address.port : 0;
}
