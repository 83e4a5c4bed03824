import { expect, test } from "vitest";
import { openFleet } from "../../src/profiles/fleet.ts";
import {
  folderWith,
  minimal,
  ndjson,
  opened,
  optionsWith,
  readableOf,
  readFile,
  readFleet,
  shown,
  sourceOf,
} from "./fleet-support.ts";

const SECRET = "planted-secret-4711";
const GOOD = JSON.stringify(minimal("good"));

interface Bad {
  readonly what: string;
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly problems: readonly string[];
  /** Ids of what is read all the same. */
  readonly read: readonly string[];
}

const secretProfile = (id: string, more: Record<string, unknown> = {}) =>
  minimal(id, { password: SECRET, ...more });

const TABLE: readonly Bad[] = [
  {
    what: "a duplicate id names the line of the first use",
    name: "f.ndjson",
    content: ndjson([minimal("a"), minimal("b"), "", minimal("a")]).replace('""\n', "\n"),
    problems: ["f.ndjson | 4 | id | duplicate id, used first on line 1"],
    read: ["a", "b"],
  },
  {
    what: "an unknown key is an error, and a near miss is pointed out",
    name: "f.ndjson",
    content: ndjson([secretProfile("a", { client_id: SECRET, topics: SECRET, tls: { sni: SECRET } })]),
    problems: [
      "f.ndjson | 1 | client_id | unknown key; did you mean clientId?",
      "f.ndjson | 1 | topics | unknown key",
      "f.ndjson | 1 | tls.sni | unknown key",
    ],
    read: [],
  },
  {
    what: "a secret that became a key is not repeated",
    name: "f.ndjson",
    content: ndjson([minimal("a", { [`${SECRET}!=x`]: 1, connect: { [`x ${SECRET}`]: 1 } })]),
    problems: ["f.ndjson | 1 | - | unknown key", "f.ndjson | 1 | connect | unknown key"],
    read: [],
  },
  {
    what: "a key that stands twice in one object of JSON is an error: which one counts would be chance",
    name: "f.ndjson",
    content: `{"id":"a","protocol":"mqtt","identity":"device","clientId":"a","identity":"dedicated"}
{"id":"b","protocol":"mqtt","identity":"dedicated","clientId":"b","tls":{"alpn":[],"\\u0061lpn":["mqtt"]}}
{"id":"c","protocol":"mqtt","identity":"dedicated","clientId":"c","password":"{,\\"id\\":","labels":{"id":"x"}}
${GOOD}
`,
    problems: [
      "f.ndjson | 1 | identity | the key stands here twice",
      "f.ndjson | 2 | tls.alpn | the key stands here twice",
    ],
    read: ["c", "good"],
  },
  {
    what: "a key that stands twice in a JSON list names the line of the second",
    name: "f.json",
    content: `[${GOOD},
{"id":"a","protocol":"mqtt","identity":"dedicated","clientId":"a",
"expect":{"publish":{"allow":["x"],
"allow":["y"]}}}]`,
    problems: ["f.json | 4 | expect.publish.allow | the key stands here twice"],
    read: ["good"],
  },
  {
    what: "a key that stands twice in a CSV cell of JSON",
    name: "f.csv",
    content: 'id,protocol,identity,clientId,labels\na,mqtt,dedicated,a,"{""x"":""1"",""x"":""2""}"\n',
    problems: ["f.csv | 2 | labels.x | the key stands here twice"],
    read: [],
  },
  {
    what: "a stray quote in CSV does not hide the rows up to the next one",
    name: "f.csv",
    content:
      'id,protocol,identity,clientId\na,mqtt,dedicated,5" a\nb,mqtt,dedicated,b\nc,mqtt,dedicated,6" c\nd,mqtt,dedicated,d\n',
    problems: [
      "f.csv | 2 | - | not valid CSV: a quote inside a cell must be doubled",
      "f.csv | 4 | - | expected a closing quote within 1 MiB",
    ],
    read: ["b", "d"],
  },
  {
    what: "an empty file is a problem",
    name: "f.ndjson",
    content: "",
    problems: ["f.ndjson | - | - | no profiles in this file"],
    read: [],
  },
  ...["f.json", "f.yaml", "f.csv"].map((name) => ({
    what: `an empty ${name} is a problem`,
    name,
    content: " \n\n",
    problems: [`${name} | - | - | no profiles in this file`],
    read: [],
  })),
  {
    what: "a list without entries is a problem",
    name: "f.json",
    content: "[ ]\n",
    problems: ["f.json | - | - | no profiles in this file"],
    read: [],
  },
  {
    what: "a byte order mark, CRLF and blank lines are read over",
    name: "f.ndjson",
    content: `\uFEFF${GOOD}\r\n\r\n   \r\n${JSON.stringify(minimal("b"))}`,
    problems: [],
    read: ["good", "b"],
  },
  {
    what: "a byte order mark before a CSV header is read over",
    name: "f.csv",
    content: "\uFEFFid,protocol,clientId,identity\r\na,mqtt,a,dedicated\r\n",
    problems: [],
    read: ["a"],
  },
  {
    what: "a 10 MB line is reported by number and the next line is read well",
    name: "f.ndjson",
    content: `${GOOD}\n{"password":"${SECRET.repeat(540_000)}"}\n${JSON.stringify(minimal("after"))}\n`,
    problems: ["f.ndjson | 2 | - | expected a line of at most 1 MiB"],
    read: ["good", "after"],
  },
  {
    what: "a line that is not UTF-8 is reported by number",
    name: "f.ndjson",
    content: Buffer.concat([
      Buffer.from(`${GOOD}\n{"password":"${SECRET}`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(GOOD.replaceAll("good", "b")),
    ]),
    problems: ["f.ndjson | 2 | - | expected UTF-8 text"],
    read: ["good", "b"],
  },
  {
    what: "UTF-16 is reported",
    name: "f.json",
    content: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`[${GOOD}]`, "utf16le")]),
    problems: ["f.json | 1 | - | expected UTF-8 text"],
    read: [],
  },
  {
    what: "YAML that is not UTF-8 is reported by line",
    name: "f.yaml",
    content: Buffer.concat([Buffer.from(`- id: a\n  password: ${SECRET}`), Buffer.from([0xc3, 0x28])]),
    problems: ["f.yaml | 2 | - | expected UTF-8 text"],
    read: [],
  },
  {
    what: "a line that is not JSON is reported without its text",
    name: "f.ndjson",
    content: `{"password":"${SECRET}"\n${GOOD}\n[1,2\n`,
    problems: [
      "f.ndjson | 1 | - | not valid JSON; expected one object on the line",
      "f.ndjson | 3 | - | not valid JSON; expected one object on the line",
    ],
    read: ["good"],
  },
  {
    what: "a line that is no object is reported",
    name: "f.ndjson",
    content: `"${SECRET}"\nnull\n[]\n7\n`,
    problems: [1, 2, 3, 4].map((line) => `f.ndjson | ${line} | - | expected an object`),
    read: [],
  },
  {
    what: "a JSON file that is no list is reported",
    name: "f.json",
    content: `\n{"profiles":[${GOOD}]}`,
    problems: ["f.json | 2 | - | expected a list of profiles: [ … ]"],
    read: [],
  },
  {
    what: "bad JSON is reported by its own line, and the entries around it are read",
    name: "f.json",
    content: `[\n${GOOD},\n{\n"password":\n"${SECRET}" x},\n${JSON.stringify(minimal("b"))}\n]`,
    problems: ["f.json | 5 | - | not valid JSON"],
    read: ["good", "b"],
  },
  {
    what: "a comma too many is reported",
    name: "f.json",
    content: `[${GOOD},\n]`,
    problems: ["f.json | 2 | - | not valid JSON: expected a profile"],
    read: ["good"],
  },
  {
    what: "a list without an end is reported",
    name: "f.json",
    content: `[${GOOD}\n`,
    problems: ["f.json | 2 | - | not valid JSON: expected a comma or the end of the list"],
    read: ["good"],
  },
  {
    what: "text after the list is reported",
    name: "f.json",
    content: `[${GOOD}]\n[]`,
    problems: ["f.json | 2 | - | not valid JSON: expected nothing after the list"],
    read: ["good"],
  },
  {
    what: "a field of a JSON entry is reported by its own line",
    name: "f.json",
    content: `[\n${GOOD},\n{"id":"b","protocol":"mqtt",\n"clientId":"b","identity":"dedicated",\n"tls":{\n"alpn":["mqtt",\n7],\n"nope":"${SECRET}"}}]`,
    problems: [
      "f.json | 7 | tls.alpn[1] | expected a protocol name of 1 to 255 bytes, found a number: put it in quotes",
      "f.json | 8 | tls.nope | unknown key",
    ],
    read: ["good"],
  },
  {
    what: "a field of a YAML entry is reported by its own line",
    name: "f.yaml",
    content: `# fleet\n- id: a\n  protocol: mqtt\n  clientId: a\n- id: 7\n  protocol: mqtt\n  clientId: b\n  identity: dedicated\n  labels:\n    a: b\n    version: 4.2\n  nope: ${SECRET}\n`,
    problems: [
      'f.yaml | 2 | identity | missing; expected "dedicated" or "device", here or on the source in the configuration',
      "f.yaml | 5 | id | expected 1 to 256 characters without control characters, found a number: put it in quotes",
      "f.yaml | 11 | labels.version | expected at most 256 characters without control characters, found a number: put it in quotes",
      "f.yaml | 12 | nope | unknown key",
    ],
    read: [],
  },
  {
    what: "bad YAML is reported by line, and the entries around it are read",
    name: "f.yaml",
    content: `- { id: a, protocol: mqtt, clientId: a, identity: dedicated }\n- { id: b, password: "${SECRET} }\n- { id: c, protocol: mqtt, clientId: c, identity: dedicated }\n`,
    problems: ["f.yaml | 2 | - | not valid YAML: missing char"],
    read: ["a", "c"],
  },
  {
    what: "a key that stands twice in YAML is reported",
    name: "f.yaml",
    content: `- id: a\n  password: ${SECRET}\n  password: x\n`,
    problems: ["f.yaml | 3 | - | not valid YAML: duplicate key"],
    read: [],
  },
  {
    what: "YAML that is no list is reported",
    name: "f.yaml",
    content: `id: a\npassword: ${SECRET}\n`,
    problems: ["f.yaml | 1 | - | expected a list of profiles: entries that begin with -"],
    read: [],
  },
  {
    what: "YAML aliases that multiply are refused",
    name: "f.yaml",
    content: `- &a [x,x,x,x,x,x,x,x,x]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n- &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n- &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
    problems: [
      "f.yaml | 1 | - | expected an object",
      "f.yaml | 2 | - | expected an object",
      "f.yaml | 3 | - | expected an object",
      "f.yaml | 4 | - | not valid YAML: an alias without its anchor, or too many aliases",
    ],
    read: [],
  },
  {
    what: "YAML nested without end is refused",
    name: "f.yaml",
    content: `- ${"[".repeat(100_000)}`,
    problems: ["f.yaml | 1 | - | not valid YAML: nested too deeply"],
    read: [],
  },
  {
    what: "a key that is a section in YAML is reported without its text",
    name: "f.yaml",
    content: `- { id: a, protocol: mqtt, clientId: a, identity: dedicated, { password: "${SECRET}" }: 1 }\n`,
    problems: ["f.yaml | 1 | - | unknown key"],
    read: [],
  },
  {
    what: "text that has no UTF-8 form is refused",
    name: "f.ndjson",
    content: `{"id":"a\\ud800","protocol":"mqtt","clientId":"a","identity":"dedicated"}\n`,
    problems: ["f.ndjson | 1 | id | expected 1 to 256 characters without control characters"],
    read: [],
  },
  {
    what: "JSON nested without end is refused",
    name: "f.ndjson",
    content: `{"id":"a","protocol":${"[".repeat(100_000)}${"]".repeat(100_000)},"identity":"dedicated"}\n${GOOD}`,
    problems: ['f.ndjson | 1 | protocol[0] | expected "mqtt", "wss" or "https"'],
    read: ["good"],
  },
  {
    what: "a JSON file above 16 MB is refused",
    name: "f.json",
    content: `[${GOOD}${" ".repeat(16 * 1024 * 1024)}]`,
    problems: ["f.json | 1 | - | expected a file of at most 16 MB; larger fleets go into .ndjson or .csv"],
    read: [],
  },
  {
    what: "an unknown CSV column makes the file unusable and is named",
    name: "f.csv",
    content: `id,protocol,client_id,tls.sni,tls,tls.alpn,id,x y\na,mqtt,${SECRET},b,{},[],a,b\n`,
    problems: [
      "f.csv | 1 | - | column 3: unknown key client_id; did you mean clientId?; expected a field, as in tls.serverName",
      "f.csv | 1 | - | column 4: unknown key tls.sni; expected a field, as in tls.serverName",
      "f.csv | 1 | - | column 6: tls.alpn is filled by another column already",
      "f.csv | 1 | - | column 7: id is filled by another column already",
      "f.csv | 1 | - | column 8: unknown key; expected a field, as in tls.serverName",
    ],
    read: [],
  },
  {
    what: "CSV cells are typed, and each bad one is reported by line and field",
    name: "f.csv",
    content: [
      "id,protocol,clientId,identity,password,connect.cleanSession,connect.keepAliveSeconds,tls.alpn,mqttVersion",
      `a,mqtt,a,dedicated,${SECRET},yes,1.5,mqtt,3`,
      `b,mqtt,b,dedicated,"multi`,
      `line ""${SECRET}""",true,60,"[""mqtt""]",5`,
      `c,mqtt,c,dedicated,${SECRET},true`,
      `d,mqtt,d,dedicated,"${SECRET}"x,true,60,,5`,
      `e,mqtt,e,dedicated,${SECRET},true,60,,5`,
    ].join("\n"),
    problems: [
      "f.csv | 2 | tls.alpn | expected JSON in this cell: a list or an object",
      "f.csv | 2 | connect.cleanSession | expected true or false",
      "f.csv | 2 | connect.keepAliveSeconds | expected a whole number from 0 to 65535",
      "f.csv | 2 | mqttVersion | expected 4 or 5",
      "f.csv | 5 | - | expected 9 cells, found 6",
      "f.csv | 6 | - | not valid CSV: a quote inside a cell must be doubled",
    ],
    read: ["b", "e"],
  },
  {
    what: "a quote that is never closed spoils its own line only",
    name: "f.csv",
    content: `id,protocol,clientId,identity\na,mqtt,"a,dedicated\nb,mqtt,b,dedicated\nc,mqtt,c,dedicated\n`,
    problems: ["f.csv | 2 | - | expected a closing quote within 1 MiB"],
    read: ["b", "c"],
  },
];

