import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleetLint } from "../../src/cli/lint-fleet.ts";
import { lintTarget } from "../../src/lint/connection.ts";
import { LINT_RULES, type LintFinding } from "../../src/lint/finding.ts";
import type { Profile, ProfileToken } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { Target } from "../../src/model/target.ts";
import { createCredentials } from "../../src/profiles/credentials.ts";
import { profileOf, targetOf } from "../support/fixtures.ts";

const NOW_MS = Date.parse("2026-01-31T12:00:00Z");
const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER = generateKeyPairSync("rsa", { modulusLength: 2048 });
const SELF_SIGNED = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=device".split(
  " ",
);
const NEVER = new AbortController().signal;

interface Given {
  readonly target?: Partial<Target>;
  readonly publicKeys?: readonly KeyObject[];
  readonly nowMs?: number;
}

async function lintAll(
  profiles: readonly Partial<Profile>[],
  given: Given = {},
): Promise<readonly LintFinding[][]> {
  const credentials = createCredentials({ env: { WRAPPED: "YWJj\nZGVm", SPLIT: "a".repeat(6145) } });
  const look = createFleetLint({
    targets: [{ ...targetOf(), ...given.target }],
    credentials,
    publicKeys: given.publicKeys ?? [],
    nowMs: given.nowMs ?? NOW_MS,
  });
  const found: LintFinding[][] = [];
  for (const profile of profiles) {
    found.push([...(await look(profileOf({ authorizer: "fleet", ...profile }), NEVER))]);
  }
  await credentials.close();
  return found;
}

/** `severity rule field` of each finding. */
async function saidOf(profile: Partial<Profile>, given: Given = {}): Promise<string[]> {
  const [found = []] = await lintAll([profile], given);
  return found.map(({ severity, rule, field }) => `${severity} ${rule} ${field}`);
}

const secret = (text: string) => new Secret(text);

