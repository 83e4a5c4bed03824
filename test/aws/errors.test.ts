import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { credentialFailureOf, failureOf } from "../../src/aws/errors.ts";
import { Secret } from "../../src/model/secret.ts";
import { awsError } from "../support/aws-server.ts";
import {
  ask,
  EMPTY_REQUEST,
  SIGNED,
  startParts,
  useNoCredentials,
  useStaticCredentials,
} from "./aws-parts.ts";

beforeAll(useStaticCredentials);

/** Errors that AWS gives an answer with: status, type, and what it means for a signed request. */
const TABLE = [
  // The seven exceptions of API_TestInvokeAuthorizer.
  [400, "InvalidRequestException", "signature", "SIGNATURE_INVALID"],
  [400, "InvalidResponseException", "response", "AUTHORIZER_RESPONSE_INVALID"],
  [400, "ThrottlingException", "throttled", "API_THROTTLED"],
  [401, "UnauthorizedException", "caller", "CALLER_PERMISSION_MISSING"],
  [404, "ResourceNotFoundException", "caller", "AUTHORIZER_NOT_FOUND"],
  [500, "InternalFailureException", "service", "API_UNAVAILABLE"],
  [503, "ServiceUnavailableException", "service", "API_UNAVAILABLE"],
  // The front end's.
  [403, "AccessDeniedException", "caller", "CALLER_PERMISSION_MISSING"],
  [403, "ForbiddenException", "caller", "CALLER_PERMISSION_MISSING"],
  [403, "InvalidSignatureException", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "SignatureDoesNotMatch", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "UnrecognizedClientException", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "InvalidClientTokenId", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "ExpiredTokenException", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "ExpiredToken", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "MissingAuthenticationTokenException", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "IncompleteSignatureException", "caller", "CALLER_CREDENTIALS_INVALID"],
  [403, "RequestTimeTooSkewed", "caller", "CALLER_CLOCK_SKEW"],
  [403, "RequestExpired", "caller", "CALLER_CLOCK_SKEW"],
  [403, "SomethingNewException", "caller", "CALLER_PERMISSION_MISSING"],
  [404, "SomethingNewException", "caller", "AUTHORIZER_NOT_FOUND"],
  [429, "SomethingNewException", "throttled", "API_THROTTLED"],
  [400, "ValidationException", "signature", "SIGNATURE_INVALID"],
  [422, "SomethingNewException", "signature", "SIGNATURE_INVALID"],
  [500, "SomethingNewException", "service", "API_UNAVAILABLE"],
  [504, "SomethingNewException", "service", "API_UNAVAILABLE"],
] as const;

describe("what AWS answers", () => {
  test.each(TABLE)("%i %s: %s, %s", async (status, type, why, cause) => {
    const timeouts = { invokeMs: 1000, probeMs: 1000 };
    const parts = await startParts({ timeouts }, () => awsError(status, type));
    expect(await ask(parts)).toEqual({
      kind: "errored",
      why,
      cause,
      authorizer: "fleet",
      code: type,
      message: "a message",
      durationMs: expect.any(Number),
      delayMs: expect.any(Number),
      requestId: "request-1",
    });
    expect(parts.seen[0]).toEqual({
      target: "here",
      operation: "TestInvokeAuthorizer",
      code: type === "SomethingNewException" ? "other" : type,
    });
  });

  test.each(["", ":", ":http://internal.amazon.com/coral/com.amazon.coral.service/"])(
    "the type counts without its tail %j",
    async (tail) => {
      const parts = await startParts({}, () => awsError(403, "AccessDeniedException", "no", tail));
      expect(await ask(parts)).toMatchObject({ code: "AccessDeniedException", message: "no" });
    },
  );

  test("the type may come in the body, behind a name space, and the message with a capital", async () => {
    const body = { __type: "com.amazonaws.iot#UnauthorizedException", Message: "not you" };
    const parts = await startParts({}, () => ({ status: 401, body }));
    expect(await ask(parts)).toMatchObject({ code: "UnauthorizedException", message: "not you" });
  });

  test.each([
    "Signature expired: 20261123T010000Z is now earlier than 20261123T015500Z",
    "Signature not yet current: 20261123T030000Z is still later than 20261123T020500Z",
  ])("a wrong clock: %s", async (message) => {
    const parts = await startParts({}, () => awsError(403, "InvalidSignatureException", message));
    expect(await ask(parts)).toMatchObject({ why: "caller", cause: "CALLER_CLOCK_SKEW", message });
  });

  test("a wrong clock is not set right behind our back: each call tells of it", async () => {
    const refusal = { status: 403, headers: { "x-amzn-errortype": "RequestTimeTooSkewed" }, body: {} };
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const parts = await startParts({}, () => ({ ...refusal, headers: { ...refusal.headers, date } }));
    await ask(parts);
    await ask(parts);
    const [first, second] = parts.server.requests.map(({ headers }) =>
      `${headers["x-amz-date"]}`.slice(0, 11),
    );
    expect(second).toBe(first);
  });

  test("a refusal of a request without a signature rejects the credential", async () => {
    const parts = await startParts({}, () => awsError(400, "InvalidRequestException"));
    const invocation = await ask(parts, { ...EMPTY_REQUEST, token: new Secret("the-token") });
    expect(invocation).toMatchObject({ why: "signature", cause: "CREDENTIAL_REJECTED" });
  });

  test("secrets are masked in message, type and request id, in whatever encoding", async () => {
    const secret = "s3cr3t/+value";
    const encoded = [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret)];
    for (const each of encoded) {
      const headers = { "x-amzn-errortype": `Bad${each.replaceAll("/", "")}`, "x-amzn-requestid": each };
      const parts = await startParts({}, () => ({
        status: 400,
        headers,
        body: { message: `echo ${each}\n!` },
      }));
      const invocation = await ask(parts, SIGNED, [
        new Secret(secret),
        new Secret(secret.replaceAll("/", "")),
      ]);
      expect(JSON.stringify(invocation)).not.toContain(each);
      expect(invocation).toMatchObject({
        message: expect.stringMatching(/^echo <secret>\S{0,3} !$/),
        requestId: expect.stringContaining("<secret>"),
      });
      expect(parts.seen[0]?.code).toBe("other");
    }
  });

  test("a long message is cut", async () => {
    const parts = await startParts({}, () => awsError(400, "InvalidRequestException", "x".repeat(100_000)));
    const invocation = await ask(parts);
    expect(invocation.kind === "errored" && invocation.message.length).toBe(500);
  });
});

