import { readFileSync } from "node:fs";
import { readFile as readText, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import type { CredentialsAnswer } from "../../src/model/ports.ts";
import type { Profile } from "../../src/model/profile.ts";
import { type CredentialsOptions, createCredentials } from "../../src/profiles/credentials.ts";
import { runExec } from "../../src/profiles/exec.ts";
import { folderWith, minimal, ndjson, never, opened, sourceOf } from "./fleet-support.ts";

const SECRET = "planted-secret-2342";

function credentialsWith(options: Partial<CredentialsOptions> = {}) {
  const credentials = createCredentials({ env: {}, ...options });
  onTestFinished(() => credentials.close());
  return credentials;
}

/** Profiles as the sources give them, in a folder with these files. */
async function profilesIn(
  files: Readonly<Record<string, string | Uint8Array>>,
  list: readonly Readonly<Record<string, unknown>>[],
  exec: readonly string[] | null = null,
): Promise<{ readonly folder: string; readonly profiles: readonly Profile[] }> {
  const folder = await folderWith({ ...files, "f.ndjson": ndjson(list) });
  const fleet = await opened([sourceOf(folder, "f.ndjson", { exec })]);
  // What is missing on purpose is not the scan's business here.
  await fleet.scan(() => {}, never, { checkReferences: false });
  const profiles: Profile[] = [];
  for await (const profile of fleet.profiles(never)) profiles.push(profile);
  expect(profiles).toHaveLength(list.length);
  return { folder, profiles };
}

async function profileIn(
  files: Readonly<Record<string, string | Uint8Array>>,
  more: Readonly<Record<string, unknown>>,
  exec: readonly string[] | null = null,
): Promise<{ readonly folder: string; readonly profile: Profile }> {
  const { folder, profiles } = await profilesIn(files, [minimal("a", more)], exec);
  const [profile] = profiles;
  if (profile === undefined) expect.fail("no profile");
  return { folder, profile };
}

function ready(answer: CredentialsAnswer) {
  if (answer.kind === "unavailable") expect.fail(answer.reason);
  return answer.credentials;
}

test("every credential field is resolved when asked for, bytes kept as they are", async () => {
  const { profile } = await profileIn(
    { "s/pass": Buffer.from([0xff, 0x00, 0x0a]), "s/tok": "value\n", "c.pem": "CERT\n", "k.pem": "KEY\n" },
    {
      username: `u-\${env:USER_NAME}`,
      password: `\${file:s/pass}`,
      token: { key: "t", value: `\${file:s/tok}`, signature: `$\${literal}` },
      headers: { "x-a": `\${env:USER_NAME}!`, "x-b": "plain" },
      queryString: `t=\${file:s/tok}`,
      tls: { certFile: "c.pem", keyFile: "k.pem" },
    },
  );
  const credentials = ready(await credentialsWith({ env: { USER_NAME: "name" } })(profile, never));
  expect(credentials.username?.exposeText()).toBe("u-name");
  expect(credentials.password?.exposeBytes()).toEqual(Buffer.from([0xff, 0x00]));
  expect(credentials.token?.kind === "value" && credentials.token.value.exposeText()).toBe("value");
  expect(credentials.token?.kind === "value" && credentials.token.signature?.exposeText()).toBe(
    `\${literal}`,
  );
  expect(credentials.headers["x-a"]?.exposeText()).toBe("name!");
  expect(credentials.headers["x-b"]?.exposeText()).toBe("plain");
  expect(credentials.queryString?.exposeText()).toBe("t=value");
  expect(credentials.clientCertificate?.cert.exposeText()).toBe("CERT\n");
  expect(credentials.clientCertificate?.key.exposeText()).toBe("KEY\n");
});

test("the three forms of a token are told apart", async () => {
  const { profiles } = await profilesIn({ "key.pem": "KEY" }, [
    minimal("a", { token: { key: "t", value: "v", signingKeyFile: "key.pem" } }),
    minimal("b", { token: { key: "t", jwt: `\${env:JWT}` } }),
    minimal("c"),
  ]);
  const credentials = credentialsWith({ env: { JWT: "a.b.c" } });
  const tokens = await Promise.all(profiles.map(async (each) => ready(await credentials(each, never)).token));
  expect(tokens.map((token) => token && Object.keys(token).sort())).toEqual([
    ["key", "kind", "signingKey", "value"],
    ["jwt", "key", "kind"],
    null,
  ]);
});

test.each<[string, Record<string, unknown>, string]>([
  ["a missing file", { password: `${SECRET}\${file:gone}` }, "password: the file gone does not exist"],
  ["a missing variable", { headers: { "x-a": `\${env:GONE}` } }, "headers.x-a: the variable GONE is not set"],
  ["an empty file", { token: { key: "t", jwt: `\${file:empty}` } }, "token.jwt: the file empty is empty"],
  [
    "a missing signing key",
    { token: { key: "t", value: SECRET, signingKeyFile: "gone.pem" } },
    "token.signingKeyFile: the file does not exist",
  ],
  [
    "a missing certificate",
    { tls: { certFile: "gone", keyFile: "secret" } },
    "tls.certFile: the file does not exist",
  ],
  [
    "a header value with line breaks",
    { headers: { "x-a": `\${file:lines}` } },
    "headers.x-a: expected a header value without line breaks or NUL",
  ],
  [
    "a query string with a space",
    { queryString: `a=\${file:spaces}` },
    "queryString: expected a query string: printable ASCII without spaces or #",
  ],
  [
    "a token with line breaks",
    { token: { key: "t", value: `\${file:lines}` } },
    "token.value: expected text without line breaks",
  ],
  ["a username that is no text", { username: `\${file:binary}` }, "username: expected UTF-8 text"],
  ["a password beyond MQTT", { password: `\${file:long}` }, "password: expected text of at most 65535 bytes"],
])("%s is unavailable, named by field, without a value", async (_what, more, reason) => {
  const files = {
    secret: SECRET,
    empty: "",
    lines: `${SECRET}\r\nx-injected: 1`,
    spaces: `${SECRET} x`,
    binary: Buffer.from([0xff]),
    long: "x".repeat(65_536),
  };
  const { profile } = await profileIn(files, more);
  expect(await credentialsWith()(profile, never)).toEqual({ kind: "unavailable", reason });
});

test("a file is read again when its time is over, and at once when it was missing", async () => {
  let nowMs = 0;
  const { folder, profile } = await profileIn(
    { secret: "one" },
    { password: `\${file:secret}`, username: `\${file:late}` },
  );
  const credentials = credentialsWith({ now: () => nowMs, cacheMs: 5_000 });
  expect(await credentials(profile, never)).toMatchObject({ kind: "unavailable" });
  await writeFile(join(folder, "late"), "user");
  const password = async () => ready(await credentials(profile, never)).password?.exposeText();
  expect(await password()).toBe("one");
  await writeFile(join(folder, "secret"), "two");
  nowMs = 4_999;
  expect(await password()).toBe("one");
  nowMs = 5_000;
  expect(await password()).toBe("two");
});

const ANSWER_WITH = "process.stdout.write(JSON.stringify(";

/** A command that evaluates this JavaScript. */
function command(script: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, "-e", script, "--", ...args];
}

