import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import type { Wire } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import { Secret } from "../../src/model/secret.ts";
import { inputOf, PASSWORD, targetOf, wireOf } from "../support/gateway-input.ts";
import { type HttpRequestSeen, type Peer, readRequest, tlsPeer } from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

type HttpsWire = Extract<Wire, { kind: "https" }>;

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

const WIRE = wireOf("https") as HttpsWire;

const run = (peer: Peer, wire: Partial<HttpsWire> = {}, timeoutMs = 10_000): Promise<Outcome> =>
  probe(inputOf(targetOf(pki, peer.port), { ...WIRE, ...wire }, { timeoutMs }));

const answering = (answer: string, onRequest: (request: HttpRequestSeen) => void = () => {}): Promise<Peer> =>
  tlsPeer(pki.good, (socket) =>
    readRequest(socket, (request) => {
      onRequest(request);
      socket.write(answer);
    }),
  );

test("one POST carries path, query and headers as given, Host, and a small payload", async () => {
  const seen: HttpRequestSeen[] = [];
  await using peer = await answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (request) =>
    seen.push(request),
  );
  const path = "/topics/a%2Fb%20c?qos=1&x-amz-customauthorizer-signature=a%2B%3D&t='|";
  const outcome = await run(peer, {
    path: new Secret(path),
    headers: { "X-Amz-CustomAuthorizer-Name": new Secret("fleet") },
  });
  expect(outcome).toMatchObject({ kind: "accepted", code: 200 });
  expect(seen).toEqual([
    {
      line: `POST ${path} HTTP/1.1`,
      headers: expect.arrayContaining([
        "host: gateway.test",
        "X-Amz-CustomAuthorizer-Name: fleet",
        "content-length: 17",
      ]),
      body: "fleet-smoke probe",
    },
  ]);
  expect(peer.connections).toHaveLength(1);
});

test("a profile's own Host header is the only one", async () => {
  const seen: HttpRequestSeen[] = [];
  await using peer = await answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (request) =>
    seen.push(request),
  );
  await run(peer, { headers: { host: new Secret("other.test") } });
  const hosts = seen[0]?.headers.filter((each) => each.toLowerCase().startsWith("host:"));
  expect(hosts).toEqual(["host: other.test"]);
});

describe("a status", () => {
  test.each([
    [200, "accepted", null],
    [202, "accepted", null],
    [401, "refused", null],
    [403, "refused", null],
    [429, "unreachable", "GATEWAY_THROTTLED"],
    [500, "unreachable", "GATEWAY_UNAVAILABLE"],
    [503, "unreachable", "GATEWAY_UNAVAILABLE"],
    [302, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [400, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [404, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [405, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [413, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
  ])("of %d is %s", async (status, kind, cause) => {
    await using peer = await answering(
      `HTTP/1.1 ${status} X\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\n{}`,
    );
    const outcome = await run(peer);
    expect(outcome).toMatchObject({ kind, code: status });
    if (cause !== null) expect(outcome).toMatchObject({ cause });
    expect(peer.connections).toHaveLength(1);
  });

  test("of a refusal keeps AWS's error type and message, scrubbed", async () => {
    const body = JSON.stringify({ message: `Missing ${encodeURIComponent(PASSWORD)}\n`, traceId: "t" });
    await using peer = await answering(
      `HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: ForbiddenException:http://x/\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const outcome = await run(peer);
    expect(outcome).toMatchObject({
      kind: "refused",
      how: "status",
      reason: "HTTP 403: ForbiddenException: Missing <secret> ",
    });
  });

  test.each([
    ["that never comes", "content-length: 1000\r\n\r\n"],
    ["without an end", `transfer-encoding: chunked\r\n\r\n10000\r\n${"x".repeat(0x10000)}\r\n`],
    ["that is broken", "transfer-encoding: chunked\r\n\r\nzz\r\n"],
  ])("of a refusal stands with a body %s", async (_name, rest) => {
    await using peer = await answering(`HTTP/1.1 403 Forbidden\r\n${rest}`);
    const outcome = await run(peer);
    expect(outcome).toMatchObject({ kind: "refused", how: "status", code: 403 });
    expect(outcome.kind === "refused" && outcome.reason?.length).toBeLessThanOrEqual(500);
  });
});

test.each([
  ["a body shorter than announced", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", "unreachable"],
  ["broken chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "broken"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", "broken"],
  ["headers of 64 KB", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(65_536)}\r\n\r\n`, "broken"],
  ["an upgrade nobody asked for", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "broken"],
  ["status 100", "HTTP/1.1 100 Continue\r\n\r\n", "broken"],
  ["an MQTT CONNACK", "\u0020\u0002\u0000\u0000", "broken"],
])("an answer is not accepted with %s", async (_name, answer, kind) => {
  await using peer = await tlsPeer(pki.good, (socket) => readRequest(socket, () => void socket.end(answer)));
  expect(await run(peer)).toMatchObject({ kind });
});

test("a body that ends with the connection is complete", async () => {
  await using peer = await tlsPeer(pki.good, (socket) =>
    readRequest(socket, () => void socket.end('HTTP/1.1 200 OK\r\n\r\n{"message":"OK"}')),
  );
  expect(await run(peer)).toMatchObject({ kind: "accepted", code: 200 });
});

test("a close before a response is unreachable", async () => {
  await using peer = await tlsPeer(pki.good, (socket) => readRequest(socket, () => void socket.end()));
  expect(await run(peer)).toMatchObject({
    kind: "unreachable",
    cause: "GATEWAY_RESET",
    reason: expect.stringContaining("closed"),
  });
});

test("a header that HTTP does not allow is our side's fault, and its value is not told", async () => {
  await using peer = await answering("");
  const outcome = await run(peer, { headers: { "x-token": new Secret(`${PASSWORD}\r\nX: 1`) } });
  expect(outcome).toMatchObject({ kind: "broken", cause: "TESTER_ERROR" });
  expect(JSON.stringify(outcome)).not.toContain(PASSWORD);
});

test("a request target that HTTP does not allow is not sent", async () => {
  await using peer = await answering("");
  expect(await run(peer, { path: new Secret("/topics/a b") })).toMatchObject({
    kind: "broken",
    cause: "PROFILE_INVALID",
  });
  expect(peer.connections).toHaveLength(0);
});
