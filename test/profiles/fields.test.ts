import { expect, test } from "vitest";
import { minimal, ndjson, plain, readFile, shown } from "./fleet-support.ts";

const SECRET = "planted-secret-0815";
const HTTPS = { protocol: "https", clientId: undefined, topic: "smoke/a" };

/** The problems of one profile over the minimal one, as `field: message`. */
async function problemsOf(more: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const { problems } = await readFile("f.ndjson", ndjson([minimal("a", more)]), {
    env: { NAME: "from-env" },
  });
  expect(JSON.stringify(problems)).not.toContain(SECRET);
  return problems.map(({ field, message }) => `${field}: ${message}`);
}

const TOPIC =
  "expected a topic to publish to: at most 256 bytes and 7 slashes, no + or #, not starting with $";
const FILTER =
  "expected a topic filter: at most 256 bytes and 7 slashes, + and # as whole levels, no $ in front but $share/GROUP/";
const RETAIN = "not with retain: a message of https must not be retained";
const HEADER = "expected as key a header name that the connection does not set itself";
const NOT_HTTPS = "not possible: https sends no CONNECT; use headers or queryString";
const ID = "expected 1 to 256 characters without control characters";

type Case = [Record<string, unknown>, readonly string[]];

test.each<Case>([
  [{ id: "" }, [`id: ${ID}`]],
  [{ id: "a\n" }, [`id: ${ID}`]],
  [{ id: "x".repeat(257) }, [`id: ${ID}`]],
  [{ id: undefined }, [`id: missing; ${ID}`]],
  [{ id: null }, [`id: ${ID}, found null: leave the key out`]],
  [{ cohort: "a b" }, ["cohort: expected 1 to 64 of A-Z a-z 0-9 _ . : -"]],
  [{ cohort: "x".repeat(65) }, ["cohort: expected 1 to 64 of A-Z a-z 0-9 _ . : -"]],
  [{ target: "us" }, ["target: expected the name of a configured target"]],
  [{ protocol: undefined }, ['protocol: missing; expected "mqtt", "wss" or "https", or a list']],
  [{ protocol: "tcp" }, ['protocol: expected "mqtt", "wss" or "https"']],
  [{ protocol: [] }, ["protocol: expected 1 to 3 entries, found 0"]],
  [{ protocol: ["mqtt", "mqtt"] }, ["protocol: expected each protocol once"]],
  [{ protocol: ["mqtt", 5] }, ['protocol[1]: expected "mqtt", "wss" or "https"']],
  [{ mqttVersion: "5" }, ["mqttVersion: expected 4 or 5"]],
  [{ authorizer: "a b" }, ["authorizer: expected an authorizer's name: 1 to 128 of A-Z a-z 0-9 _ = , @ -"]],
  [{ clientId: undefined }, ["clientId: missing; expected the client id that mqtt and wss connect with"]],
  [{ clientId: "a\0" }, ["clientId: expected text of at most 65535 bytes without NUL"]],
  [
    { username: 7 },
    ["username: expected text of at most 65535 bytes without NUL, found a number: put it in quotes"],
  ],
  [{ password: "é".repeat(32_768) }, ["password: expected text of at most 65535 bytes"]],
  [
    { username: `a?${SECRET}=1`, authorizer: "b", token: { key: "c", jwt: "d" } },
    ["authorizer", "token"].map(
      (field) => `${field}: not beside a username that holds a ?, which is sent as it is`,
    ),
  ],
  [
    { token: {} },
    ["token.key: missing; expected the authorizer's token key name: 1 to 128 of A-Z a-z 0-9 _ -"],
  ],
  [{ token: { key: "t" } }, ["token.value: missing; expected value, or jwt in its place"]],
  [
    { token: { key: "t", value: SECRET, signature: SECRET, signingKeyFile: "k" } },
    ["token.signingKeyFile: not beside signature: either sign here or send a signature as written"],
  ],
  [
    { token: { key: "t", value: SECRET, signature: SECRET, jwt: SECRET } },
    ["value", "signature"].map((key) => `token.${key}: not beside jwt, which holds value and signature`),
  ],
  [{ token: { key: "t", value: `${SECRET}\n` } }, ["token.value: expected text without line breaks"]],
  [{ credentialsIn: "headers" }, ['credentialsIn: expected "username" for mqtt']],
  [{ ...HTTPS, credentialsIn: "username" }, ['credentialsIn: expected "headers" or "query" for https']],
  [
    { protocol: ["mqtt", "wss", "https"], topic: "t", credentialsIn: "query" },
    ['credentialsIn: expected "username" for mqtt'],
  ],
  [
    { ...HTTPS, username: SECRET, password: SECRET, clientId: "c" },
    [`clientId: ${NOT_HTTPS}`, `username: ${NOT_HTTPS}`, `password: ${NOT_HTTPS}`],
  ],
  [{ ...HTTPS, topic: undefined }, ["topic: missing; expected the topic that https publishes to"]],
  [{ protocol: ["wss", "https"] }, ["topic: missing; expected the topic that https publishes to"]],
  [{ topic: "a/+" }, [`topic: ${TOPIC}`]],
  [{ topic: "a/#" }, [`topic: ${TOPIC}`]],
  [{ topic: "$aws/things/a/shadow/update" }, [`topic: ${TOPIC}`]],
  [{ ...HTTPS, topic: "$aws/rules/a/b" }, [`topic: ${TOPIC}`]],
  [{ ...HTTPS, queryString: "?qos=1&Retain=true" }, [`queryString: ${RETAIN}`]],
  [{ ...HTTPS, queryString: "%72etain=1" }, [`queryString: ${RETAIN}`]],
  [{ topic: "" }, [`topic: ${TOPIC}`]],
  [{ topic: "a\0" }, [`topic: ${TOPIC}`]],
  [{ topic: "/".repeat(8) }, [`topic: ${TOPIC}`]],
  [{ topic: "é".repeat(129) }, [`topic: ${TOPIC}`]],
  [{ headers: { Host: SECRET } }, [`headers.Host: ${HEADER}`]],
  [{ headers: { "sec-websocket-protocol": SECRET } }, [`headers.sec-websocket-protocol: ${HEADER}`]],
  [{ headers: { "a b": SECRET } }, [`headers: ${HEADER}`]],
  [
    { headers: { "x-a": `${SECRET}\r\nx: y` } },
    ["headers.x-a: expected a header value without line breaks or NUL"],
  ],
  [{ headers: { "x-a": "1", "X-A": "2" } }, ["headers.X-A: stands here twice: header names ignore case"]],
  [
    { queryString: `a=${SECRET} b` },
    ["queryString: expected a query string: printable ASCII without spaces or #"],
  ],
  [{ identity: "other" }, ['identity: expected "dedicated" or "device"']],
  [
    { connect: { will: { topic: "a", retain: true, qos: 2 } } },
    ["connect.will.retain: expected false", "connect.will.qos: expected 0 or 1"],
  ],
  [{ connect: { will: { topic: "$aws/a" } } }, [`connect.will.topic: ${TOPIC}`]],
  [{ connect: { will: {} } }, [`connect.will.topic: missing; ${TOPIC}`]],
  [
    { connect: { keepAliveSeconds: 65_536 } },
    ["connect.keepAliveSeconds: expected a whole number from 0 to 65535"],
  ],
  [
    { connect: { keepAliveSeconds: 1.5 } },
    ["connect.keepAliveSeconds: expected a whole number from 0 to 65535"],
  ],
  [{ tls: { certFile: "/dev/null" } }, ["tls.keyFile: missing; certFile and keyFile go together"]],
  [
    { tls: { minVersion: "TLSv1.3", maxVersion: "TLSv1.2" } },
    ["tls.minVersion: expected at most maxVersion"],
  ],
  [{ tls: { minVersion: "TLSv1.1" } }, ['tls.minVersion: expected "TLSv1.2" or "TLSv1.3"']],
  [{ tls: { groups: "P-256;" } }, ["tls.groups: expected group names joined by colons, as in X25519:P-256"]],
  ...["+/a", "a/#", "$aws/things/x/jobs/get", "1/2/3/4/5/6/7/8/9"].map(
    (topic): Case => [
      { expect: { publish: { allow: [topic] }, receive: { deny: [topic] } } },
      [`expect.publish.allow[0]: ${TOPIC}`, `expect.receive.deny[0]: ${TOPIC}`],
    ],
  ),
  ...["a+/b", "#/a", "$aws/things/+/jobs/notify", "$share/g/$aws/x", "$share/g/", "$share/+/a"].map(
    (filter): Case => [
      { expect: { subscribe: { allow: ["ok/+/#"], deny: [filter] } } },
      [`expect.subscribe.deny[0]: ${FILTER}`],
    ],
  ),
  [
    { expect: { publish: { allow: ["a\0"] } } },
    ["expect.publish.allow[0]: expected a topic or filter: 1 to 256 bytes, no NUL"],
  ],
  [{ id: "p+1", expect: { publish: { allow: ["smoke/{id}"] } } }, [`expect.publish.allow[0]: ${TOPIC}`]],
  [
    { clientId: "é".repeat(128), expect: { receive: { allow: ["x/{clientId}"] } } },
    [`expect.receive.allow[0]: ${TOPIC}`],
  ],
  [
    { id: "p", clientId: "p", expect: { publish: { allow: ["a/{id}"], deny: ["b", "a/{clientId}"] } } },
    ["expect.publish.deny[1]: stands under allow too"],
  ],
  [
    { ...HTTPS, expect: { subscribe: { deny: ["a"] }, preset: "shadow" } },
    [
      "expect.subscribe: not possible over https alone, which only publishes",
      "expect.preset: not possible over https alone, which only publishes",
    ],
  ],
  [
    { expect: { access: "deny", publish: { allow: ["a"], deny: ["b"] } } },
    ["expect.publish.allow: not beside access deny: it could do nothing there"],
  ],
  [{ expect: "maybe" }, ['expect: expected "allow" or "deny"']],
  [
    { expect: { refreshAfterSeconds: [10, 5], disconnectAfterSeconds: [1] } },
    ["expect.disconnectAfterSeconds: expected 2 to 2 entries, found 1"],
  ],
  [
    { expect: { refreshAfterSeconds: [10, 5] } },
    ["expect.refreshAfterSeconds: expected [min, max] with min not above max"],
  ],
  [
    { ...HTTPS, expect: { publish: { allow: ["a", "b/{clientId}"] } } },
    ["expect.publish.allow[1]: {clientId} cannot be filled in: the profile has no clientId"],
  ],
  [
    { labels: { version: 4 } },
    [
      "labels.version: expected at most 256 characters without control characters, found a number: put it in quotes",
    ],
  ],
  [{ labels: [] }, ["labels: expected an object"]],
  [
    { mqttVersion: 3, topic: "#", target: "us", credentialsIn: "query" },
    [
      "mqttVersion: expected 4 or 5",
      `topic: ${TOPIC}`,
      "target: expected the name of a configured target",
      'credentialsIn: expected "username" for mqtt',
    ],
  ],
])("%j is told", async (more, problems) => {
  expect(await problemsOf(more)).toEqual(problems);
});

