import { createServer } from "node:net";
import { test } from "vitest";

test("leaves a server", () => {
  createServer().listen(0, "127.0.0.1");
});