function signedWith(signature: string, value = "token-1"): Partial<Profile> {
  return { token: { kind: "value", key: "k", value: secret(value), signature: secret(signature) } };
}

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), KEY.privateKey).toString("base64url")}`;
}

const inSeconds = (seconds: number) => ({ exp: NOW_MS / 1000 + seconds });
const jwtToken = (text: string): Partial<Profile> => ({
  token: { kind: "jwt", key: "k", jwt: secret(text) },
});
const tls = profileOf().tls;
const expectation = profileOf().expect;
const https: Partial<Profile> = { protocols: ["https"], clientId: null, topic: "t" };
const wss: Partial<Profile> = { protocols: ["wss"] };
const raw = (username: string): Partial<Profile> => ({ authorizer: null, username: secret(username) });
const rawSigned = (signature: string) => raw(`u?x-amz-customauthorizer-signature=${signature}&k=v`);

const GOOD = sign("sha256", Buffer.from("token-1"), KEY.privateKey).toString("base64");
const BUILT_IN: Given = { target: { endpoint: null } };
const LEGACY: Given = { target: { endpoint: "a1.iot.eu-west-1.amazonaws.com" } };
const TOKEN = "token.signature";

interface Row {
  readonly what: string;
  readonly profile: Partial<Profile>;
  readonly says: readonly string[];
  readonly given?: Given | undefined;
}

function rows(
  ...table: readonly (readonly [string, Partial<Profile>, readonly string[], Given?])[]
): readonly Row[] {
  return table.map(([what, profile, says, given]) => ({ what, profile, says, given }));
}

describe("what lint finds", () => {
  const SIGNATURES = rows(
    ["a good signature: nothing", signedWith(GOOD), []],
    ["base64url", signedWith("ab-_"), [`problem signature-not-base64 ${TOKEN}`]],
    ["a percent-encoded signature", signedWith("ab%2Bcd%3D%3D"), [`problem signature-not-base64 ${TOKEN}`]],
    ["a signature with spaces", signedWith("ab cd"), [`problem signature-not-base64 ${TOKEN}`]],
    ["a wrapped signature", signedWith("${env:WRAPPED}"), [`problem credentials-unreadable ${TOKEN}`]],
    ["no padding", signedWith("abcde"), [`warning signature-unpadded ${TOKEN}`]],
    ["an encoded signature in a raw user name: nothing", rawSigned("ab%2Bc"), []],
    ["a bare signature in a raw user name", rawSigned("ab+c"), ["problem signature-encoding username"]],
    ["one that is encoded twice", rawSigned("ab%252Bc"), ["problem signature-encoding username"]],
    [
      "a bare signature in a query string",
      { ...wss, queryString: secret("x-amz-customauthorizer-signature=ab/c") },
      ["problem signature-encoding queryString"],
    ],
    ["one that verifies: nothing", signedWith(GOOD), [], { publicKeys: [OTHER.publicKey, KEY.publicKey] }],
    [
      "one that does not verify",
      signedWith(GOOD, "token-2"),
      [`problem signature-unverified ${TOKEN}`],
      { publicKeys: [KEY.publicKey] },
    ],
    ["a JWT that verifies: nothing", jwtToken(jwt({})), [], { publicKeys: [KEY.publicKey] }],
    [
      "a JWT that does not",
      jwtToken(jwt({})),
      ["problem signature-unverified token.jwt"],
      { publicKeys: [OTHER.publicKey] },
    ],
  );
  const TOKENS = rows(
    ["a JWT for a week: nothing", jwtToken(jwt(inSeconds(7 * 86_400))), []],
    ["a JWT for 24 hours", jwtToken(jwt(inSeconds(86_400))), ["warning token-expires-soon token.jwt"]],
    ["an expired JWT", jwtToken(jwt(inSeconds(0))), ["problem token-expired token.jwt"]],
    ["an expired JWT as value", signedWith(GOOD, jwt(inSeconds(-1))), ["problem token-expired token.value"]],
    [
      "an expired JWT as password",
      { username: secret("u"), password: secret(jwt(inSeconds(-1))) },
      ["problem token-expired password"],
    ],
    [
      "an expired JWT in a header",
      { ...wss, headers: { authorization: secret(`Bearer ${jwt(inSeconds(-1))}`) } },
      ["problem token-expired headers"],
    ],
    ["a JWT that does not say: nothing", jwtToken(jwt({ sub: "x" })), []],
    ["what is no JWT", jwtToken("nonsense"), ["problem cannot-be-sent token.jwt"]],
    ["a token that ends itself", signedWith(GOOD, "a&b"), ["problem token-in-username token.value"]],
    ["a token that may be decoded", signedWith(GOOD, "a%20b"), ["warning token-in-username token.value"]],
    ["which headers carry as it is: nothing", { ...wss, ...signedWith(GOOD, "a&b") }, []],
  );
  const LENGTHS = rows(
    ["the longest token: nothing", signedWith(GOOD, "a".repeat(6144)), []],
    ["a longer one", signedWith(GOOD, "a".repeat(6145)), ["problem too-long token.value"]],
    ["one in a raw user name", raw("u?k=${env:SPLIT}"), ["problem too-long username"]],
    ["a long signature", signedWith("a".repeat(2564)), [`problem too-long ${TOKEN}`]],
    [
      "a user name that its suffix makes too long",
      { username: secret("u".repeat(65_510)) },
      ["problem too-long username"],
    ],
    ["a long header", { ...wss, headers: { h: secret("h".repeat(8193)) } }, ["problem too-long headers"]],
    [
      "a long query string, by its question mark",
      { ...wss, queryString: secret("q".repeat(4096)) },
      ["problem too-long queryString"],
    ],
    ["the longest: nothing", { ...wss, queryString: secret("q".repeat(4095)) }, []],
    ["a client id of 128 bytes: nothing", { clientId: "é".repeat(64) }, []],
    ["a longer one", { clientId: `${"é".repeat(64)}x` }, ["problem client-id-too-long clientId"]],
    ["a client id with a wildcard", { clientId: "a+b" }, ["warning client-id-wildcard clientId"]],
    [
      "a client id that the gateway assigned",
      { clientId: "$GEN/1" },
      ["warning client-id-assigned clientId"],
    ],
    ["a raw user name with one question mark: nothing", raw("u?k=v"), []],
    ["with two", raw("u?k=v?SDK=x"), ["problem username-question-marks username"]],
    ["a second one from the token", signedWith(GOOD, "a?b"), ["problem username-question-marks token"]],
  );
  const CONNECTIONS = rows(
    ["ALPN mqtt: nothing", { tls: { ...tls, alpn: ["mqtt"] } }, [], BUILT_IN],
    [
      "no ALPN on the account's endpoint",
      { tls: { ...tls, alpn: [] } },
      ["problem alpn-without-mqtt tls.alpn"],
      BUILT_IN,
    ],
    [
      "no ALPN on an endpoint that may be any",
      { tls: { ...tls, alpn: [] } },
      ["warning alpn-without-mqtt tls.alpn"],
    ],
    ["no ALPN on https: nothing", { ...https, tls: { ...tls, alpn: [] } }, []],
    [
      "the certificate path's ALPN",
      { tls: { ...tls, alpn: ["x-amzn-mqtt-ca"] } },
      ["problem alpn-bypasses-authorizer tls.alpn"],
      BUILT_IN,
    ],
    ["a legacy endpoint with MQTT 5", { mqttVersion: 5 }, ["warning legacy-endpoint mqttVersion"], LEGACY],
    ["with 3.1.1: nothing", {}, [], LEGACY],
    [
      "a password that 3.1.1 cannot send",
      { authorizer: null, password: secret("p") },
      ["problem cannot-be-sent password"],
    ],
    [
      "a missing variable",
      { username: secret("${env:NOT_THERE}") },
      ["problem credentials-unreadable username"],
    ],
    [
      "several protocols: each finding once",
      { ...https, clientId: "c", protocols: ["wss", "https"], ...signedWith(GOOD, "a".repeat(6145)) },
      ["problem too-long token.value"],
    ],
  );
  const PURPOSE = rows(
    [
      "a bad signature of a device that must be denied: nothing",
      { ...signedWith("ab-_"), expect: { ...expectation, access: "deny" } },
      [],
    ],
    [
      "what the API cannot be asked, also there",
      { ...signedWith("ab-_", "a".repeat(6145)), expect: { ...expectation, access: "deny" } },
      ["problem too-long token.value"],
    ],
    [
      "what a command may replace: nothing",
      { ...signedWith("ab-_"), exec: { command: ["false"], cwd: "/" } },
      [],
    ],
    [
      "what it cannot",
      { clientId: "a+b", exec: { command: ["false"], cwd: "/" } },
      ["warning client-id-wildcard clientId"],
    ],
  );

  it.each([...SIGNATURES, ...TOKENS, ...LENGTHS, ...CONNECTIONS, ...PURPOSE])(
    "$what",
    async ({ profile, says, given }) => {
      expect(await saidOf(profile, given)).toEqual(says);
    },
  );

  it.each([
    ["8883", { port: 8883 }, ["port-bypasses-authorizer"]],
    ["8443", { port: 8443 }, ["port-bypasses-authorizer"]],
    ["443: nothing", { port: 443 }, []],
    ["an address of its own: nothing", { port: 8443, address: "127.0.0.1" }, []],
  ])("a target's port %s", (_, target, rules) => {
    const found = lintTarget(targetOf(target), 2);
    expect(found.map(({ rule }) => rule)).toEqual(rules);
    for (const { field } of found) expect(field).toBe("targets[2].port");
  });
});

describe("files that lint reads", () => {
  let folder: string;
  let notAfterMs: number;
  const path = (name: string) => join(folder, name);
  const certificate = (certFile: string, keyFile: string): Partial<Profile> => ({
    tls: { ...tls, certFile: path(certFile), keyFile: path(keyFile) },
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-smoke-lint-"));
    for (const name of ["c", "other"]) {
      const made = ["-keyout", path(`${name}.key`), "-out", path(`${name}.pem`), "-days", "60"];
      execFileSync("openssl", [...SELF_SIGNED, ...made], { stdio: "pipe" });
    }
    notAfterMs = new X509Certificate(await readFile(path("c.pem"))).validToDate.getTime();
    await writeFile(path("rsa.key"), KEY.privateKey.export({ type: "pkcs8", format: "pem" }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const DAY_MS = 86_400_000;
  const EXPIRES = ["warning certificate-expires tls.certFile"];
  it.each([
    ["31 days left: nothing", 31 * DAY_MS, []],
    ["30 days left", 30 * DAY_MS, EXPIRES],
    ["none left", 0, EXPIRES],
    ["more left than it is made for: not valid yet", 61 * DAY_MS, EXPIRES],
  ])("a client certificate with %s", async (_, leftMs, says) => {
    expect(await saidOf(certificate("c.pem", "c.key"), { nowMs: notAfterMs - leftMs })).toEqual(says);
  });

  it.each([
    ["what is no certificate", "c.key", "c.key", ["problem certificate-unreadable tls.certFile"]],
    ["another certificate's key", "c.pem", "other.key", ["problem certificate-key-mismatch tls.keyFile"]],
    ["what is no key", "c.pem", "c.pem", ["problem certificate-key-mismatch tls.keyFile"]],
  ])("%s", async (_, certFile, keyFile, says) => {
    expect(await saidOf(certificate(certFile, keyFile), { nowMs: notAfterMs - 31 * DAY_MS })).toEqual(says);
  });

  it("looks at the certificate also where credentials come from a command", async () => {
    const profile = { ...certificate("c.key", "c.key"), exec: { command: ["false"], cwd: "/" } };
    expect(await saidOf(profile)).toEqual(["problem certificate-unreadable tls.certFile"]);
  });

  const signedBy = (file: string): Partial<Profile> => {
    const token: ProfileToken = { kind: "sign", key: "k", value: secret("v"), signingKeyFile: path(file) };
    return { token };
  };

  it("tries each signing key once, with the first profile that uses it", async () => {
    const found = await lintAll([
      signedBy("rsa.key"),
      signedBy("c.key"),
      signedBy("c.key"),
      signedBy("rsa.key"),
    ]);
    expect(found.map((each) => each.map(({ rule, field }) => [rule, field]))).toEqual([
      [],
      [["cannot-be-sent", "token.signingKeyFile"]],
      [],
      [],
    ]);
  });

  it("holds a signing key against the public keys", async () => {
    expect(await saidOf(signedBy("rsa.key"), { publicKeys: [KEY.publicKey] })).toEqual([]);
    expect(await saidOf(signedBy("rsa.key"), { publicKeys: [OTHER.publicKey] })).toEqual([
      "problem signature-unverified token.signingKeyFile",
    ]);
  });
});

it("property: no finding repeats what a credential holds", async () => {
  const odd = fc.stringMatching(/^[A-Za-z0-9?&%+/_=. -]{8,40}$/);
  await fc.assert(
    fc.asyncProperty(odd, odd, odd, async (name, value, signature) => {
      const token = { kind: "value", key: "k", value: secret(value), signature: secret(signature) } as const;
      const profiles: Partial<Profile>[] = [
        { username: secret(name.replaceAll("?", "")), password: secret(value), token },
        { authorizer: null, username: secret(`${name}?x-amz-customauthorizer-signature=${signature}`) },
        { token: { kind: "jwt", key: "k", jwt: secret(value) } },
      ];
      const said = JSON.stringify(await lintAll(profiles, { publicKeys: [KEY.publicKey] }));
      for (const each of [name, value, signature]) expect(said).not.toContain(each);
    }),
    { numRuns: 200 },
  );
});

it("every rule has one row in the documentation, and no other has", async () => {
  const text = await readFile(resolve(import.meta.dirname, "../../docs/plan-and-lint.md"), "utf8");
  const rows = [
    ...text.matchAll(/^\| `([a-z0-9-]+)` \| (?:problem|warning)(?:, warning)? \| (.*) \|$/gm),
  ].map(([, rule, meaning]) => [rule, meaning]);
  expect(rows).toEqual(Object.entries(LINT_RULES));
});
