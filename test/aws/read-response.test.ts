import fc from "fast-check";
import { expect, test } from "vitest";
import { readResponse } from "../../src/aws/read-response.ts";
import { Secret } from "../../src/model/secret.ts";

test("all five fields are read", () => {
  const output = {
    isAuthenticated: true,
    principalId: "pump1",
    policyDocuments: ['{"Statement":[]}', "[1]"],
    refreshAfterInSeconds: 300,
    disconnectAfterInSeconds: 86_400,
  };
  expect(readResponse(output, [])).toEqual({
    kind: "answer",
    answer: {
      isAuthenticated: true,
      principalId: "pump1",
      policyDocuments: [{ Statement: [] }, [1]],
      policyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      refreshAfterSeconds: 300,
      disconnectAfterSeconds: 86_400,
    },
  });
});

function hashOf(documents: readonly string[], ...secrets: readonly string[]): string | null {
  const output = { isAuthenticated: true, policyDocuments: documents };
  const read = readResponse(
    output,
    secrets.map((secret) => new Secret(secret)),
  );
  if (read.kind === "invalid") throw new Error(read.reason);
  return read.answer.policyHash;
}

test("the same policy has the same hash, however its keys are ordered and whatever credential it repeats", () => {
  const one = hashOf(['{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}']);
  expect(hashOf(['{ "Statement": [{"Action":"*", "Effect":"Allow"}], "Version":"2012-10-17" }'])).toBe(one);
  expect(hashOf(['{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*"}]}'])).not.toBe(one);
  expect(hashOf([])).toBeNull();
  const today = hashOf(['{"Resource":"topic/token-of-monday"}'], "token-of-monday");
  expect(hashOf(['{"Resource":"topic/token-of-friday"}'], "token-of-friday")).toBe(today);
  expect(hashOf(['{"Resource":"topic/token-of-friday"}'])).not.toBe(today);
});

test("all but isAuthenticated may be missing or null", () => {
  const expected = {
    isAuthenticated: false,
    principalId: null,
    policyDocuments: [],
    policyHash: null,
    refreshAfterSeconds: null,
    disconnectAfterSeconds: null,
  };
  expect(readResponse({ isAuthenticated: false }, [])).toEqual({ kind: "answer", answer: expected });
  const nulls = {
    isAuthenticated: false,
    principalId: null,
    policyDocuments: null,
    refreshAfterInSeconds: null,
  };
  expect(readResponse(nulls, [])).toEqual({ kind: "answer", answer: expected });
});

test.each([
  [{}, "isAuthenticated is missing, not a boolean"],
  [{ isAuthenticated: "true" }, "isAuthenticated is a string, not a boolean"],
  [{ isAuthenticated: true, principalId: 5 }, "principalId is a number, not a string"],
  [{ isAuthenticated: true, policyDocuments: "{}" }, "policyDocuments is a string, not a list"],
  [
    { isAuthenticated: true, policyDocuments: ["{}", {}] },
    "policyDocuments[1] is an object, not a string of JSON",
  ],
  [{ isAuthenticated: true, policyDocuments: ["{"] }, "policyDocuments[0] is not JSON"],
  [{ isAuthenticated: true, policyDocuments: [""] }, "policyDocuments[0] is not JSON"],
  [
    { isAuthenticated: true, refreshAfterInSeconds: 1.5 },
    "refreshAfterInSeconds is a number, not a whole number of seconds",
  ],
  [
    { isAuthenticated: true, refreshAfterInSeconds: "300", disconnectAfterInSeconds: [] },
    "refreshAfterInSeconds is a string, not a whole number of seconds; " +
      "disconnectAfterInSeconds is a list, not a whole number of seconds",
  ],
])("%j is unusable", (output, reason) => {
  expect(readResponse(output, [])).toEqual({ kind: "invalid", reason });
});

test("a principalId is masked where it repeats a credential, and else left as it is", () => {
  const read = (principalId: string) =>
    readResponse({ isAuthenticated: true, principalId }, [new Secret("hunter2")]);
  expect(read("hunter2")).toMatchObject({ answer: { principalId: "<secret>" } });
  expect(read("not alphanumeric!")).toMatchObject({ answer: { principalId: "not alphanumeric!" } });
});

test("it never throws, and what it says of an unusable answer holds no value of it", () => {
  const output = fc.record(
    {
      isAuthenticated: fc.oneof(fc.boolean(), fc.anything()),
      principalId: fc.anything(),
      policyDocuments: fc.oneof(fc.array(fc.oneof(fc.json(), fc.constant("{hunter2"))), fc.anything()),
      refreshAfterInSeconds: fc.oneof(fc.integer(), fc.anything()),
      disconnectAfterInSeconds: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(output, (each) => {
      const read = readResponse(each, []);
      if (read.kind === "invalid") expect(read.reason).not.toContain("hunter2");
      else expect(read.answer.isAuthenticated).toBe(each.isAuthenticated);
    }),
  );
});
