import { describe, expect, onTestFinished, test } from "vitest";
import { Secret } from "../../src/model/secret.ts";
import { connectRedis, type RedisServer } from "../../src/run/redis/connect.ts";
import { type RedisTestOptions, TestRedis } from "../support/redis.ts";

const PASSWORD = "p@ss/word:1";

async function server(options: RedisTestOptions = {}): Promise<TestRedis> {
  const redis = await TestRedis.start(options);
  onTestFinished(() => redis.stop());
  return redis;
}

function client(to: RedisServer, whenDown: "fail" | "wait" = "wait") {
  const troubles: string[] = [];
  const redis = connectRedis(to, { whenDown, name: "test", onTrouble: (each) => troubles.push(each) });
  onTestFinished(() => redis.disconnect());
  return { redis, troubles };
}

describe("a connection to Redis", () => {
  test("goes over TLS with the password of the URL", async () => {
    const { server: address } = await server({ tls: true, password: PASSWORD });
    expect(await client(address).redis.ping()).toBe("PONG");
  });

  test("does not trust a certificate of somebody else", async () => {
    const { server: address } = await server({ tls: true });
    const { redis, troubles } = client({ ...address, ca: null });
    await expect.poll(() => troubles.join()).toContain("certificate");
    expect(redis.status).not.toBe("ready");
  });

  test("never says the password when it is refused", async () => {
    const { port } = await server({ password: PASSWORD });
    const url = new Secret(`redis://${encodeURIComponent("nobody")}:wrong-secret@127.0.0.1:${port}`);
    const { troubles } = client({ url, ca: null });
    await expect.poll(() => troubles.join()).toContain("WRONGPASS");
    expect(troubles.join()).not.toContain("wrong-secret");
  });

  test("comes back after a crash of the server, which has kept what it was told", async () => {
    const crashing = await server();
    const { redis } = client(crashing.server);
    await redis.set("key", "value");
    await crashing.kill();
    const answer = redis.get("key");
    await crashing.resume();
    expect(await answer).toBe("value");
  });

  test("told to fail, does so while the server is away, and works again afterwards", async () => {
    const crashing = await server();
    const { redis } = client(crashing.server, "fail");
    await expect.poll(() => redis.status).toBe("ready");
    await crashing.kill();
    await expect.poll(() => redis.status).not.toBe("ready");
    await expect(redis.ping()).rejects.toThrow();
    await crashing.resume();
    await expect.poll(() => redis.ping().catch(() => null), { timeout: 10_000 }).toBe("PONG");
  });
});
