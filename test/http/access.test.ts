import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HttpToken, Scope } from "../../src/model/config.ts";
import { RUN_ID, raw, recordingRuns, startServer, summary, temporaryFolder } from "./http-support.ts";

const TOKENS = {
  read: "read-token-5f0c",
  trigger: "trigger-token-91aa",
  admin: "admin-token-77e1",
} as const satisfies Record<Scope, string>;

const RUN = `/api/v1/runs/${RUN_ID}`;

/** Method, path, and the status with: no token configured, none sent, wrong, read, trigger, admin. */
const TABLE: readonly (readonly [string, string, readonly number[]])[] = [
  ["GET", "/metrics", [200, 200, 200, 200, 200, 200]],
  ["HEAD", "/metrics", [200, 200, 200, 200, 200, 200]],
  ["GET", "/-/healthy", [200, 200, 200, 200, 200, 200]],
  ["GET", "/-/ready", [200, 200, 200, 200, 200, 200]],
  ["GET", "/", [200, 200, 200, 200, 200, 200]],
  ["OPTIONS", "/api/v1/runs", [204, 204, 204, 204, 204, 204]],
  ["GET", "/api/v1/runs", [200, 401, 401, 200, 200, 200]],
  ["HEAD", "/api/v1/runs", [200, 401, 401, 200, 200, 200]],
  ["GET", RUN, [200, 401, 401, 200, 200, 200]],
  ["GET", "/api/v1/runs/other", [404, 401, 401, 404, 404, 404]],
  ["POST", "/api/v1/runs", [202, 401, 401, 403, 202, 202]],
  ["DELETE", RUN, [202, 401, 401, 403, 202, 202]],
  ["DELETE", "/api/v1/runs/other", [404, 401, 401, 403, 404, 404]],
  ["GET", `${RUN}/results?verdict=fail`, [200, 401, 401, 200, 200, 200]],
  ["GET", `${RUN}/events`, [200, 401, 401, 200, 200, 200]],
  ["HEAD", `${RUN}/events`, [405, 405, 405, 405, 405, 405]],
  ["GET", "/api/v1/gate/all", [200, 401, 401, 200, 200, 200]],
  ["HEAD", "/api/v1/gate/all", [200, 401, 401, 200, 200, 200]],
  ["POST", "/api/v1/gate/all", [200, 401, 401, 403, 200, 200]],
  ["GET", "/api/v1/gate/other", [404, 401, 401, 404, 404, 404]],
  ["POST", "/api/v1/gate/other", [404, 401, 401, 403, 404, 404]],
  ["POST", "/api/v1/gate/all/flagger", [400, 401, 401, 403, 400, 400]],
  ["POST", "/api/v1/gate/all/flagger/rollback", [400, 401, 401, 403, 400, 400]],
  ["GET", "/probe?device=pump-1&debug=true", [404, 401, 401, 403, 404, 404]],
  ["GET", "/probe", [400, 401, 401, 403, 400, 400]],
  ["HEAD", "/probe?device=pump-1", [405, 405, 405, 405, 405, 405]],
  ["POST", "/probe?device=pump-1", [405, 405, 405, 405, 405, 405]],
  ["GET", "/openapi.json", [200, 401, 401, 200, 200, 200]],
  ["POST", "/-/reload", [403, 401, 401, 403, 403, 200]],
  ["POST", "/-/pause", [403, 401, 401, 403, 403, 200]],
  ["POST", "/-/resume", [403, 401, 401, 403, 403, 200]],
  ["GET", "/-/reload", [405, 405, 405, 405, 405, 405]],
  ["PUT", "/api/v1/runs", [405, 405, 405, 405, 405, 405]],
  ["POST", "/metrics", [405, 405, 405, 405, 405, 405]],
  ["TRACE", "/metrics", [405, 405, 405, 405, 405, 405]],
  ["GET", "/api/v1", [404, 404, 404, 404, 404, 404]],
  ["GET", "/metrics/", [404, 404, 404, 404, 404, 404]],
  ["POST", "/nowhere", [404, 404, 404, 404, 404, 404]],
];

function writeTokens(folder: string): HttpToken[] {
  return Object.entries(TOKENS).map(([scope, token]) => {
    const tokenFile = join(folder, scope);
    writeFileSync(tokenFile, `${token}\n`);
    return { name: scope, tokenFile, scopes: [scope as Scope] };
  });
}

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