test.each(TABLE)("$what", async ({ name, content, problems, read }) => {
  const answer = await readFile(name, content);
  expect(answer.problems.map(shown)).toEqual(problems);
  expect(answer.profiles.map(({ id }) => id)).toEqual(read);
  expect(answer.scan.invalid > 0).toBe(problems.length > 0);
  expect(JSON.stringify([answer.problems, answer.scan])).not.toContain(SECRET);
});

test("a missing secret file or variable is named with its field, and no value", async () => {
  const folder = await folderWith({
    "f.ndjson": ndjson([
      minimal("a", { password: `${SECRET}\${file:secrets/gone}`, username: `\${env:GONE}\${env:EMPTY}` }),
      minimal("b", { password: `\${file:secrets/there}`, headers: { "x-a": `\${file:secrets}` } }),
      minimal("c", { token: { key: "t", value: SECRET, signingKeyFile: "secrets/key.pem" } }),
      minimal("d", { tls: { certFile: "secrets/there", keyFile: "secrets/empty" } }),
      minimal("e", { cohort: `\${env:GONE}` }),
      minimal("f", { password: `\${file:secrets/there}` }),
    ]),
    "secrets/there": SECRET,
    "secrets/empty": "",
  });
  const fleet = await opened([sourceOf(folder, "f.ndjson")], { env: { EMPTY: "" } });
  const { problems, profiles, scan } = await readFleet(fleet);
  expect(problems.map(shown)).toEqual([
    "f.ndjson | 1 | username | the variable GONE is not set",
    "f.ndjson | 1 | username | the variable EMPTY is empty",
    "f.ndjson | 1 | password | the file secrets/gone does not exist",
    "f.ndjson | 2 | headers.x-a | the file secrets is a folder",
    "f.ndjson | 3 | token.signingKeyFile | the file does not exist",
    "f.ndjson | 4 | tls.keyFile | the file is empty",
    "f.ndjson | 5 | cohort | the variable GONE is not set",
  ]);
  expect(profiles.map(({ id }) => id)).toEqual(["f"]);
  expect(scan.invalid).toBe(5);
  expect(JSON.stringify(problems)).not.toContain(SECRET);
});

