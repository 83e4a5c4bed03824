import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, test } from "vitest";

const server = createServer().listen(0, "127.0.0.1");

afterAll(() => {
  server.close();
});

test("leaves a socket", async () => {
  await once(connect((server.address() as AddressInfo).port, "127.0.0.1"), "connect");
});