describe("who may do what", () => {
  it("is told by the status of every method, path and token", async () => {
    const ended = { ...summary(), status: "finished" as const };
    const options = {
      runs: recordingRuns({ get: (runId) => (runId === RUN_ID ? ended : null) }).runs,
      results: { results: () => [] },
      limits: { failedTokens: { burst: 1000, perSecond: 1 } },
    };
    const open = await startServer({}, options);
    const closed = await startServer({ tokens: writeTokens(temporaryFolder()) }, options);
    for (const [method, path, expected] of TABLE) {
      const found = [(await open.call(path, { method })).status];
      for (const headers of [{}, ...["wrong", ...Object.values(TOKENS)].map(bearer)]) {
        found.push((await closed.call(path, { method, headers })).status);
      }
      expect({ method, path, statuses: found }).toEqual({ method, path, statuses: expected });
    }
    expect(TABLE.length).toBeGreaterThan(25);
  });

  it("does not trigger anything that it refuses", async () => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({ tokens: writeTokens(temporaryFolder()) }, { runs });
    await server.call("/api/v1/runs", { method: "POST", headers: bearer(TOKENS.read) });
    await server.call("/api/v1/runs", { method: "POST" });
    expect(triggered).toEqual([]);
  });

  it("challenges as RFC 6750 says", async () => {
    const server = await startServer({ tokens: writeTokens(temporaryFolder()) });
    const challenge = async (headers: Record<string, string>) =>
      (await server.call("/api/v1/runs", { method: "POST", headers })).headers["www-authenticate"];
    expect(await challenge({})).toBe('Bearer realm="fleet-smoke"');
    expect(await challenge(bearer("wrong"))).toMatch(/error="invalid_token"/);
    expect(await challenge(bearer(TOKENS.read))).toMatch(/error="insufficient_scope", scope="trigger"/);
  });

  it.each([
    ["another scheme", `Basic ${TOKENS.admin}`],
    ["no scheme", TOKENS.admin],
    ["nothing after the scheme", "Bearer "],
    ["a token cut short", `Bearer ${TOKENS.admin.slice(0, -1)}`],
    ["a token with more behind it", `Bearer ${TOKENS.admin}x`],
    ["two tokens", `Bearer ${TOKENS.admin} ${TOKENS.read}`],
    ["the newline of the file, escaped", `Bearer ${TOKENS.admin}%0A`],
  ])("refuses %s", async (_name, authorization) => {
    const server = await startServer({ tokens: writeTokens(temporaryFolder()) });
    expect((await server.call("/api/v1/runs", { headers: { authorization } })).status).toBe(401);
  });

  it("takes the scheme in any case", async () => {
    const server = await startServer({ tokens: writeTokens(temporaryFolder()) });
    const headers = { authorization: `bearer ${TOKENS.read}` };
    expect((await server.call("/api/v1/runs", { headers })).status).toBe(200);
  });

  it("adds up the scopes of tokens that are the same", async () => {
    const folder = temporaryFolder();
    const tokenFile = join(folder, "both");
    writeFileSync(tokenFile, "both");
    const tokens: HttpToken[] = [
      { name: "a", tokenFile, scopes: ["read"] },
      { name: "b", tokenFile, scopes: ["trigger"] },
    ];
    const server = await startServer({ tokens });
    const { status } = await server.call("/api/v1/runs", { method: "POST", headers: bearer("both") });
    expect(status).toBe(202);
  });
});

describe("a token file", () => {
  async function serverWith(content: string | Buffer) {
    const tokenFile = join(temporaryFolder(), "token");
    writeFileSync(tokenFile, content);
    const server = await startServer({ tokens: [{ name: "ci", tokenFile, scopes: ["read"] }] });
    const status = async (token: string) =>
      (await server.call("/api/v1/runs", { headers: bearer(token) })).status;
    return { server, tokenFile, status };
  }

  it.each([
    ["no newline", "secret-1"],
    ["one newline", "secret-1\n"],
    ["a Windows newline", "secret-1\r\n"],
  ])("may end with %s", async (_name, content) => {
    const { status } = await serverWith(content);
    expect(await status("secret-1")).toBe(200);
  });

  it.each([
    ["empty", ""],
    ["one newline", "\n"],
    ["two newlines", "secret-1\n\n"],
    ["a space before the token", " secret-1"],
    ["over 4 KiB", "x".repeat(5_000)],
  ])("that is %s gives no access", async (_name, content) => {
    const { server, status } = await serverWith(content);
    for (const token of ["", "secret-1", content.trim()]) expect(await status(token)).toBe(401);
    expect((await server.call("/api/v1/runs")).status).toBe(401);
  });

  it("that is empty is told once, with the token's name", async () => {
    const { server, status } = await serverWith("");
    await status("a");
    await status("b");
    expect(server.log().match(/token gives no access/g)).toHaveLength(1);
    expect(server.log()).toMatch(/"token":"ci","reason":"is empty"/);
  });

  it("can be replaced while the server runs: the old token ends", async () => {
    const { tokenFile, status } = await serverWith("old-token");
    expect(await status("old-token")).toBe(200);
    writeFileSync(`${tokenFile}.new`, "new-token\n");
    renameSync(`${tokenFile}.new`, tokenFile);
    await expect.poll(() => status("new-token"), { timeout: 10_000 }).toBe(200);
    expect(await status("old-token")).toBe(401);
  });

  it("that is removed gives no access, and gives it again when it is back", async () => {
    const { tokenFile, status } = await serverWith("token-1");
    rmSync(tokenFile);
    await expect.poll(() => status("token-1"), { timeout: 10_000 }).toBe(401);
    writeFileSync(tokenFile, "token-1");
    await expect.poll(() => status("token-1"), { timeout: 10_000 }).toBe(200);
  });

  it("never shows in an answer or in the log", async () => {
    const { server, status } = await serverWith("planted-secret-4711");
    await status("planted-secret-4711");
    const answers = await Promise.all([
      server.call("/api/v1/runs?token=planted-secret-4711", { headers: bearer("planted-secret-4711") }),
      server.call("/planted-secret-4711", { headers: bearer("planted-secret-4711x") }),
      server.call("/api/v1/runs", { method: "POST", headers: bearer("planted-secret-4711") }),
    ]);
    const said = answers.map(({ headers, text }) => JSON.stringify(headers) + text).join() + server.log();
    expect(answers.map(({ status: each }) => each)).toEqual([400, 404, 403]);
    expect(said).not.toContain("planted-secret");
  });
});

