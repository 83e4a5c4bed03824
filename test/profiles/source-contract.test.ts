import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { ProfileSource } from "../../src/model/config.ts";
import type { FleetOptions } from "../../src/profiles/fleet.ts";
import {
  folderWith,
  minimal,
  ndjson,
  opened,
  plain,
  type ReadFleet,
  readableOf,
  readFleet,
  shown,
  sourceOf,
} from "./fleet-support.ts";
import { anyProfile, csv, type RawObject } from "./profile-texts.ts";

interface Written {
  readonly source: ProfileSource;
  readonly options: Partial<FleetOptions>;
}

/** Each kind of source: writes a fleet and says how to open it. */
const KINDS: Readonly<Record<string, (fleet: readonly RawObject[]) => Promise<Written>>> = {
  ndjson: async (fleet) => inFile("fleet.ndjson", ndjson(fleet)),
  jsonl: async (fleet) => inFile("fleet.jsonl", ndjson(fleet)),
  json: async (fleet) => inFile("fleet.json", JSON.stringify(fleet, null, 2)),
  "json on one line": async (fleet) => inFile("fleet.json", JSON.stringify(fleet)),
  "yaml, indented": async (fleet) =>
    inFile("fleet.yml", `---\n# a fleet\n${stringify(fleet).replace(/^(?=.)/gm, "  ")}`),
  "yaml in flow style": async (fleet) => inFile("fleet.yml", JSON.stringify(fleet, null, 1)),
  yaml: async (fleet) => inFile("fleet.yaml", stringify(fleet)),
  csv: async (fleet) => inFile("fleet.csv", csv(fleet)),
  folder: async (fleet) => {
    const half = Math.ceil(fleet.length / 2);
    const folder = await folderWith({
      "fleet/a.ndjson": ndjson(fleet.slice(0, half)),
      "fleet/b.json": JSON.stringify(fleet.slice(half)),
      "fleet/notes.txt": "not a profile",
      "fleet/.hidden.ndjson": "not read",
    });
    return { source: sourceOf(folder, "fleet"), options: {} };
  },
  glob: async (fleet) => {
    const half = Math.ceil(fleet.length / 2);
    const folder = await folderWith({
      "eu/one/fleet.ndjson": ndjson(fleet.slice(0, half)),
      "eu/two/fleet.yaml": stringify(fleet.slice(half)),
      "us/fleet.ndjson": "not read",
    });
    return { source: sourceOf(folder, "eu/**/fleet.*"), options: {} };
  },
  "standard input": async (fleet) => {
    const bytes = Buffer.from(ndjson(fleet));
    const cut = Math.floor(bytes.length / 3);
    const stdin = readableOf(bytes.subarray(0, cut), bytes.subarray(cut));
    return { source: sourceOf(tmpdir(), "-"), options: { stdin } };
  },
};

async function inFile(name: string, text: string): Promise<Written> {
  return { source: sourceOf(await folderWith({ [name]: text }), name), options: {} };
}

async function read(kind: (fleet: readonly RawObject[]) => Promise<Written>, fleet: readonly RawObject[]) {
  const { source, options } = await kind(fleet);
  return readFleet(await opened([source], options));
}

const FULL: readonly RawObject[] = [
  {
    id: "pump-0001",
    cohort: "pumps",
    target: "eu",
    protocol: ["mqtt", "wss"],
    mqttVersion: 5,
    authorizer: "fleet-jwt",
    clientId: "pump-0001",
    username: "pump-0001",
    password: "pa,ss\"word'\n- tail: x",
    token: { key: "x-token", value: "eyJ", signature: "c2ln" },
    credentialsIn: "username",
    headers: { "X-Device": "a, b", "x.dotted": "c" },
    queryString: "a=b&c=d",
    topic: "smoke/pump-0001",
    identity: "dedicated",
    connect: {
      cleanSession: false,
      sessionExpirySeconds: 30,
      keepAliveSeconds: 0,
      will: { topic: "smoke/will", payload: "gone", qos: 1 },
    },
    tls: {
      serverName: "a1-ats.iot.eu-west-1.amazonaws.com",
      alpn: ["mqtt", "x"],
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      groups: "X25519:P-256",
    },
    expect: {
      access: "allow",
      publish: { allow: ["d/{id}/{clientId}"], deny: ["other/x"] },
      subscribe: { allow: ["s/+"] },
      principalId: "pump",
      refreshAfterSeconds: [300, 86_400],
      preset: "shadow",
    },
    labels: { firmware: "4.2.0", "line 3": "ü" },
  },
  minimal("pump-0002"),
  minimal("pump-0003", { protocol: "https", topic: "smoke/3", clientId: undefined, expect: "deny" }),
  minimal("pump-0004", { connect: { will: null }, token: { key: "t", jwt: "a.b.c" } }),
];