test("without the check of references only those of other fields are missed", async () => {
  const folder = await folderWith({ "f.ndjson": ndjson([minimal("a", { password: `\${env:GONE}` })]) });
  const fleet = await opened([sourceOf(folder, "f.ndjson")]);
  const scan = await fleet.scan(() => {}, new AbortController().signal, { checkReferences: false });
  expect(scan).toMatchObject({ profiles: 1, invalid: 0 });
});

test("a duplicate id is found across files and sources", async () => {
  const folder = await folderWith({
    "a.ndjson": ndjson([minimal("x"), minimal("y")]),
    "b/c.yaml": "- { id: z, protocol: mqtt, clientId: z, identity: dedicated }\n",
    "b/d.json": JSON.stringify([minimal("z"), minimal("y")], null, 1),
  });
  const fleet = await opened([sourceOf(folder, "a.ndjson"), sourceOf(folder, "b")]);
  const { problems, profiles } = await readFleet(fleet);
  expect(problems.map(shown)).toEqual([
    "b/d.json | 3 | id | duplicate id, used first in b/c.yaml on line 1",
    "b/d.json | 9 | id | duplicate id, used first in a.ndjson on line 2",
  ]);
  expect(profiles.map(({ id }) => id)).toEqual(["x", "y", "z"]);
});