test.each<Record<string, unknown>>([
  { ...HTTPS, credentialsIn: "query", headers: { "x-a": "" }, queryString: "" },
  { protocol: ["mqtt", "https"], topic: "t", username: "u", password: "" },
  { ...HTTPS, queryString: "retain=false&retained=true" },
  { protocol: "wss", credentialsIn: "username" },
  { protocol: "wss", queryString: "retain=true" },
  { username: "a?x-amz-customauthorizer-name=b" },
  { username: `\${file:what?}`, authorizer: "b" },
  { connect: { will: { topic: "a", retain: false } } },
  { tls: { serverName: "", alpn: [] } },
  { expect: {} },
  { labels: {} },
  { topic: "/".repeat(7) },
])("%j is valid", async (more) => {
  const { problems } = await readFile("f.ndjson", ndjson([minimal("a", more)]));
  // What a credential refers to is another matter.
  expect(problems.filter(({ message }) => !message.includes("what?"))).toEqual([]);
});

test.each([
  [{}, false],
  [{ connect: { keepAliveSeconds: 30 } }, false],
  [{ connect: { cleanSession: true } }, true],
  [{ mqttVersion: 5, connect: { cleanSession: true } }, false],
  [{ mqttVersion: 5, connect: { sessionExpirySeconds: 0 } }, false],
  [{ mqttVersion: 5, connect: { cleanSession: false, sessionExpirySeconds: 0 } }, true],
])("whether %j states what becomes of the session: %j", async (more, stated) => {
  const { profiles } = await readFile("f.ndjson", ndjson([minimal("a", more)]));
  expect(profiles.map(({ connect }) => connect.sessionStated)).toEqual([stated]);
});

