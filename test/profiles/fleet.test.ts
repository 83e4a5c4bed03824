import { appendFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { openFleet } from "../../src/profiles/fleet.ts";
import { SourceChangedError } from "../../src/profiles/source-bytes.ts";
import {
  collect,
  folderWith,
  minimal,
  ndjson,
  never,
  opened,
  optionsWith,
  readableOf,
  readFleet,
  sourceOf,
} from "./fleet-support.ts";

const THREE = ndjson([minimal("a"), minimal("b"), minimal("c")]);

test("a file that changed its size or time since the scan stops the second pass before its first profile", async () => {
  const folder = await folderWith({ "f.ndjson": THREE });
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  await readFleet(fleet);
  await utimes(join(folder, "f.ndjson"), 1, 1);
  await expect(fleet.profiles(never).next()).rejects.toThrow(SourceChangedError);
  await readFleet(fleet);
  await appendFile(join(folder, "f.ndjson"), "\n");
  await expect(fleet.profiles(never).next()).rejects.toThrow(
    "f.ndjson has changed since its profiles were checked",
  );
  await rm(join(folder, "f.ndjson"));
  await expect(fleet.profiles(never).next()).rejects.toThrow(SourceChangedError);
});

test("a file that changes under its old size and time is noticed at its end", async () => {
  const folder = await folderWith({ "f.ndjson": THREE });
  const file = join(folder, "f.ndjson");
  await utimes(file, 1000, 1000);
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  await readFleet(fleet);
  await writeFile(file, THREE.replaceAll('"b"', '"x"'));
  await utimes(file, 1000, 1000);
  const seen: string[] = [];
  const reading = async () => {
    for await (const profile of fleet.profiles(never)) seen.push(profile.id);
  };
  await expect(reading()).rejects.toThrow(SourceChangedError);
  expect(seen).toEqual(["a", "x", "c"]);
});

test("a profile that turned invalid under its old size and time is not run", async () => {
  const folder = await folderWith({ "f.ndjson": THREE });
  const file = join(folder, "f.ndjson");
  await utimes(file, 1000, 1000);
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  await readFleet(fleet);
  await writeFile(file, THREE.replace('"mqtt"', '"nope"'));
  await utimes(file, 1000, 1000);
  await expect(collect(fleet.profiles(never))).rejects.toThrow(SourceChangedError);
});

test("a file that vanishes between opening and the scan is a problem, and the others are read", async () => {
  const folder = await folderWith({ "a.ndjson": THREE, "b.ndjson": ndjson([minimal("d")]) });
  const fleet = await opened([sourceOf(folder, "*.ndjson")]);
  await rm(join(folder, "a.ndjson"));
  const { problems, profiles, scan } = await readFleet(fleet);
  expect(problems).toEqual([
    { file: "a.ndjson", line: null, field: null, message: "the file does not exist" },
  ]);
  expect(profiles.map(({ id }) => id)).toEqual(["d"]);
  expect(scan.invalid).toBe(1);
});

test("counts are per target and cohort, one check for each protocol", async () => {
  const text = ndjson([
    minimal("a", { cohort: "x", target: "eu" }),
    minimal("b", { cohort: "x", target: "us", protocol: ["mqtt", "wss"] }),
    minimal("c", { cohort: "x", target: "eu", protocol: ["mqtt", "wss", "https"], topic: "t" }),
    minimal("d", { cohort: "y", target: "eu", mqttVersion: 3 }),
  ]);
  const folder = await folderWith({ "f.ndjson": text });
  const fleet = await opened([sourceOf(folder, "f.ndjson")], { targets: ["eu", "us"] });
  expect((await readFleet(fleet)).scan).toEqual({
    profiles: 3,
    invalid: 1,
    checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    groups: [
      { target: "eu", cohort: "x", profiles: 2, checks: 4 },
      { target: "us", cohort: "x", profiles: 1, checks: 2 },
    ],
  });
});

test("an aborted scan throws the reason; an aborted second pass ends", async () => {
  const folder = await folderWith({ "f.ndjson": THREE });
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  const reason = new Error("enough");
  await expect(fleet.scan(() => {}, AbortSignal.abort(reason))).rejects.toBe(reason);
  await readFleet(fleet);
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const profile of fleet.profiles(stop.signal)) {
    seen.push(profile.id);
    stop.abort();
  }
  expect(seen).toEqual(["a"]);
});