const shared = (id: string, identity: string, more = {}) => minimal(id, { clientId: "c", identity, ...more });

test("a client id is a live device's or nobody's: profiles that do not agree are told, and none of them connects", async () => {
  const folder = await folderWith({
    "a.ndjson": ndjson([shared("a", "dedicated"), shared("b", "device"), shared("d", "dedicated")]),
    "b.ndjson": ndjson([shared("e", "dedicated"), minimal("f")]),
  });
  const fleet = await opened([sourceOf(folder, "*.ndjson")]);
  const { problems, profiles } = await readFleet(fleet);
  const message =
    "expected one identity, dedicated or device, for all profiles with this client id, used first";
  expect(problems.map(shown)).toEqual([
    `a.ndjson | 2 | identity | ${message} on line 1`,
    `a.ndjson | 3 | identity | ${message} on line 1`,
    `b.ndjson | 1 | identity | ${message} in a.ndjson on line 1`,
  ]);
  expect(profiles.map(({ id, identity }) => [id, identity])).toEqual([
    ["a", "device"],
    ["f", "dedicated"],
  ]);
});

test("a client id may be a live device's where nobody else connects with it", async () => {
  const elsewhere = { target: "us" };
  const overHttps = { id: "h", protocol: "https", topic: "t", identity: "device" };
  const text = ndjson([
    shared("a", "dedicated", { target: "eu" }),
    shared("b", "device", elsewhere),
    shared("c", "device", elsewhere),
    minimal("d", { clientId: "", target: "eu" }),
    minimal("e", { clientId: "", target: "eu", identity: "device" }),
    { ...overHttps, target: "eu" },
  ]);
  const { problems, profiles } = await readFile("f.ndjson", text, { targets: ["eu", "us"] });
  expect(problems).toEqual([]);
  expect(profiles.map(({ identity }) => identity)).toEqual([
    "dedicated",
    "device",
    "device",
    "dedicated",
    "device",
    "device",
  ]);
});

