import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classify } from "../../src/gateway/classify.ts";
import { type Ending, type Step, violation } from "../../src/gateway/ending.ts";
import { describeRefusal } from "../../src/gateway/refusal.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import { Secret } from "../../src/model/secret.ts";

const STEPS: readonly (Step | null)[] = [null, "dns", "tcp", "tls", "upgrade", "connack", "response"];
const TRANSPORT: Transport = {
  address: null,
  tls: null,
  certificateExpiresAtMs: null,
  packets: [],
  phasesMs: {},
  durationMs: 0,
  delayMs: 0,
  startedAtMs: 0,
};

const meaning = (ending: Ending, step: Step | null, secrets: readonly Secret[] = []): Outcome =>
  classify(ending, step, TRANSPORT, secrets);

const failed = (fields: object, message = "boom"): Ending => ({
  kind: "failed",
  error: Object.assign(new Error(message), fields),
});

describe("an error", () => {
  test.each<[string, Step, string, string]>([
    ["ENOTFOUND", "dns", "unreachable", "DNS_FAILED"],
    ["EAI_AGAIN", "dns", "unreachable", "DNS_FAILED"],
    ["ECONNREFUSED", "tcp", "unreachable", "TCP_REFUSED"],
    ["EHOSTUNREACH", "tcp", "unreachable", "TCP_REFUSED"],
    ["ENETUNREACH", "tcp", "unreachable", "TCP_REFUSED"],
    ["EADDRNOTAVAIL", "tcp", "unreachable", "TCP_REFUSED"],
    ["EACCES", "tcp", "unreachable", "TCP_REFUSED"],
    ["ETIMEDOUT", "tcp", "unreachable", "GATEWAY_TIMEOUT"],
    ["ETIMEDOUT", "connack", "unreachable", "GATEWAY_TIMEOUT"],
    ["ECONNRESET", "tcp", "unreachable", "GATEWAY_RESET"],
    ["ECONNRESET", "tls", "unreachable", "GATEWAY_RESET"],
    ["ECONNRESET", "connack", "unreachable", "GATEWAY_RESET"],
    ["EPIPE", "response", "unreachable", "GATEWAY_RESET"],
    ["EHOSTUNREACH", "connack", "unreachable", "GATEWAY_RESET"],
    ["UND_ERR_SOCKET", "response", "unreachable", "GATEWAY_RESET"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls", "unreachable", "TLS_FAILED"],
    ["EPROTO", "connack", "unreachable", "TLS_FAILED"],
    ["HPE_INVALID_CONSTANT", "upgrade", "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    ["WS_ERR_INVALID_OPCODE", "connack", "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    ["UND_ERR_HEADERS_OVERFLOW", "response", "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    ["EMFILE", "tcp", "broken", "TESTER_OVERLOADED"],
    ["ENOBUFS", "tcp", "broken", "TESTER_OVERLOADED"],
    ["ERR_INVALID_CHAR", "upgrade", "broken", "TESTER_ERROR"],
    ["UND_ERR_INVALID_ARG", "response", "broken", "TESTER_ERROR"],
  ])("%s at %s is %s, %s", (code, step, kind, cause) => {
    expect(meaning(failed({ code }), step)).toMatchObject({ kind, cause, tlsAlert: false });
  });

  test.each([
    [
      { code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", reason: "tlsv1 alert no application protocol" },
      "boom",
    ],
    [{ code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", reason: "tlsv1 unrecognized name" }, "boom"],
    [
      { code: "EPROTO" },
      "write EPROTO 80:error:0A000460:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../x.c:1:SSL alert number 116",
    ],
  ])("that is a TLS alert of the peer's is marked, at any step", (fields, message) => {
    for (const step of ["tls", "upgrade", "connack", "response"] as const) {
      const outcome = meaning(failed(fields, message), step);
      expect(outcome).toMatchObject({ kind: "unreachable", cause: "TLS_FAILED", tlsAlert: true });
      expect(outcome).toMatchObject({
        reason: expect.stringMatching(/^the gateway sent a TLS alert: tlsv1[^:]*$/),
      });
    }
  });

  test("without a code is our own fault, never a refusal", () => {
    expect(meaning({ kind: "failed", error: new Error("Invalid password") }, "connack")).toMatchObject({
      kind: "broken",
      cause: "TESTER_ERROR",
    });
    expect(meaning({ kind: "failed", error: "text" }, "connack")).toMatchObject({ cause: "TESTER_ERROR" });
  });
});

describe("a close", () => {
  test("is a refusal after CONNECT and at no other step", () => {
    for (const step of STEPS) {
      const outcome = meaning({ kind: "closed", reason: null }, step);
      if (step === "connack") expect(outcome).toMatchObject({ kind: "refused", how: "closed", code: null });
      else expect(outcome).toMatchObject({ kind: "unreachable", cause: "GATEWAY_RESET" });
    }
  });
});

describe("a time-out", () => {
  test("says what was waited for", () => {
    const reasons = STEPS.slice(1).map((step) => {
      const outcome = meaning({ kind: "timeout", timeoutMs: 250 }, step);
      expect(outcome).toMatchObject({ kind: "unreachable", cause: "GATEWAY_TIMEOUT" });
      return outcome.kind === "unreachable" ? outcome.reason : "";
    });
    expect(new Set(reasons).size).toBe(STEPS.length - 1);
    for (const reason of reasons) expect(reason).toContain("250 ms");
  });
});

describe("a status", () => {
  test("is accepted only as the response to a publish, and only from 200 to 299", () => {
    fc.assert(
      fc.property(fc.constantFrom(...STEPS), fc.integer({ min: 100, max: 999 }), (step, status) => {
        const { kind } = meaning({ kind: "status", status, reason: null }, step);
        expect(kind === "accepted").toBe(step === "response" && status >= 200 && status < 300);
      }),
    );
  });
});

describe("a CONNACK", () => {
  test("is accepted with code 0 and no other", () => {
    for (let code = 0; code < 256; code += 1) {
      const outcome = meaning(
        { kind: "connack", code, reason: null, sessionPresent: false, topics: [] },
        "connack",
      );
      expect(outcome.kind === "accepted").toBe(code === 0);
      expect(outcome).toMatchObject({ code });
    }
  });
});

test("no ending shows a secret it was given", () => {
  const text = "s3cret-token-value";
  const endings: readonly Ending[] = [
    { kind: "connack", code: 135, reason: text, sessionPresent: false, topics: [] },
    { kind: "connack", code: 136, reason: text, sessionPresent: false, topics: [] },
    { kind: "status", status: 403, reason: text },
    { kind: "status", status: 503, reason: text },
    { kind: "closed", reason: text },
    failed({ code: "ECONNREFUSED" }, text),
    failed({ code: "ERR_SSL_X", reason: text }),
    failed({}, text),
    { kind: "certificate", code: text, reason: text },
    violation(text),
    { kind: "taken-over", reason: text },
    { kind: "unusable", cause: "TESTER_ERROR", reason: text },
  ];
  for (const ending of endings) {
    for (const step of STEPS) {
      const shown = JSON.stringify(meaning(ending, step, [new Secret(text)]));
      expect(shown).not.toContain(text);
    }
  }
});

describe("a refusal's reason", () => {
  test.each([
    ["ForbiddenException:", '{"message":"Forbidden","traceId":"t"}', "ForbiddenException: Forbidden"],
    ["ForbiddenException:http://internal/", "", "ForbiddenException"],
    [null, '{"Message":"no"}', "no"],
    [null, "plain text\n", "plain text"],
    [null, '{"message":', '{"message":'],
    [null, "null", "null"],
    [null, " ", null],
  ])("is read from %j and %j", (errorType, body, reason) => {
    expect(describeRefusal(errorType, body)).toBe(reason);
  });

  test("is read from any body without a throw", () => {
    fc.assert(
      fc.property(
        fc.option(fc.string()),
        fc.oneof(fc.string(), fc.json()),
        (type, body) => void describeRefusal(type, body),
      ),
    );
  });
});
