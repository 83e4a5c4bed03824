import { beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../src/model/secret.ts";
import { awsError, inTurn, ok, type ServerReply } from "../support/aws-server.ts";
import { ask, EMPTY_REQUEST, NEVER, SIGNED, startParts, useStaticCredentials } from "./aws-parts.ts";

beforeAll(useStaticCredentials);

const ALLOWED = ok({
  isAuthenticated: true,
  principalId: "pump1",
  policyDocuments: ['{"Version":"2012-10-17","Statement":[]}'],
  refreshAfterInSeconds: 300,
  disconnectAfterInSeconds: 86_400,
});

describe("request", () => {
  test("every field goes to the API as the device sends it, the password as bytes", async () => {
    const parts = await startParts({}, () => ALLOWED);
    await parts.invoke({
      target: parts.target,
      authorizer: "fleet=jwt,a@b",
      request: {
        token: new Secret("the-token"),
        tokenSignature: new Secret("c2ln+/=="),
        httpContext: { headers: { "X-Token": new Secret("h") }, queryString: new Secret("?a=b%2B") },
        mqttContext: {
          username: new Secret("pump?x-amz-customauthorizer-name=fleet"),
          password: new Secret(Buffer.from([0, 255, 1])),
          clientId: "pump-1",
        },
        tlsContext: { serverName: "a1-ats.iot.eu-west-1.amazonaws.com" },
      },
      secrets: [],
      signal: NEVER,
    });
    expect(parts.server.requests).toHaveLength(1);
    expect(parts.server.requests[0]).toMatchObject({
      method: "POST",
      path: "/authorizer/fleet%3Djwt%2Ca%40b/test",
      body: {
        token: "the-token",
        tokenSignature: "c2ln+/==",
        httpContext: { headers: { "X-Token": "h" }, queryString: "?a=b%2B" },
        mqttContext: {
          username: "pump?x-amz-customauthorizer-name=fleet",
          password: Buffer.from([0, 255, 1]).toString("base64"),
          clientId: "pump-1",
        },
        tlsContext: { serverName: "a1-ats.iot.eu-west-1.amazonaws.com" },
      },
    });
    expect(parts.server.requests[0]?.headers.authorization).toMatch(/\/eu-west-1\/iot\/aws4_request/);
    expect(parts.server.requests[0]?.headers["user-agent"]).toBe("fleet-smoke");
  });

  test("fields the device does not send are left out", async () => {
    const parts = await startParts({}, () => ALLOWED);
    const mqttContext = { username: null, password: null, clientId: "pump-1" };
    await ask(parts, { ...EMPTY_REQUEST, mqttContext });
    expect(parts.server.requests[0]?.body).toEqual({ mqttContext: { clientId: "pump-1" } });
  });

  test("the SDK's own endpoint variable is used where the target names none", async () => {
    const parts = await startParts({ controlPlaneEndpoint: null }, () => ALLOWED);
    process.env.AWS_ENDPOINT_URL_IOT = parts.server.url;
    try {
      expect(await ask(parts)).toMatchObject({ kind: "allowed" });
    } finally {
      delete process.env.AWS_ENDPOINT_URL_IOT;
    }
  });

  test("what breaks the API's own limits is not asked", async () => {
    const parts = await startParts();
    const invocation = await ask(parts, { ...SIGNED, tokenSignature: new Secret("a-b_c") });
    expect(invocation).toMatchObject({
      kind: "errored",
      why: "signature",
      cause: "SIGNATURE_NOT_BASE64",
      durationMs: null,
    });
    expect(parts.server.requests).toHaveLength(0);
    expect(parts.used).toEqual([]);
  });
});

describe("answer", () => {
  test("all five fields are kept, policy documents parsed", async () => {
    const parts = await startParts({}, () => ALLOWED);
    expect(await ask(parts)).toEqual({
      kind: "allowed",
      authorizer: "fleet",
      answer: {
        isAuthenticated: true,
        principalId: "pump1",
        policyDocuments: [{ Version: "2012-10-17", Statement: [] }],
        policyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        refreshAfterSeconds: 300,
        disconnectAfterSeconds: 86_400,
      },
      durationMs: expect.any(Number),
      delayMs: expect.any(Number),
      requestId: "request-1",
    });
    expect(parts.seen).toEqual([{ target: "here", operation: "TestInvokeAuthorizer", code: "ok" }]);
    expect(parts.used).toEqual([{ target: "here", operation: "TestInvokeAuthorizer" }]);
  });

  test("an authorizer that says no is denied", async () => {
    const parts = await startParts({}, () => ok({ isAuthenticated: false }));
    expect(await ask(parts)).toMatchObject({
      kind: "denied",
      answer: { policyDocuments: [], principalId: null },
    });
  });

  test.each([
    ["a policy document that is not JSON", { isAuthenticated: true, policyDocuments: ["{oops the-token"] }],
    ["a policy document as an object", { isAuthenticated: true, policyDocuments: [{}] }],
    ["no isAuthenticated", {}],
    ["a text for isAuthenticated", { isAuthenticated: "true" }],
    ["nothing", ""],
  ])("%s is the authorizer's fault, not a crash", async (_, body) => {
    const parts = await startParts({}, () => ok(body));
    const invocation = await ask(parts, SIGNED, [new Secret("the-token")]);
    expect(invocation).toMatchObject({
      kind: "errored",
      why: "response",
      cause: "AUTHORIZER_RESPONSE_INVALID",
      requestId: "request-1",
    });
    expect(JSON.stringify(invocation)).not.toContain("the-token");
  });

  test("a proxy's page is no answer of AWS, whatever its status", async () => {
    for (const status of [200, 302, 400, 403, 404, 502]) {
      const page: ServerReply = { status, headers: { "content-type": "text/html" }, body: "<html>no</html>" };
      const parts = await startParts({}, () => page);
      expect(await ask(parts), `${status}`).toMatchObject({
        kind: "errored",
        why: "service",
        cause: "API_UNAVAILABLE",
      });
    }
  });

  test("a principalId that repeats a credential is masked", async () => {
    const parts = await startParts({}, () => ok({ isAuthenticated: true, principalId: "xtheTokenx" }));
    const invocation = await ask(parts, SIGNED, [new Secret("theToken")]);
    expect(invocation).toMatchObject({ answer: { principalId: "x<secret>x" } });
  });
});

describe("throttling", () => {
  test("a throttled call backs off and is tried again under the budget", async () => {
    const throttled = awsError(400, "ThrottlingException", "Rate exceeded");
    const parts = await startParts({}, inTurn(throttled, throttled, ALLOWED));
    expect(await ask(parts)).toMatchObject({ kind: "allowed" });
    expect(parts.seen.map(({ code }) => code)).toEqual(["ThrottlingException", "ThrottlingException", "ok"]);
    expect(parts.used).toHaveLength(3);
  });

  test("status 429 counts as throttling whatever its name", async () => {
    const parts = await startParts({}, inTurn(awsError(429, "SomethingNew"), ALLOWED));
    expect(await ask(parts)).toMatchObject({ kind: "allowed" });
  });

  test("a short spell does not use up the time for the call", async () => {
    const throttled = awsError(400, "ThrottlingException", "Rate exceeded");
    // Back-offs of at most 3 s in all: within six times 700 ms whatever the jitter, and mostly beyond 700 ms.
    const spell = Array.from({ length: 4 }, () => throttled);
    const parts = await startParts({ timeouts: { invokeMs: 700, probeMs: 700 } }, inTurn(...spell, ALLOWED));
    expect(await ask(parts)).toMatchObject({ kind: "allowed" });
  });

  test("it gives up when it lasts for six times the target's time for a call", async () => {
    const timeouts = { invokeMs: 200, probeMs: 1000 };
    const parts = await startParts({ timeouts }, () => awsError(400, "ThrottlingException", "Rate exceeded"));
    expect(await ask(parts)).toMatchObject({
      kind: "errored",
      why: "throttled",
      cause: "API_THROTTLED",
      code: "ThrottlingException",
      message: "Rate exceeded",
    });
  });

  test("an answer that does not come in time after throttling is still throttling", async () => {
    const timeouts = { invokeMs: 1000, probeMs: 1000 };
    const throttled = awsError(400, "ThrottlingException", "Rate exceeded");
    const parts = await startParts({ timeouts }, inTurn(throttled, "hang"));
    expect(await ask(parts)).toMatchObject({ why: "throttled", cause: "API_THROTTLED" });
    expect(parts.seen.map(({ code }) => code)).toEqual(["ThrottlingException", "TimeoutError"]);
  });

  test("the time in which our own event loop stood still does not use it up, and is told", async () => {
    const timeouts = { invokeMs: 500, probeMs: 1000 };
    const parts = await startParts({ timeouts }, () => {
      const untilMs = performance.now() + 800;
      while (performance.now() < untilMs);
      return ALLOWED;
    });
    const invocation = await ask(parts);
    if (invocation.kind !== "allowed") throw new Error(`it was ${invocation.kind}`);
    expect(invocation.delayMs).toBeGreaterThanOrEqual(800);
  });

  test("waiting for the budget does not use up that time", async () => {
    const budgets = { invokesPerSecond: 1, connectsPerSecond: 1, burst: 1 };
    const timeouts = { invokeMs: 1500, probeMs: 1000 };
    const parts = await startParts({ budgets, timeouts }, () => ALLOWED);
    const invocations = await Promise.all([ask(parts), ask(parts), ask(parts)]);
    expect(invocations.map(({ kind }) => kind)).toEqual(["allowed", "allowed", "allowed"]);
  });
});

describe("bad moments", () => {
  test.each([
    ["a reset", "reset"],
    ["InternalFailureException", awsError(500, "InternalFailureException")],
    ["ServiceUnavailableException", awsError(503, "ServiceUnavailableException")],
  ] as const)("%s is tried once more", async (_, reply) => {
    const parts = await startParts({}, inTurn(reply, ALLOWED));
    expect(await ask(parts)).toMatchObject({ kind: "allowed" });
    const failing = await startParts({}, () => reply);
    expect(await ask(failing)).toMatchObject({ kind: "errored", why: "service" });
    expect(failing.server.requests).toHaveLength(2);
  });

  test("an answer that breaks off is not tried again: the Lambda has run", async () => {
    const parts = await startParts({}, () => "cut");
    expect(await ask(parts)).toMatchObject({ why: "service", cause: "API_UNREACHABLE", code: "ECONNRESET" });
    expect(parts.server.requests).toHaveLength(1);
  });

  test("what does not speak HTTP is unavailable", async () => {
    const parts = await startParts({}, () => "garbage");
    expect(await ask(parts)).toMatchObject({ why: "service", cause: "API_UNAVAILABLE" });
    expect(parts.seen).toEqual([{ target: "here", operation: "TestInvokeAuthorizer", code: "other" }]);
  });

  test("no answer in time is a time-out, and the call is not repeated", async () => {
    const parts = await startParts({ timeouts: { invokeMs: 150, probeMs: 1000 } }, () => "hang");
    expect(await ask(parts)).toMatchObject({
      why: "service",
      cause: "API_TIMEOUT",
      code: "TimeoutError",
      message: "no answer within 150 ms",
    });
    expect(parts.server.requests).toHaveLength(1);
    expect(parts.seen.map(({ code }) => code)).toEqual(["TimeoutError"]);
  });

  test("a refused connection is unreachable", async () => {
    const parts = await startParts();
    await parts.server[Symbol.asyncDispose]();
    expect(await ask(parts)).toMatchObject({
      why: "service",
      cause: "API_UNREACHABLE",
      code: "ECONNREFUSED",
    });
  });

  test("a name that does not resolve is unreachable", async () => {
    const parts = await startParts({ controlPlaneEndpoint: "http://iot.invalid" });
    const invocation = await ask(parts);
    expect(invocation).toMatchObject({ why: "service", cause: "API_UNREACHABLE" });
    expect(invocation).toMatchObject({ code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
  });

  test("aborted in a call it throws the reason at once", async () => {
    const stop = new AbortController();
    const parts = await startParts({}, () => {
      stop.abort(new Error("enough"));
      return "hang";
    });
    await expect(ask(parts, SIGNED, [], stop.signal)).rejects.toThrow("enough");
  });

  test("aborted while it waits for the budget it throws the reason, and nothing was sent", async () => {
    const budgets = { invokesPerSecond: 0.01, connectsPerSecond: 1, burst: 1 };
    const parts = await startParts({ budgets }, () => ALLOWED);
    await ask(parts);
    const stop = new AbortController();
    const waiting = ask(parts, SIGNED, [], stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(waiting).rejects.toThrow("enough");
    expect(parts.server.requests).toHaveLength(1);
  });
});