const NO_TOPICS = { allow: [], deny: [] };
const DEFAULTS = {
  cohort: "default",
  target: "eu",
  mqttVersion: 4,
  authorizer: null,
  username: null,
  password: null,
  token: null,
  credentialsIn: null,
  headers: {},
  queryString: null,
  topic: null,
  identity: "dedicated",
  connect: {
    cleanSession: true,
    sessionExpirySeconds: 0,
    sessionStated: false,
    keepAliveSeconds: 60,
    will: null,
  },
  tls: {
    serverName: null,
    alpn: null,
    certFile: null,
    keyFile: null,
    minVersion: null,
    maxVersion: null,
    groups: null,
  },
  expect: {
    access: "allow",
    publish: NO_TOPICS,
    subscribe: NO_TOPICS,
    receive: NO_TOPICS,
    principalId: null,
    refreshAfterSeconds: null,
    disconnectAfterSeconds: null,
    preset: null,
  },
  labels: {},
  exec: null,
};

/** What FULL reads as; credentials are marked. */
const READ = [
  {
    ...DEFAULTS,
    ...FULL[0],
    protocol: undefined,
    protocols: ["mqtt", "wss"],
    username: "secret:pump-0001",
    password: "secret:pa,ss\"word'\n- tail: x",
    token: { key: "x-token", kind: "value", value: "secret:eyJ", signature: "secret:c2ln" },
    connect: { ...(FULL[0]?.connect as object), sessionStated: true },
    headers: { "X-Device": "secret:a, b", "x.dotted": "secret:c" },
    queryString: "secret:a=b&c=d",
    tls: {
      serverName: "a1-ats.iot.eu-west-1.amazonaws.com",
      alpn: ["mqtt", "x"],
      certFile: null,
      keyFile: null,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      groups: "X25519:P-256",
    },
    expect: {
      access: "allow",
      publish: { allow: ["d/pump-0001/pump-0001"], deny: ["other/x"] },
      subscribe: { allow: ["s/+"], deny: [] },
      receive: NO_TOPICS,
      principalId: "pump",
      refreshAfterSeconds: [300, 86_400],
      disconnectAfterSeconds: null,
      preset: "shadow",
    },
  },
  { ...DEFAULTS, id: "pump-0002", protocols: ["mqtt"], clientId: "pump-0002" },
  {
    ...DEFAULTS,
    id: "pump-0003",
    protocols: ["https"],
    clientId: null,
    topic: "smoke/3",
    expect: { ...DEFAULTS.expect, access: "deny" },
  },
  {
    ...DEFAULTS,
    id: "pump-0004",
    protocols: ["mqtt"],
    clientId: "pump-0004",
    token: { key: "t", kind: "jwt", jwt: "secret:a.b.c" },
  },
];

describe.each(Object.entries(KINDS))("%s", (_name, kind) => {
  test("gives every field of the profile, in order", async () => {
    const { profiles, problems, scan } = await read(kind, FULL);
    expect(problems.map(shown)).toEqual([]);
    expect(profiles.map(plain)).toEqual(READ);
    expect(scan.groups).toEqual([
      { target: "eu", cohort: "pumps", profiles: 1, checks: 2 },
      { target: "eu", cohort: "default", profiles: 3, checks: 3 },
    ]);
  });

  test("tells a bad profile by file, line and field, and reads the others", async () => {
    const secret = "planted-secret-1";
    const fleet = [minimal("a"), minimal("b", { mqttVersion: 3, password: secret }), minimal("c")];
    const { profiles, problems, scan } = await read(kind, fleet);
    expect(profiles.map(({ id }) => id)).toEqual(["a", "c"]);
    expect(scan.invalid).toBe(1);
    expect(problems.map(({ field, message }) => [field, message])).toEqual([
      ["mqttVersion", "expected 4 or 5"],
    ]);
    expect(problems[0]?.line).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(problems)).not.toContain(secret);
  });

  test("can be read again and again", async () => {
    const { source, options } = await kind([minimal("a"), minimal("b")]);
    const fleet = await opened([source], options);
    const first: ReadFleet = await readFleet(fleet);
    const second = await readFleet(fleet);
    expect(second.profiles.map(plain)).toEqual(first.profiles.map(plain));
  });
});

test("property: a profile reads back the same from every format", async () => {
  const formats = ["ndjson", "json", "json on one line", "yaml", "csv", "standard input"];
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyProfile, { selector: ({ id }) => id, minLength: 1, maxLength: 4 }),
      async (fleet) => {
        const [reference, ...others] = await Promise.all(
          formats.map(async (format) => read(KINDS[format] ?? expect.fail(format), fleet)),
        );
        expect(reference?.problems.map(shown)).toEqual([]);
        expect(reference?.profiles.map(({ id }) => id)).toEqual(fleet.map(({ id }) => id));
        for (const other of others) {
          expect(other.problems.map(shown)).toEqual([]);
          expect(other.profiles.map(plain)).toEqual(reference?.profiles.map(plain));
        }
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
});

test("files of a folder may be links, as they are where a volume is mounted", async () => {
  const folder = await folderWith({});
  await mkdir(join(folder, "fleet/..data"), { recursive: true });
  await writeFile(join(folder, "fleet/..data/real"), ndjson([minimal("a")]));
  await rename(join(folder, "fleet/..data/real"), join(folder, "fleet/..data/a.ndjson"));
  await symlink("..data/a.ndjson", join(folder, "fleet/a.ndjson"));
  const { profiles } = await readFleet(await opened([sourceOf(folder, "fleet")]));
  expect(profiles.map(({ id, origin }) => [id, origin.file])).toEqual([["a", "fleet/a.ndjson"]]);
});
