import {
  ALLOW_ALL,
  admitted,
  answering,
  arn,
  domainOf,
  policy,
  returning,
  type Scenario,
  statement,
  V5,
  V311,
  variants,
} from "./scenario.ts";

const VERSIONS = [
  { label: "3.1.1", profile: V311 },
  { label: "5", profile: V5 },
];
/** What TestInvokeAuthorizer says when the function fails is not documented. */
const FUNCTION_ERRORS = [
  "InvalidResponseException",
  "InvalidRequestException",
  "InternalFailureException",
].map((name) => ({ label: name, behaviours: { testInvokeFunctionError: name } }));
/** Nor whether an answer beyond the limits is passed on. */
const UNUSABLE = [
  { label: "refused by the API" },
  { label: "passed on by the API", behaviours: { testInvokeUnusableAnswer: "answer" } },
];
const PATIENT = { timeouts: { invoke: "15s", probe: "15s" } };

/** What is wrong with the authorizer, its function and its answer. */
export const AUTHORIZERS: readonly Scenario[] = [
  ...variants(
    {
      name: "principalId with dashes",
      rows: [9],
      authorizer: answering("dashes", { answer: admitted({ principalId: "a1b2-c3d4" }) }),
      verdict: "fail",
      cause: "PRINCIPAL_ID_INVALID",
    },
    [...UNUSABLE, { label: "3.1.1", profile: V311 }],
  ),
  {
    name: "principalId that is too long",
    rows: [9],
    authorizer: answering("long-principal", { answer: admitted({ principalId: "a".repeat(129) }) }),
    verdict: "fail",
    cause: "PRINCIPAL_ID_INVALID",
  },
  ...variants(
    {
      name: "the function takes over 5 seconds",
      rows: [14],
      authorizer: answering("slow", { delayMs: 6000, answer: admitted() }),
      domain: domainOf("patient", {}),
      target: PATIENT,
      verdict: "fail",
      cause: "AUTHORIZER_TIMEOUT",
    },
    FUNCTION_ERRORS,
  ),
  ...variants(
    {
      name: "the function throws",
      rows: [14],
      authorizer: answering("throwing", { error: "cannot read properties of undefined" }),
      verdict: "fail",
      cause: "AUTHORIZER_ERROR",
    },
    [...FUNCTION_ERRORS, { label: "3.1.1", profile: V311 }],
  ),
  ...variants(
    {
      name: "IoT may not invoke the function",
      rows: [15],
      authorizer: answering("no-permission", { answer: admitted() }, { invokePermission: "missing" }),
      verdict: "fail",
      cause: "AUTHORIZER_PERMISSION_MISSING",
    },
    FUNCTION_ERRORS,
  ),
  ...variants(
    {
      name: "there is no such authorizer",
      rows: [16],
      profile: { authorizer: "pasword" },
      verdict: "fail",
      cause: "AUTHORIZER_NOT_FOUND",
    },
    VERSIONS,
  ),
  {
    name: "no authorizer is named and there is no default",
    rows: [16],
    domain: domainOf("no-default", { defaultAuthorizer: undefined }),
    profile: { authorizer: undefined },
    verdict: "fail",
    cause: "AUTHORIZER_NOT_FOUND",
  },
  ...variants(
    {
      name: "the authorizer is inactive",
      rows: [16],
      authorizer: answering("inactive", { answer: admitted() }, { status: "INACTIVE" }),
      verdict: "fail",
      cause: "AUTHORIZER_INACTIVE",
    },
    [
      ...VERSIONS,
      { label: "refused by the API", behaviours: { testInvokeInactive: "InvalidRequestException" } },
    ],
  ),
  {
    name: "an answer that is no answer",
    rows: [14],
    authorizer: answering("no-answer", { answer: { statusCode: 200 } }),
    verdict: "fail",
    cause: "AUTHORIZER_RESPONSE_INVALID",
  },
  ...variants(
    {
      name: "eleven policy documents",
      rows: [23],
      authorizer: returning("eleven", ...Array(11).fill(ALLOW_ALL)),
      verdict: "fail",
      cause: "POLICY_DOCUMENT_LIMIT",
    },
    UNUSABLE,
  ),
  ...variants(
    {
      name: "a policy document over 2048 characters",
      rows: [23],
      authorizer: returning(
        "long-document",
        policy(
          statement("Allow", "iot:*", "*"),
          statement("Allow", "iot:Publish", `${arn("topic/")}${"x".repeat(2100)}`),
        ),
      ),
      verdict: "fail",
      cause: "POLICY_DOCUMENT_LIMIT",
    },
    UNUSABLE,
  ),
  {
    name: "a refresh time below 300 seconds",
    rows: [24],
    authorizer: answering("short-refresh", { answer: admitted({ refreshAfterInSeconds: 60 }) }),
    verdict: "fail",
    cause: "REFRESH_OR_DISCONNECT_RANGE",
  },
  {
    name: "a disconnect time over a day (3.1.1)",
    rows: [24],
    authorizer: answering("late-disconnect", { answer: admitted({ disconnectAfterInSeconds: 604_800 }) }),
    profile: V311,
    verdict: "fail",
    cause: "REFRESH_OR_DISCONNECT_RANGE",
  },
  ...variants(
    {
      name: "the authorizer compares the user name with its suffix",
      rows: [27],
      authorizer: answering("compares-suffix", { when: { wireUsername: "login" }, answer: admitted() }),
      verdict: "fail",
      cause: "AUTHORIZER_DENIED_EXPECTED_ALLOW",
    },
    [...VERSIONS, { label: "closed", behaviours: { refuseNotAuthenticatedMqtt5: "close" } }],
  ),
  {
    name: "a wrong password",
    rows: [],
    profile: { password: "wrong" },
    verdict: "fail",
    cause: "AUTHORIZER_DENIED_EXPECTED_ALLOW",
  },
  {
    name: "the gateway asks another function than the API",
    rows: [],
    authorizer: answering("two-faces", { answer: { isAuthenticated: false }, gatewayAnswer: admitted() }),
    verdict: "fail",
    cause: "AUTHORIZER_GATEWAY_DISAGREE",
  },
  {
    name: "another principalId than the profile expects",
    rows: [],
    profile: { expect: { access: "allow", principalId: "somebody" } },
    verdict: "fail",
    cause: "EXPECTATION_MISMATCH",
  },
];
