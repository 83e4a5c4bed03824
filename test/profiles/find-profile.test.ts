import { rm } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FoundProfile } from "../../src/profiles/find-profile.ts";
import {
  folderWith,
  minimal,
  ndjson,
  never,
  opened,
  plain,
  readableOf,
  readFleet,
  shown,
  sourceOf,
} from "./fleet-support.ts";

async function find(id: string, files: Readonly<Record<string, string>>, env = {}): Promise<FoundProfile> {
  const folder = await folderWith(files);
  const fleet = await opened([sourceOf(folder, "*")], { env });
  return fleet.find(id, never);
}

function problemsIn(found: FoundProfile): string[] {
  return found.kind === "missing" ? found.problems.map(shown) : [];
}

test("a device is found in any file, exactly as a run reads it", async () => {
  const files = {
    "a.ndjson": ndjson([minimal("a"), minimal("b")]),
    "b.json": JSON.stringify([minimal("c", { cohort: "valves", expect: "deny" })]),
    "c.csv": "id,protocol,clientId,identity\nd,mqtt,d,dedicated\n",
    "d.yaml": "- { id: e, protocol: mqtt, clientId: e, identity: device }\n",
  };
  const folder = await folderWith(files);
  const fleet = await opened([sourceOf(folder, "*")]);
  const { profiles } = await readFleet(fleet);
  expect(profiles).toHaveLength(5);
  for (const profile of profiles) {
    const found = await fleet.find(profile.id, never);
    expect(found.kind === "found" && plain(found.profile)).toEqual(plain(profile));
  }
});

test("the first valid use of an id counts, as in a run", async () => {
  const invalid = { ...minimal("a"), nonsense: 1 };
  const lines = ndjson([invalid, minimal("a", { cohort: "second" }), minimal("a", { cohort: "third" })]);
  const found = await find("a", { "f.ndjson": lines });
  expect(found).toMatchObject({ kind: "found", profile: { cohort: "second" } });
});

test("an id may refer to a variable", async () => {
  const lines = ndjson([minimal("other"), { ...minimal("x"), id: "pump-${env:NUMBER}" }]);
  const found = await find("pump-7", { "f.ndjson": lines }, { NUMBER: "7" });
  expect(found).toMatchObject({ kind: "found", profile: { id: "pump-7" } });
});

test("other profiles may be as invalid as they like", async () => {
  const lines = ndjson([{ id: "odd" }, { id: 7 }, [], "text", minimal("a")]);
  expect(await find("a", { "f.ndjson": `{no json\n${lines}` })).toMatchObject({ kind: "found" });
});

test("where it is missing it is said what may have been meant, and nothing about others", async () => {
  const lines = `${ndjson([{ id: "other" }, { id: "a", protocol: "mqtt" }])}{no json\n`;
  const problems = problemsIn(await find("a", { "f.ndjson": lines }));
  expect(problems.length).toBeGreaterThan(1);
  expect(problems.every((each) => /^f\.ndjson \| [23] \| /.test(each))).toBe(true);
});

test("no more than a screenful is said", async () => {
  const problems = problemsIn(await find("a", { "f.ndjson": "{no json\n".repeat(500) }));
  expect(problems).toHaveLength(20);
});

test("a file that is gone is said, and the others are read", async () => {
  const folder = await folderWith({ "a.ndjson": ndjson([minimal("a")]), "b.ndjson": ndjson([minimal("b")]) });
  const fleet = await opened([sourceOf(folder, "*.ndjson")]);
  await rm(join(folder, "a.ndjson"));
  expect(await fleet.find("b", never)).toMatchObject({ kind: "found" });
  expect(problemsIn(await fleet.find("a", never))).toEqual(["a.ndjson | - | - | the file does not exist"]);
});

test("standard input is one more source", async () => {
  const folder = await folderWith({});
  const stdin = readableOf(ndjson([minimal("a"), minimal("b")]));
  const fleet = await opened([sourceOf(folder, "-")], { stdin });
  expect(await fleet.find("b", never)).toMatchObject({ kind: "found", profile: { id: "b" } });
});

test("an abort ends it with its reason", async () => {
  const folder = await folderWith({ "f.ndjson": ndjson([minimal("a")]) });
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  await expect(fleet.find("a", AbortSignal.abort("enough"))).rejects.toBe("enough");
});

test("any id is found or not, and never another", async () => {
  const ids = ["a", "b", "c d", "é", "__proto__", "constructor"];
  const folder = await folderWith({ "f.ndjson": ndjson(ids.map((id) => minimal(id, { clientId: "x" }))) });
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom(...ids), fc.string({ unit: "binary" })), async (id) => {
      const found = await fleet.find(id, never);
      expect(found.kind === "found" ? found.profile.id : null).toBe(ids.includes(id) ? id : null);
    }),
    { numRuns: 50 },
  );
});
