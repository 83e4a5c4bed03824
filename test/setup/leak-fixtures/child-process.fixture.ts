import { spawn } from "node:child_process";
import { test } from "vitest";

// Ends by itself, so that even a checker that is broken leaves nothing behind for long.
test("leaves a child process", () => {
  spawn(process.execPath, ["-e", "setTimeout(() => {}, 8000)"], { stdio: "ignore" }).unref();
});