test("two second passes at once do not disturb each other, also over standard input", async () => {
  const fleet = await opened([sourceOf("/", "-")], { stdin: readableOf(THREE) });
  await readFleet(fleet);
  const both = await Promise.all([collect(fleet.profiles(never)), collect(fleet.profiles(never))]);
  expect(both.map((profiles) => profiles.map(({ id }) => id))).toEqual([
    ["a", "b", "c"],
    ["a", "b", "c"],
  ]);
});

test("standard input leaves no file behind, not even while it is used", async () => {
  const tempFolder = await folderWith({});
  const fleet = await opened([sourceOf("/", "-")], { stdin: readableOf(THREE), tempFolder });
  const { profiles } = await readFleet(fleet);
  expect(profiles.map(({ origin }) => origin)).toEqual([1, 2, 3].map((line) => ({ file: "-", line })));
  expect(await readdir(tempFolder)).toEqual([]);
});

test("standard input that cannot be kept is a problem that says why", async () => {
  const source = [sourceOf("/", "-")];
  const nowhere = await openFleet(source, optionsWith({ stdin: readableOf(THREE), tempFolder: "/nowhere" }));
  const broken = new Readable({
    read() {
      this.destroy(Object.assign(new Error("planted-secret"), { code: "EIO" }));
    },
  });
  const failing = await openFleet(source, optionsWith({ stdin: broken }));
  const message = (code: string) => `standard input cannot be kept in a temporary file (${code})`;
  expect([nowhere, failing]).toEqual(
    ["ENOENT", "EIO"].map((code) => ({
      kind: "invalid",
      problems: [{ file: "-", line: null, field: null, message: message(code) }],
    })),
  );
});

test("a path that looks like a pattern but is there is read as it is", async () => {
  const folder = await folderWith({ "f[1].ndjson": THREE });
  const { profiles } = await readFleet(await opened([sourceOf(folder, "f[1].ndjson")]));
  expect(profiles).toHaveLength(3);
});

test("relative paths of a profile start at its file's folder, the command at the source's", async () => {
  const folder = await folderWith({
    "fleet/f.ndjson": ndjson([minimal("a", { tls: { certFile: "c.pem", keyFile: "k.pem" } })]),
    "fleet/c.pem": "x",
    "fleet/k.pem": "x",
  });
  const fleet = await opened([sourceOf(folder, "fleet/f.ndjson", { exec: ["cmd"] })]);
  const [profile] = (await readFleet(fleet)).profiles;
  expect(profile).toMatchObject({
    baseFolder: join(folder, "fleet"),
    exec: { command: ["cmd"], cwd: folder },
    tls: { certFile: join(folder, "fleet/c.pem"), keyFile: join(folder, "fleet/k.pem") },
  });
});

test("30,000 profiles are read without being held", async () => {
  const folder = await folderWith({});
  const file = join(folder, "f.ndjson");
  await writeFile(
    file,
    Readable.from(
      (function* () {
        for (let id = 0; id < 30_000; id += 1)
          yield ndjson([minimal(`d-${id}`, { password: "x".repeat(200) })]);
      })(),
    ),
  );
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  const scan = await fleet.scan(() => expect.fail("a problem"), never);
  expect(scan.profiles).toBe(30_000);
  const seen: WeakRef<object>[] = [];
  let count = 0;
  for await (const profile of fleet.profiles(never)) {
    count += 1;
    if (count % 1000 === 0) seen.push(new WeakRef(profile));
  }
  expect(count).toBe(30_000);
  await new Promise(setImmediate);
  collectGarbage();
  expect(seen.filter((each) => each.deref() !== undefined)).toEqual([]);
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
