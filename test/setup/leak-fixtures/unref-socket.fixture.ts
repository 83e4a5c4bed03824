import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, test } from "vitest";

const server = createServer();

beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
});

afterAll(() => {
  server.close();
});

test("leaves a socket that nobody waits for", async () => {
  await once(connect((server.address() as AddressInfo).port, "127.0.0.1").unref(), "connect");
});
