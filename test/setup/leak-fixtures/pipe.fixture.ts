import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";

test("leaves a pipe server", () => {
  createServer().listen(join(tmpdir(), `leak-${process.pid}.sock`));
});