describe("the Host header", () => {
  const host = (value: string) => ({ headers: { host: value } });

  it.each(["localhost", "localhost:1", "LOCALHOST", "127.0.0.1", "127.0.0.1:9464", "[::1]:9464", "[0:0::1]"])(
    "may be %s",
    async (value) => {
      const server = await startServer();
      expect((await server.call("/api/v1/runs", host(value))).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "user@localhost",
    "localhost:99999999",
    "localhost:evil",
    "[::1]evil",
    "localhost, evil.example",
  ])("may not be %j", async (value) => {
    const server = await startServer();
    for (const path of ["/", "/api/v1/runs", "/nowhere"]) {
      expect((await server.call(path, host(value))).status).toBe(421);
    }
    expect((await server.call("/api/v1/runs", { method: "POST", ...host(value) })).status).toBe(421);
  });

  it("may be a name of allowedHosts with any port", async () => {
    const server = await startServer({ allowedHosts: ["Smoke.example.com", "[fd00::1]"] });
    const status = async (value: string) => (await server.call("/", host(value))).status;
    expect(await status("smoke.EXAMPLE.com:8443")).toBe(200);
    expect(await status("[fd00:0:0::1]")).toBe(200);
    expect(await status("other.example.com")).toBe(421);
  });

  it("does not matter for health and metrics: probes and scrapes call by pod address", async () => {
    const server = await startServer();
    for (const path of ["/metrics", "/-/healthy", "/-/ready"]) {
      expect((await server.call(path, host("10.1.2.3:9464"))).status).toBe(200);
      expect((await server.call(path, { method: "POST", ...host("10.1.2.3:9464") })).status).toBe(421);
    }
  });

  it("may come once only", async () => {
    const server = await startServer();
    const answer = await raw(
      server.port,
      "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("cannot be overridden by an absolute target", async () => {
    const server = await startServer();
    for (const path of ["http://evil.example/api/v1/runs", "http://localhost/metrics", "*"]) {
      expect((await server.call(path)).status).toBe(400);
    }
  });

  it("has to be there", async () => {
    const server = await startServer();
    expect(await raw(server.port, "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 421 /,
    );
    expect(await raw(server.port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw(server.port, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("the Origin header", () => {
  it("may be our own", async () => {
    const server = await startServer({ allowedHosts: ["smoke.example.com"] });
    const own = await server.call("/api/v1/runs", { method: "POST", headers: { origin: server.url } });
    const headers = { host: "smoke.example.com:443", origin: "https://smoke.example.com" };
    const behindProxy = await server.call("/api/v1/runs", { method: "POST", headers });
    expect([own.status, behindProxy.status]).toEqual([202, 202]);
  });

  it.each([
    "http://evil.example",
    "null",
    "http://localhost:1",
    "http://127.0.0.1",
    "file://",
    "garbage",
    "",
  ])("may not be %j", async (origin) => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    const statuses = [];
    for (const method of ["POST", "GET", "OPTIONS", "DELETE", "PUT"]) {
      statuses.push((await server.call("/api/v1/runs", { method, headers: { origin } })).status);
    }
    statuses.push((await server.call("/-/reload", { method: "POST", headers: { origin } })).status);
    expect(statuses).toEqual(Array(6).fill(403));
    expect(triggered).toEqual([]);
  });

  it("is never granted access by a CORS header", async () => {
    const server = await startServer();
    for (const method of ["GET", "OPTIONS"]) {
      const { headers } = await server.call("/api/v1/runs", { method, headers: { origin: server.url } });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});