test("a command's answer goes before the profile's fields, and stands for itself", async () => {
  const answer = {
    username: "from-command",
    password: `\${file:f.ndjson}`,
    token: { key: "t", value: "v", signingKeyFile: "key.pem" },
    headers: { "X-A": "command" },
  };
  const { profile } = await profileIn(
    { "key.pem": "KEY" },
    {
      username: "from-profile",
      password: `\${env:GONE}`,
      queryString: "kept=1",
      headers: { "x-a": "profile", "x-b": "profile" },
      token: { key: "t", jwt: "a.b.c" },
    },
    command(`${ANSWER_WITH}${JSON.stringify(answer)}))`),
  );
  const credentials = ready(await credentialsWith()(profile, never));
  expect(credentials.username?.exposeText()).toBe("from-command");
  expect(credentials.password?.exposeText()).toBe(`\${file:f.ndjson}`);
  expect(credentials.queryString?.exposeText()).toBe("kept=1");
  expect(Object.entries(credentials.headers).map(([name, value]) => [name, value.exposeText()])).toEqual([
    ["x-b", "profile"],
    ["X-A", "command"],
  ]);
  expect(credentials.token?.kind === "sign" && credentials.token.signingKey.exposeText()).toBe("KEY");
});

test("a command gets the device by arguments and environment, no shell, and the configuration's folder", async () => {
  const script = `const { env, argv } = process;
    const seen = [argv.slice(1), env.FLEET_SMOKE_DEVICE_ID, env.FLEET_SMOKE_CLIENT_ID, env.FLEET_SMOKE_COHORT, env.EXTRA, process.cwd()];
    ${ANSWER_WITH}{ password: JSON.stringify(seen) }))`;
  const { folder, profile } = await profileIn(
    {},
    { id: "a; {cohort}", clientId: "c-$(id)", cohort: "pumps" },
    command(script, "{id}", "x-{clientId}-{cohort}", "{other}", "$HOME"),
  );
  const credentials = ready(await credentialsWith({ env: { EXTRA: "extra" } })(profile, never));
  expect(JSON.parse(credentials.password?.exposeText() ?? "")).toEqual([
    ["a; {cohort}", "x-c-$(id)-pumps", "{other}", "$HOME"],
    "a; {cohort}",
    "c-$(id)",
    "pumps",
    "extra",
    folder,
  ]);
});

