import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request as plainRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { startHttp } from "../../src/http/server.ts";
import { UsageError } from "../../src/lib/errors.ts";
import type { HttpConfig } from "../../src/model/config.ts";
import {
  CONFIG,
  NO_CONTROL,
  NO_OVERVIEW,
  raw,
  recordingGate,
  recordingLog,
  recordingRuns,
  request,
  startServer,
  temporaryFolder,
} from "./http-support.ts";

const LONG_MS = 600_000;

function start(config: Partial<HttpConfig>) {
  return startHttp({
    config: { ...CONFIG, ...config },
    log: recordingLog().log,
    runs: recordingRuns().runs,
    results: { results: () => null },
    overview: NO_OVERVIEW,
    causes: [],
    gate: recordingGate().gate,
    probes: { probe: async () => ({ kind: "unknown", reason: "no such device" }) },
    audit: { note: () => {} },
    control: NO_CONTROL,
    metricsPage: async () => ({ contentType: "text/plain", body: "" }),
    ready: () => ({ ready: true, reason: "ready" }),
  });
}

/** A connection of the test's own; what it receives is thrown away. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  return socket;
}

describe("the start", () => {
  it.each(["0.0.0.0", "::", "10.1.2.3", "smoke.example.com"])(
    "is refused on %s without a token",
    async (host) => {
      const refused = start({ host });
      await expect(refused).rejects.toThrow(UsageError);
      await expect(refused).rejects.toThrow(/refuses to start with triggers and no token/);
    },
  );

  it("is fine on loopback without a token, and the address tells the port", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const server = await startServer({ host });
      expect(server.url).toMatch(new RegExp(`^http://${host}:[1-9]\\d+$`));
      expect((await request(server.url, "/-/healthy")).status).toBe(200);
    }
  });

  it("on a port that is taken is a plain message", async () => {
    const { port } = await startServer();
    const refused = start({ port });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(
      `cannot listen on 127.0.0.1 port ${port}: another program listens there`,
    );
  });

  it("on an address of another machine is a plain message", async () => {
    const folder = temporaryFolder();
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "token");
    const tokens = [{ name: "ci", tokenFile, scopes: ["read" as const] }];
    await expect(start({ host: "192.0.2.1", tokens })).rejects.toThrow(
      /this machine does not have the address/,
    );
  });
});

describe("TLS", () => {
  function makeCertificate(): { certFile: string; keyFile: string; ca: string } {
    const folder = temporaryFolder();
    const [certFile, keyFile] = [join(folder, "c.pem"), join(folder, "k.pem")];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", ...key, ...subject, "-days", "2", "-out", certFile], {
      stdio: "pipe",
    });
    return { certFile, keyFile, ca: readFileSync(certFile, "utf8") };
  }

  it("is spoken with the configured certificate", async () => {
    const { ca, ...tls } = makeCertificate();
    const server = await startServer({ tls });
    expect(server.url).toMatch(/^https:/);
    const answer = await server.call("/api/v1/runs", { method: "POST", json: {}, ca });
    expect(answer.status).toBe(202);
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it("is not spoken in old versions", async () => {
    const { ca, ...tls } = makeCertificate();
    const { port } = await startServer({ tls });
    const socket = tlsConnect({
      port,
      host: "127.0.0.1",
      ca,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "ALL:@SECLEVEL=0",
    });
    const [error] = await once(socket, "error");
    expect(error.code).toMatch(/ERR_SSL/);
    socket.destroy();
  });

  it("refuses plain HTTP, and those that never shake hands do not hold the close", async () => {
    const { ca, ...tls } = makeCertificate();
    const server = await startServer(
      { tls },
      { limits: { closeMs: 50, headersTimeoutMs: LONG_MS, requestTimeoutMs: LONG_MS } },
    );
    expect(await raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).not.toMatch(/200 OK/);
    const silent = await open(server.port);
    const closed = once(silent, "close");
    await Promise.all([server.close(), closed]);
  });

  it("goes on with another certificate from a reload on, for connections to come", async () => {
    const [first, second] = [makeCertificate(), makeCertificate()];
    const tls = { certFile: first.certFile, keyFile: first.keyFile };
    const server = await startServer({ tls });
    const healthy = (ca: string) => server.call("/-/healthy", { ca }).then(({ status }) => status);
    const shaken = async (ca: string) => {
      const socket = tlsConnect({ port: server.port, host: "127.0.0.1", ca });
      onTestFinished(() => {
        socket.destroy();
      });
      await once(socket, "secureConnect");
      return socket;
    };
    const open = await shaken(first.ca);
    writeFileSync(first.certFile, readFileSync(second.certFile));
    await expect(server.prepare({ ...CONFIG, tls })).rejects.toThrow(/^http\.tls: /);
    expect(await healthy(first.ca)).toBe(200);

    writeFileSync(first.keyFile, readFileSync(second.keyFile));
    const commit = await server.prepare({ ...CONFIG, tls });
    expect(await healthy(first.ca)).toBe(200);
    commit();
    expect(await healthy(second.ca)).toBe(200);
    await expect(healthy(first.ca)).rejects.toThrow(/self-signed|verify/);
    open.write("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [answer] = await once(open, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("with a file that is not there, no certificate or no pair is a plain message", async () => {
    const [one, other] = [makeCertificate(), makeCertificate()];
    const garbage = join(temporaryFolder(), "garbage.pem");
    writeFileSync(garbage, "planted-secret");
    for (const tls of [
      { certFile: `${one.certFile}.missing`, keyFile: one.keyFile },
      { certFile: one.certFile, keyFile: garbage },
      { certFile: garbage, keyFile: one.keyFile },
      { certFile: one.certFile, keyFile: other.keyFile },
    ]) {
      const refused = start({ tls });
      await expect(refused).rejects.toThrow(UsageError);
      await expect(refused).rejects.toThrow(/^http\.tls: /);
      await expect(refused).rejects.not.toThrow(/planted-secret/);
    }
  });
});

describe("a client that is slow or rude", () => {
  const limits = {
    headersTimeoutMs: 50,
    requestTimeoutMs: 100,
    timeoutCheckMs: 10,
    silenceMs: LONG_MS,
    keepAliveMs: LONG_MS,
  };

  it("does not finish its headers: it is told so and cut", async () => {
    const { port } = await startServer({}, { limits });
    const answer = await raw(port, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toMatch(/application\/problem\+json/);
    // Less than the 30 s after which Node by itself would look.
  }, 20_000);

  it("does not finish its body: it is cut", async () => {
    const { runs, triggered } = recordingRuns();
    const { port } = await startServer({}, { limits, runs });
    const headers = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 20";
    expect(await raw(port, `POST /api/v1/runs HTTP/1.1\r\n${headers}\r\n\r\n{`)).toMatch(
      /^(HTTP\/1\.1 408 |$)/,
    );
    expect(triggered).toEqual([]);
  });

  it("says nothing at all: it is cut", async () => {
    const { port } = await startServer({}, { limits: { ...limits, silenceMs: 50 } });
    await once(await open(port), "close");
  });

  it("does not come again: its connection is closed", async () => {
    const { port } = await startServer({}, { limits: { keepAliveMs: 50, timeoutCheckMs: 10 } });
    expect(await raw(port, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00", 400],
    ["a header with a line break of its own", "GET / HTTP/1.1\r\nHost: localhost\r\n continued\r\n\r\n", 400],
    [
      "two lengths",
      "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["headers without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ])("sends %s: it is told so and cut", async (_what, bytes, status) => {
    const { port, call } = await startServer();
    const answer = await raw(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
    expect(JSON.parse(body)).toMatchObject({ type: "about:blank", status });
    expect((await call("/-/healthy")).status).toBe(200);
  });

  it("opens too many connections: the next one is dropped, the first are served", async () => {
    const { port } = await startServer({}, { limits: { connections: 2 } });
    const [first, second] = [await open(port), await open(port)];
    const third = connect({ port, host: "127.0.0.1" }).on("error", () => {});
    await once(third, "close");
    second.destroy();
    first.write("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [bytes] = await once(first, "data");
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("the close", () => {
  /** A server whose metrics page comes when the test lets it. */
  async function heldServer(closeMs: number) {
    const asked = Promise.withResolvers<void>();
    const page = Promise.withResolvers<{ contentType: string; body: string }>();
    const metricsPage = () => {
      asked.resolve();
      return page.promise;
    };
    const server = await startServer({}, { metricsPage, limits: { closeMs, keepAliveMs: LONG_MS } });
    return {
      server,
      asked: asked.promise,
      answer: () => page.resolve({ contentType: "text/plain", body: "late\n" }),
    };
  }

  it("lets a request in flight finish, accepts no new one, and then ends kept connections", async () => {
    const { server, asked, answer } = await heldServer(LONG_MS);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const outgoing = plainRequest({ port: server.port, host: "127.0.0.1", path: "/metrics", agent });
    outgoing.end();
    await asked;
    const closed = server.close();
    const late = connect({ port: server.port, host: "127.0.0.1" });
    const [error] = await once(late, "error");
    expect(error.code).toBe("ECONNREFUSED");
    answer();
    const [response] = await once(outgoing, "response");
    expect(response.statusCode).toBe(200);
    response.resume();
    await closed;
  });

  it("cuts what does not finish", async () => {
    const { server, asked } = await heldServer(50);
    const socket = await open(server.port);
    socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await asked;
    await Promise.all([server.close(), once(socket, "close")]);
  });

  it("may be asked for twice", async () => {
    const server = await startServer();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });
});
