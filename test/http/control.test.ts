import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ControlPort } from "../../src/http/ports.ts";
import { NO_CONTROL, startServer, temporaryFolder } from "./http-support.ts";

const ADMIN = { authorization: "Bearer admin-secret" };

async function startWith(control: Partial<ControlPort>) {
  const tokenFile = join(temporaryFolder(), "admin.token");
  writeFileSync(tokenFile, "admin-secret\n");
  const told: unknown[][] = [];
  const server = await startServer(
    { tokens: [{ name: "ops", tokenFile, scopes: ["admin"] }] },
    {
      control: {
        ...NO_CONTROL,
        pause: (...asked) => {
          told.push(asked);
          return NO_CONTROL.pause(...asked);
        },
        ...control,
      },
    },
  );
  const post = (path: string, json?: unknown) =>
    server.call(path, { method: "POST", headers: ADMIN, ...(json === undefined ? {} : { json }) });
  return { server, post, told };
}

describe("POST /-/pause", () => {
  it.each([
    [undefined, ["ops", ""]],
    [{}, ["ops", ""]],
    [{ reason: " maintenance " }, ["ops", "maintenance"]],
  ])("takes %j", async (body, asked) => {
    const { post, told } = await startWith({});
    const { status, json } = await post("/-/pause", body);
    expect({ status, body: json() }).toMatchObject({ status: 200, body: { paused: { actor: "ops" } } });
    expect(told).toEqual([asked]);
  });

  it.each([
    [{ reason: "" }],
    [{ reason: "a\u0007b" }],
    [{ reason: "x".repeat(501) }],
    [{ reason: 1 }],
    [{ why: "x" }],
    [[]],
  ])("refuses %j", async (body) => {
    const { post, told } = await startWith({});
    expect((await post("/-/pause", body)).status).toBe(400);
    expect(told).toEqual([]);
  });

  it("takes no parameters", async () => {
    const { post } = await startWith({});
    expect((await post("/-/pause?reason=x")).status).toBe(400);
  });
});

describe("POST /-/resume", () => {
  it("says that nothing is paused", async () => {
    const { post } = await startWith({});
    expect((await post("/-/resume")).json()).toEqual({ paused: null });
  });
});

describe("POST /-/reload", () => {
  it("says what is wrong, line by line", async () => {
    const problems = ["c.yaml:3: targets[0].region: is unknown", "fleet.ndjson:7: id: is missing"];
    const { post } = await startWith({ reload: async () => ({ kind: "rejected", problems }) });
    const { status, headers, json } = await post("/-/reload");
    expect({ status, type: headers["content-type"], body: json() }).toMatchObject({
      status: 422,
      type: "application/problem+json",
      body: { status: 422, problems },
    });
  });

  it("answers 409 while another one is under way, and 200 when it is in force", async () => {
    const { post } = await startWith({
      reload: async () => ({ kind: "busy", reason: "a reload is under way" }),
    });
    expect(await post("/-/reload")).toMatchObject({ status: 409 });
    const { post: again } = await startWith({});
    expect((await again("/-/reload")).json()).toEqual({ reloaded: true });
  });
});

describe("a server that gets another configuration ready", () => {
  it("lets in by the old tokens until it is told to, and by the new ones from then on", async () => {
    const { server } = await startWith({});
    const tokenFile = join(temporaryFolder(), "new.token");
    writeFileSync(tokenFile, "new-secret");
    const config = { host: "127.0.0.1", port: 0, tls: null, allowedHosts: ["smoke.example.com"] };
    const commit = await server.prepare({
      ...config,
      tokens: [{ name: "new", tokenFile, scopes: ["read"] }],
    });
    const statuses = async () => {
      const ask = async (token: string, host: string) =>
        (await server.call("/api/v1/runs", { headers: { authorization: `Bearer ${token}`, host } })).status;
      return [
        await ask("admin-secret", "localhost"),
        await ask("new-secret", "localhost"),
        await ask("new-secret", "smoke.example.com"),
      ];
    };
    expect(await statuses()).toEqual([200, 401, 421]);
    commit();
    expect(await statuses()).toEqual([401, 200, 200]);
  });

  it("does not take one that would open the door", async () => {
    const { server } = await startWith({});
    const open = { host: "0.0.0.0", port: 0, tls: null, allowedHosts: [], tokens: [] };
    await expect(server.prepare(open)).rejects.toThrow("refuses to start with triggers and no token");
  });
});