describe("our own credentials", () => {
  test("none: nothing is sent, no budget is spent, and it is no fault of the device", async () => {
    useNoCredentials();
    try {
      const parts = await startParts();
      expect(await ask(parts)).toMatchObject({
        why: "caller",
        cause: "CALLER_CREDENTIALS_INVALID",
        code: "CredentialsProviderError",
        durationMs: null,
      });
      expect(parts.used).toEqual([]);
      expect(parts.server.requests).toHaveLength(0);
    } finally {
      useStaticCredentials();
    }
  });

  test.each([
    ["ValidationError", 400, "CALLER_CREDENTIALS_INVALID"],
    ["AccessDenied", 403, "CALLER_CREDENTIALS_INVALID"],
    ["InvalidIdentityToken", 400, "CALLER_CREDENTIALS_INVALID"],
    ["ResourceNotFoundException", 404, "CALLER_CREDENTIALS_INVALID"],
    ["RequestExpired", 400, "CALLER_CLOCK_SKEW"],
  ])("%s of the token service is about us: %i", (name, httpStatusCode, cause) => {
    const error = Object.assign(new Error("no"), { name, $metadata: { httpStatusCode, requestId: "r" } });
    expect(credentialFailureOf(error, [])).toMatchObject({
      why: "caller",
      cause,
      retry: "no",
      notFound: false,
    });
  });

  test("a token service out of reach is unreachable, and a failed program is not", () => {
    const unreachable = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    expect(credentialFailureOf(unreachable, [])).toMatchObject({ why: "service", cause: "API_UNREACHABLE" });
    const program = Object.assign(new Error("no program", { cause: { code: "ENOENT" } }), {
      name: "CredentialsProviderError",
    });
    expect(credentialFailureOf(program, [])).toMatchObject({ cause: "CALLER_CREDENTIALS_INVALID" });
  });
});

test("whatever is thrown is explained, scrubbed and never blamed on the device without AWS's word", () => {
  const error = fc.record(
    {
      name: fc.string(),
      message: fc.oneof(fc.string(), fc.constant("the-token")),
      code: fc.oneof(fc.string(), fc.integer(), fc.constant("ECONNRESET")),
      cause: fc.anything(),
      $metadata: fc.record({ httpStatusCode: fc.anything(), requestId: fc.anything() }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      error.map((fields) => Object.assign(new Error(), fields)),
      (thrown) => {
        const failure = failureOf(thrown, {
          refused: "SIGNATURE_INVALID",
          secrets: [new Secret("the-token")],
        });
        expect(failure.message).not.toContain("the-token");
        expect(failure.message.length).toBeLessThanOrEqual(500);
        if (failure.why === "signature") {
          const status = thrown.$metadata?.httpStatusCode;
          expect(status).toBeGreaterThanOrEqual(400);
          expect(status).toBeLessThan(500);
        }
      },
    ),
  );
});
