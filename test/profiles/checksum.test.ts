import { appendFile, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { KnownFiles } from "../../src/profiles/checksum.ts";
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
  expect(await fleet.checksum(new Map(), never)).toBe(scan.checksum);
});

test("files are read again only where their size or time changed, and forgotten when they leave", async () => {
  const folder = await folderWith(FILES);
  const known: KnownFiles = new Map();
  const first = await (await fleetOf(folder)).checksum(known, never);
  const file = join(folder, "a.ndjson");
  await utimes(file, 1000, 1000);
  expect(await (await fleetOf(folder)).checksum(known, never)).toBe(first);
  // Under its old size and time: nobody reads it, which shows that what was known was used.
  const before = await readFile(file, "utf8");
  await writeFile(file, before.replace('"b"', '"x"'));
  await utimes(file, 1000, 1000);
  expect(await (await fleetOf(folder)).checksum(known, never)).toBe(first);
  await appendFile(file, "\n");
  expect(await (await fleetOf(folder)).checksum(known, never)).not.toBe(first);
  await writeFile(file, before);
  expect(await (await fleetOf(folder)).checksum(known, never)).toBe(first);
  await rm(join(folder, "c.json"));
  expect(await (await fleetOf(folder)).checksum(known, never)).not.toBe(first);
  expect(known.size).toBe(3);
});

test("a file that cannot be read changes the checksum", async () => {
  const folder = await folderWith(FILES);
  const fleet = await fleetOf(folder);
  const first = await fleet.checksum(new Map(), never);
  await rm(join(folder, "a.ndjson"));
  expect(await fleet.checksum(new Map(), never)).not.toBe(first);
});

test("an aborted reading throws the reason", async () => {
  const fleet = await fleetOf(await folderWith(FILES));
  await expect(fleet.checksum(new Map(), AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
});
