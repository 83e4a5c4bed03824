import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createWebServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

let shared: Server;
const web = createWebServer((_, response) => response.end("ok"));

beforeAll(async () => {
  shared = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(shared, "listening");
  await once(web.listen(0, "127.0.0.1"), "listening");
});

afterAll(() => {
  web.close();
  shared.close();
});

test("uses the file's server and closes its own socket", async () => {
  const socket = connect((shared.address() as AddressInfo).port, "127.0.0.1").resume();
  await once(socket, "close");
});

test("fetches over a pooled connection that goes when the file's server does", async () => {
  const response = await fetch(`http://127.0.0.1:${(web.address() as AddressInfo).port}/`);
  expect(await response.text()).toBe("ok");
});

test("closes its server after the test, as cleanups do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
});

test("waits for its child", async () => {
  const [code] = await once(spawn(process.execPath, ["-e", ""]), "exit");
  expect(code).toBe(0);
});

test("leaves an unref'd timer and polls with vitest's own", async () => {
  setTimeout(() => {}, 60_000).unref();
  let polls = 0;
  await expect.poll(() => ++polls).toBe(3);
});