test("identity may come from the source, and the client id's suffix and the command do", async () => {
  const text = ndjson([minimal("a", { identity: undefined }), minimal("b", { identity: "dedicated" })]);
  const source = { identity: "device", clientIdSuffix: "-smoke", exec: ["get", "{id}"] } as const;
  const { profiles, problems } = await readFile("f.ndjson", text, {}, source);
  expect(problems).toEqual([]);
  expect(profiles.map(({ identity, clientId, exec }) => [identity, clientId, exec?.command])).toEqual([
    ["device", "a-smoke", ["get", "{id}"]],
    ["dedicated", "b-smoke", ["get", "{id}"]],
  ]);
});

test("target is needed only where the configuration has several", async () => {
  const text = ndjson([minimal("a"), minimal("b", { target: "us" })]);
  const { problems, profiles } = await readFile("f.ndjson", text, { targets: ["eu", "us"] });
  expect(problems.map(shown)).toEqual([
    "f.ndjson | 1 | target | missing; expected the name of a target, because the configuration has several",
  ]);
  expect(profiles.map(({ target }) => target)).toEqual(["us"]);
});

test("references of fields are resolved while reading, those of credentials are not", async () => {
  const text = ndjson([
    minimal(`\${env:NAME}`, {
      clientId: `\${env:NAME}-\${env:PROTOCOL}`,
      protocol: [`\${env:PROTOCOL}`],
      password: `\${env:NAME}`,
      headers: { "x-a": `\${env:NAME}` },
      labels: { a: `$\${env:NAME}`, b: `\${iot:Other}` },
      tls: { alpn: [`x-\${env:NAME}`] },
    }),
  ]);
  const options = { env: { NAME: "n", PROTOCOL: "wss" } };
  const { profiles, problems } = await readFile("f.ndjson", text, options);
  expect(problems).toEqual([]);
  expect(profiles.map(plain)).toMatchObject([
    {
      id: "n",
      clientId: "n-wss",
      protocols: ["wss"],
      password: `secret:\${env:NAME}`,
      headers: { "x-a": `secret:\${env:NAME}` },
      labels: { a: `\${env:NAME}`, b: `\${iot:Other}` },
      tls: { alpn: ["x-n"] },
    },
  ]);
});

test("a resolved field is checked like a written one, and its value is not told", async () => {
  const text = ndjson([minimal("a", { cohort: `\${env:COHORT}`, topic: `\${env:GONE}` })]);
  const { problems } = await readFile("f.ndjson", text, { env: { COHORT: `${SECRET} x` } });
  expect(problems.map(shown)).toEqual([
    "f.ndjson | 1 | topic | the variable GONE is not set",
    "f.ndjson | 1 | cohort | expected 1 to 64 of A-Z a-z 0-9 _ . : -",
  ]);
});

test("a profile prints its credentials as <secret>", async () => {
  const text = ndjson([
    minimal("a", {
      password: SECRET,
      username: SECRET,
      headers: { "x-a": SECRET },
      queryString: `t=${SECRET}`,
    }),
  ]);
  const { profiles } = await readFile("f.ndjson", text);
  expect(JSON.stringify(profiles)).not.toContain(SECRET);
  expect(JSON.stringify(profiles)).toContain("<secret>");
});
