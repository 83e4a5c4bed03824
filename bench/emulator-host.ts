/** Runs the emulator for the soak and, when asked, collects garbage and says what it still holds. */
import { readdirSync } from "node:fs";
import { loadEmulatorConfig } from "../src/emulator/config.ts";
import { startEmulator } from "../src/emulator/emulator.ts";

const loaded = await loadEmulatorConfig(process.argv[2] ?? "");
if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
const { api, gateway, caFile } = await startEmulator(loaded.config);

process.on("message", () => {
  // Twice: the first one lets finalizers run, the second takes what they freed.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    // Linux only.
    const handles = readdirSync("/proc/self/fd").length;
    process.send?.({ heldMb: megabytes(heapUsed + external), rssMb: megabytes(rss), handles });
  });
});
process.on("disconnect", () => process.exit());
process.send?.({ api, gateway, caFile });

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}