test.each<[string, readonly string[], string]>([
  [
    "exits with an error",
    command(`console.error("${SECRET}"); process.exit(3)`),
    "the command node ended with exit code 3",
  ],
  ["kills itself", command("process.kill(process.pid, 'SIGKILL')"), "the command node ended with SIGKILL"],
  ["is not there", ["./gone", SECRET], "the command gone cannot be started (ENOENT)"],
  ["cannot be run", ["./f.ndjson"], "the command f.ndjson cannot be started (EACCES)"],
  ["has an impossible name", ["a\0b"], "the command a b cannot be started (ERR_INVALID_ARG_VALUE)"],
  ["writes no JSON", command(`console.log("${SECRET}")`), "the command did not write one JSON object"],
  ["writes nothing", command(""), "the command did not write one JSON object"],
  ["writes a list", command("console.log([])"), "the command wrote a wrong answer: expected an object"],
  [
    "writes an unknown key",
    command(`${ANSWER_WITH}{ Password: "${SECRET}" }))`),
    "the command wrote a wrong answer: Password: unknown key; did you mean password?",
  ],
  [
    "writes half a token",
    command(`${ANSWER_WITH}{ token: { key: "t" } }))`),
    "the command wrote a wrong answer: token.value: missing; expected value, or jwt in its place",
  ],
  [
    "writes a header with line breaks",
    command(`${ANSWER_WITH}{ headers: { "x-a": "${SECRET}\\n" } }))`),
    "the command wrote a wrong answer: headers.x-a: expected a header value without line breaks or NUL",
  ],
  [
    "writes a time without a zone",
    command(`${ANSWER_WITH}{ expiresAt: "2026-01-01T00:00:00" }))`),
    "the command wrote a wrong answer: expiresAt: expected a time in ISO 8601, as in 2026-01-31T12:00:00Z",
  ],
  [
    "gives what has expired",
    command(`${ANSWER_WITH}{ password: "${SECRET}", expiresAt: "2020-01-01T00:00:00Z" }))`),
    "the command answered credentials that have expired",
  ],
  [
    "writes without end",
    command(`const more = () => process.stdout.write("${SECRET}".repeat(9999), more); more()`),
    "the command node wrote more than 1 MiB",
  ],
])(
  "a command that %s makes credentials unavailable, and shows nothing it wrote",
  async (_what, exec, reason) => {
    const { profile } = await profileIn({}, {}, exec);
    const answer = await credentialsWith()(profile, never);
    expect(answer).toEqual({ kind: "unavailable", reason });
    expect(inspect(answer)).not.toContain(SECRET);
  },
);

