import { createServer } from "node:net";
import { test } from "vitest";

test("leaves a pipe server", () => {
  // A name in Linux's abstract namespace: no file is left in a folder.
  createServer().listen(`\0leak-${process.pid}`);
});
