import { defineConfig } from "vitest/config";

/** The fixtures fail on purpose: only leaks.test.ts runs them. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.fixture.ts"],
    setupFiles: ["../leaks.ts"],
    pool: "forks",
    maxWorkers: 2,
  },
});
