import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDPOINT } from "../support/emulator.ts";
import { runForeign, startForeign } from "./foreign.ts";
import { SIGNATURE, STRANGERS_SIGNATURE, startWorld, TOKEN, type World } from "./world.ts";

/** HTTPS publish with custom authentication, by curl (libcurl and OpenSSL). */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

const AFTER_BODY = "\\n%{http_code} %header{x-amzn-errortype}";
const UUID = expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);

/** Asks for `target` at the endpoint, as a device would whose DNS leads to the emulator. */
async function curl(target: string, ...options: string[]): Promise<Reply> {
  const { port, caFile } = world.emulator;
  const { code, stdout, stderr } = await runForeign("curl", [
    ...["--silent", "--show-error", "--cacert", caFile, "--max-time", "20"],
    ...["--connect-to", `${ENDPOINT}:443:127.0.0.1:${port}`, "--write-out", AFTER_BODY],
    ...options,
    `https://${ENDPOINT}${target}`,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [, body = "", status, type = ""] = /^(.*)\n(\d+) (.*)$/s.exec(stdout) ?? [];
  return { status: Number(status), type, body: body === "" ? {} : JSON.parse(body) };
}

const POST = ["--data", "hello"];
const header = (name: string, value: string) => ["-H", `${name}: ${value}`];

const ACCEPTED = { status: 200, type: "", body: { message: "OK", traceId: UUID } };
const FORBIDDEN = {
  status: 403,
  type: "ForbiddenException:",
  body: { message: "Forbidden", traceId: UUID },
};

/** The three parameters of a signed token. */
function trio(signature: string): readonly (readonly [string, string])[] {
  return [
    ["x-amz-customauthorizer-name", "signed"],
    ["x-amz-customauthorizer-signature", signature],
    ["x-token", TOKEN],
  ];
}
const inHeaders = (signature: string) => trio(signature).flatMap(([name, value]) => header(name, value));
const inQuery = (signature: string) => `&${new URLSearchParams(trio(signature).map(([...pair]) => pair))}`;

describe("curl", () => {
  test.each([
    ["a password in a header", "", header("x-password", "right")],
    ["a password in the query string", "&password=right", []],
    ["a signed token in headers", "", inHeaders(SIGNATURE)],
    ["a signed token in the query string", inQuery(SIGNATURE), []],
  ])("publishes with %s", async (_what, query, headers) => {
    expect(await curl(`/topics/a/b?qos=1${query}`, ...POST, ...headers)).toEqual(ACCEPTED);
  });

  test.each([
    ["a wrong password in a header", "", header("x-password", "wrong")],
    ["a wrong password in the query string", "&password=wrong", []],
    ["no credentials", "", []],
    ["a stranger's signature in headers", "", inHeaders(STRANGERS_SIGNATURE)],
    ["a stranger's signature in the query string", inQuery(STRANGERS_SIGNATURE), []],
    [
      "a signature that is not URL-encoded",
      `&x-amz-customauthorizer-name=signed&x-amz-customauthorizer-signature=${SIGNATURE}&x-token=${TOKEN}`,
      [],
    ],
    ["an unknown authorizer", "", header("x-amz-customauthorizer-name", "nobody")],
  ])("is refused with %s", async (_what, query, headers) => {
    expect(await curl(`/topics/a/b?qos=1${query}`, ...POST, ...headers)).toEqual(FORBIDDEN);
  });

  test("what it publishes reaches a subscriber", async () => {
    const { port, caFile } = world.emulator;
    const options = ["-h", "localhost", "-p", String(port), "--cafile", caFile, "--tls-alpn", "mqtt"];
    const device = ["-i", "reader", "-u", "device", "-P", "right", "-t", "from/curl", "-C", "1", "-W", "20"];
    const reader = startForeign("stdbuf", ["-oL", "mosquitto_sub", ...options, ...device, "-d"]);
    await reader.says("Subscribed");
    expect(await curl("/topics/from%2Fcurl?qos=1", ...POST, ...header("x-password", "right"))).toEqual(
      ACCEPTED,
    );
    expect((await reader.ended).stdout).toContain("\nhello\n");
  });

  test("a request that breaks the API is refused with its own status", async () => {
    const right = header("x-password", "right");
    expect(await curl("/topics/a%23?qos=1", ...POST, ...right)).toMatchObject({
      status: 400,
      type: "InvalidRequestException:",
    });
    expect(await curl("/topics/a?qos=2", ...POST, ...right)).toMatchObject({ status: 400 });
    expect(await curl("/topics/a", ...right)).toMatchObject({
      status: 405,
      type: "MethodNotAllowedException:",
    });
    expect(await curl("/mqtt")).toMatchObject({ status: 426 });
  });

  test("HTTP/1.1 is spoken with and without ALPN", async () => {
    const right = header("x-password", "right");
    for (const alpn of [[], ["--no-alpn"], ["--http1.1"]]) {
      expect(await curl("/topics/a?qos=0", ...POST, ...right, ...alpn)).toEqual(ACCEPTED);
    }
  });
});