test.each([
  ["that stays in its group is killed with it", "sleep 300 & echo $! > child", true],
  ["that left its group holds the pipe", "setsid sleep 300 & echo $! > child", false],
])("a command that does not end is killed; a child of it %s", async (_what, start, isKilled) => {
  const folder = await folderWith({});
  const script = `${start}; exec sleep 300`;
  const call = { command: "/bin/sh", args: ["-c", script], cwd: folder, env: {} };
  const limits = { timeoutMs: 1500, maxBytes: 1000 };
  const killGroup = (pid: number) => process.kill(-pid, "SIGKILL");
  expect(await runExec(call, {}, limits, never, killGroup)).toEqual({
    kind: "failed",
    reason: "the command sh did not end within 1.5 s",
  });
  const child = Number(await readText(join(folder, "child"), "utf8"));
  if (isKilled) await vi.waitFor(() => expect(isRunning(child)).toBe(false));
  else process.kill(child);
});

/** A killed process whose parent has not asked for its end yet is a zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const COUNTING = `require("node:fs").appendFileSync("count", "x");`;

test("an answer is used until it expires, else for a minute; failures are asked again at once", async () => {
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  const expiring = command(`${COUNTING} ${ANSWER_WITH}{ expiresAt: "2026-01-01T01:00:00+00:00" }))`);
  const plain = command(`${COUNTING} ${ANSWER_WITH}{}))`);
  const failing = command(`${COUNTING} process.exit(1)`);
  const asked = async (exec: readonly string[], steps: readonly number[]) => {
    const { folder, profile } = await profileIn({}, {}, exec);
    const credentials = credentialsWith({ now: () => nowMs });
    const counts: number[] = [];
    for (const step of steps) {
      nowMs += step;
      await credentials(profile, never);
      counts.push((await readText(join(folder, "count"), "utf8")).length);
    }
    return counts;
  };
  expect(await asked(plain, [0, 59_999, 1, 0])).toEqual([1, 1, 2, 2]);
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  expect(await asked(expiring, [0, 3_599_999, 1])).toEqual([1, 1, 2]);
  expect(await asked(failing, [0, 0])).toEqual([1, 2]);
});

test("those who ask at once for one device share a run of the command; others do not", async () => {
  const exec = command(`${COUNTING} ${ANSWER_WITH}{ password: process.argv[1] }))`, "{id}");
  const { folder, profiles } = await profilesIn({}, [minimal("a"), minimal("b")], exec);
  const credentials = credentialsWith();
  const answers = await Promise.all(
    [...profiles, ...profiles, ...profiles].map(async (profile) => ready(await credentials(profile, never))),
  );
  expect(answers.map(({ password }) => password?.exposeText())).toEqual(["a", "b", "a", "b", "a", "b"]);
  expect(await readText(join(folder, "count"), "utf8")).toBe("xx");
});

test("at most eight commands run at once", async () => {
  const script = `const fs = require("node:fs");
    fs.mkdirSync("running/" + process.pid);
    const seen = fs.readdirSync("running").length;
    setTimeout(() => { fs.rmdirSync("running/" + process.pid); ${ANSWER_WITH}{ password: String(seen) })); }, 30);`;
  const devices = Array.from({ length: 20 }, (_, index) => minimal(`d${index}`));
  const { profiles } = await profilesIn({ "running/.keep": "" }, devices, command(script));
  const credentials = credentialsWith();
  const answers = await Promise.all(
    profiles.map(async (profile) => ready(await credentials(profile, never))),
  );
  const seen = answers.map(({ password }) => Number(password?.exposeText()) - 1);
  expect(Math.max(...seen)).toBeLessThanOrEqual(8);
  expect(Math.max(...seen)).toBeGreaterThan(1);
});

const HANGING = command(
  `require("node:fs").writeFileSync("pid", String(process.pid)); setInterval(() => {}, 1000)`,
);

test("aborting kills the command and throws the reason", async () => {
  const { folder, profile } = await profileIn({}, {}, HANGING);
  const stop = new AbortController();
  const credentials = credentialsWith();
  const asking = credentials(profile, stop.signal);
  const pid = await pidIn(folder);
  const reason = new Error("enough");
  stop.abort(reason);
  await expect(asking).rejects.toBe(reason);
  await credentials.close();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  await expect(credentials(profile, stop.signal)).rejects.toBe(reason);
});

test("one who gives up does not take the command from those who still wait", async () => {
  const script = `require("node:fs").writeFileSync("pid", String(process.pid));
    const timer = setInterval(() => { if (require("node:fs").existsSync("go")) { clearInterval(timer); ${ANSWER_WITH}{ password: "x" })); } }, 10)`;
  const { folder, profile } = await profileIn({}, {}, command(script));
  const stop = new AbortController();
  const credentials = credentialsWith();
  const [first, second] = [credentials(profile, stop.signal), credentials(profile, never)];
  await pidIn(folder);
  stop.abort();
  await expect(first).rejects.toThrow();
  await writeFile(join(folder, "go"), "");
  expect(ready(await second).password?.exposeText()).toBe("x");
});

test("closing ends commands that still run", async () => {
  const { folder, profile } = await profileIn({}, {}, HANGING);
  const credentials = createCredentials({ env: {} });
  const asking = expect(credentials(profile, never)).rejects.toThrow("closed");
  const pid = await pidIn(folder);
  await credentials.close();
  await asking;
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

async function pidIn(folder: string): Promise<number> {
  const read = async () => Number(await readText(join(folder, "pid"), "utf8").catch(() => ""));
  await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(0);
  return read();
}

const END = "2031-05-06T07:08:09Z";

test.each<[string, Record<string, unknown>, readonly string[] | undefined, string | null]>([
  ["a command's answer", {}, command(`${ANSWER_WITH}{ expiresAt: "${END}" }))`), END],
  [
    "a JWT",
    { token: { key: "k", jwt: jwtUntil("2030-01-01T00:00:00Z") } },
    undefined,
    "2030-01-01T00:00:00Z",
  ],
  ["a JWT as password", { password: jwtUntil("2030-01-01T00:00:00Z") }, undefined, "2030-01-01T00:00:00Z"],
  [
    "the first of several to end",
    { token: { key: "k", jwt: jwtUntil("2032-01-01T00:00:00Z") } },
    command(`${ANSWER_WITH}{ expiresAt: "${END}" }))`),
    END,
  ],
  ["nothing that says", { password: "a.b.c", token: { key: "k", value: "v" } }, undefined, null],
])("the end of credentials is known from %s", async (_what, more, exec, end) => {
  const { profile } = await profileIn({}, more, exec);
  const answer = await credentialsWith()(profile, never);
  const expected = end === null ? null : Date.parse(end);
  expect(answer).toMatchObject({ kind: "ready", expiresAtMs: expected });
});

function jwtUntil(time: string): string {
  const claims = Buffer.from(JSON.stringify({ exp: Date.parse(time) / 1000 })).toString("base64url");
  return `e30.${claims}.c2ln`;
}

test("a clock that is set back does not keep what a file held", async () => {
  const { folder, profile } = await profileIn({ secret: "old" }, { password: "${file:secret}" });
  const credentials = credentialsWith({ cacheMs: 1 });
  const password = async () => ready(await credentials(profile, never)).password?.exposeText();
  expect(await password()).toBe("old");
  const clock = vi.spyOn(Date, "now").mockReturnValue(0);
  onTestFinished(() => clock.mockRestore());
  await writeFile(join(folder, "secret"), "new");
  await vi.waitFor(async () => expect(await password()).toBe("new"));
});