test("a hopeless profile is told in 21 problems, not in thousands", async () => {
  const keys = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1]));
  const { problems } = await readFile("f.ndjson", ndjson([minimal("a", keys)]));
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)?.message).toBe("and 4980 more problems");
});

test("sources that are not there are told before anything is read", async () => {
  const folder = await folderWith({ "empty/readme.md": "", "a.txt": "" });
  const paths = ["gone.ndjson", "gone/*.ndjson", "empty", "a.txt", "empty/*", "/dev/null", "-", "-"];
  const sources = paths.map((path) => sourceOf(folder, path));
  const answer = await openFleet(sources, optionsWith({ stdin: readableOf(`${GOOD}\n`) }));
  const endings = ".ndjson, .jsonl, .json, .yaml, .yml, .csv";
  expect(answer.kind === "invalid" && answer.problems.map(shown)).toEqual([
    "gone.ndjson | - | - | the file does not exist",
    `gone/*.ndjson | - | - | the pattern matches no file that ends in ${endings}`,
    `empty | - | - | the folder holds no file that ends in ${endings}`,
    `a.txt | - | - | expected a file that ends in ${endings}`,
    `empty/* | - | - | the pattern matches no file that ends in ${endings}`,
    "/dev/null | - | - | expected a regular file: pipe it in, with - as path",
    "- | - | - | standard input is not available here, or another source reads it already",
  ]);
});
