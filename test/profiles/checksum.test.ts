import { appendFile, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { KnownFiles } from "../../src/profiles/checksum.ts";
import { folderWith, minimal, ndjson, never, opened, readFleet, sourceOf } from "./fleet-support.ts";

const FILES = {
  "a.ndjson": ndjson([minimal("a"), minimal("b")]),
  "b.csv": "id,cohort,protocol,identity,clientId\nc,x,mqtt,dedicated,c\n",
  "c.json": JSON.stringify([minimal("d")]),
  "d.yaml": `- ${JSON.stringify(minimal("e"))}\n`,
};

async function fleetOf(folder: string) {
  return opened([sourceOf(folder, "*.{ndjson,csv,json,yaml}")]);
}

test("the checksum is that of a scan, whatever the format", async () => {
  const fleet = await fleetOf(await folderWith(FILES));
  const { scan, problems } = await readFleet(fleet);
  expect(problems).toEqual([]);
  expect(await fleet.checksum(new KnownFiles(), never)).toBe(scan.checksum);
});

afterEach(() => vi.useRealTimers());

/** A minute later by the clock: what was written now has settled. */
function minuteLater(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
}

test("what a scan or an earlier checksum read is not read again while nothing has touched it", async () => {
  const folder = await folderWith(FILES);
  minuteLater();
  for (const readBefore of ["scan", "checksum"] as const) {
    const known = new KnownFiles();
    const fleet = await fleetOf(folder);
    if (readBefore === "scan") await fleet.scan(() => {}, never, { known });
    else await fleet.checksum(known, never);
    // Reading looks at the signal, knowing does not.
    const aborted = AbortSignal.abort(new Error("it was read"));
    await expect((await fleetOf(folder)).checksum(known, aborted)).resolves.toMatch(/^[0-9a-f]{64}$/);
    await expect((await fleetOf(folder)).checksum(new KnownFiles(), aborted)).rejects.toThrow("it was read");
  }
});

test("a change of the same size under the same time is noticed, in place and as another file", async () => {
  const folder = await folderWith(FILES);
  const file = join(folder, "a.ndjson");
  const { mtime, ctimeMs } = await stat(file);
  // Not within the same tick of the file system's clock.
  const untouch = () =>
    vi.waitFor(async () => {
      await utimes(file, mtime, mtime);
      expect((await stat(file)).ctimeMs).toBeGreaterThan(ctimeMs);
    });
  const known = new KnownFiles();
  minuteLater();
  const seen = new Set([await (await fleetOf(folder)).checksum(known, never)]);
  const before = await readFile(file, "utf8");
  await writeFile(file, before.replace('"b"', '"x"'));
  await untouch();
  seen.add(await (await fleetOf(folder)).checksum(known, never));
  await writeFile(join(folder, "next"), before.replace('"b"', '"y"'));
  await utimes(join(folder, "next"), mtime, mtime);
  await rename(join(folder, "next"), file);
  seen.add(await (await fleetOf(folder)).checksum(known, never));
  await appendFile(file, "\n");
  seen.add(await (await fleetOf(folder)).checksum(known, never));
  await rm(join(folder, "c.json"));
  seen.add(await (await fleetOf(folder)).checksum(known, never));
  expect(seen.size).toBe(5);
});

test("a file that was written just now is read again: its next change may carry the same time", async () => {
  const folder = await folderWith(FILES);
  const known = new KnownFiles();
  await (await fleetOf(folder)).checksum(known, never);
  const aborted = AbortSignal.abort(new Error("it was read"));
  await expect((await fleetOf(folder)).checksum(known, aborted)).rejects.toThrow("it was read");
});

test("a file that cannot be read changes the checksum", async () => {
  const folder = await folderWith(FILES);
  const fleet = await fleetOf(folder);
  const first = await fleet.checksum(new KnownFiles(), never);
  await rm(join(folder, "a.ndjson"));
  expect(await fleet.checksum(new KnownFiles(), never)).not.toBe(first);
});

test("an aborted reading throws the reason", async () => {
  const fleet = await fleetOf(await folderWith(FILES));
  await expect(fleet.checksum(new KnownFiles(), AbortSignal.abort(new Error("stop")))).rejects.toThrow(
    "stop",
  );
});
