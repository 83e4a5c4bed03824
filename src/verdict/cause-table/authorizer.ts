import type { CauseEntries } from "./entry.ts";

/** The authorizer and its answer. */
export const AUTHORIZER_CAUSES: CauseEntries<"authorizer"> = {
  AUTHORIZER_NOT_FOUND: {
    meaning: "The authorizer does not exist in this account and Region, or none applies.",
    evidence: "Account and Region asked, or who was found to have no default authorizer.",
    nextStep:
      "Correct the name, the account or the Region; a device that names none needs a default authorizer of its domain or account.",
    rows: [16],
    reading: "iot/latest/apireference/API_DescribeAuthorizer.html",
  },
  AUTHORIZER_INACTIVE: {
    meaning: "The authorizer is INACTIVE.",
    evidence: "The status that DescribeAuthorizer shows.",
    nextStep: "Activate it with UpdateAuthorizer.",
    rows: [16],
    reading: "iot/latest/apireference/API_DescribeAuthorizer.html",
  },
  AUTHORIZER_TIMEOUT: {
    meaning: "The authorizer's function did not answer within 5 seconds.",
    evidence: "An API error or a gateway refusal after about 5 s, or an answer that took nearly that long.",
    nextStep:
      "Look at the function's Duration, cold starts and what it waits for; at the gateway it has 5 seconds.",
    rows: [14],
    reading: "iot/latest/developerguide/config-custom-auth.html",
  },
  AUTHORIZER_ERROR: {
    meaning: "The authorizer's function failed.",
    evidence: "What TestInvokeAuthorizer says of the function.",
    nextStep: "Look at the function's log, and at its Errors and Throttles metrics.",
    rows: [14],
    reading: "iot/latest/developerguide/config-custom-auth.html",
  },
  AUTHORIZER_PERMISSION_MISSING: {
    meaning: "AWS IoT may not invoke the authorizer's function.",
    evidence:
      "What TestInvokeAuthorizer says of the invocation. AWS does not document its words: where they say nothing, look at the function's resource policy all the same.",
    nextStep:
      "Grant lambda:InvokeFunction to iot.amazonaws.com for the authorizer's ARN, on the alias it uses.",
    rows: [15],
    reading: "iot/latest/developerguide/config-custom-auth.html",
  },
  AUTHORIZER_RESPONSE_INVALID: {
    meaning: "The authorizer's answer cannot be used.",
    evidence:
      "TestInvokeAuthorizer's InvalidResponseException, or what could not be read of its answer. A function that throws can show like this too.",
    nextStep: "Compare the function's return value with the documented response fields and limits.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  PRINCIPAL_ID_INVALID: {
    meaning: "principalId is not 1 to 128 ASCII letters and digits.",
    evidence: "The principalId, or the API's refusal of it.",
    nextStep: "Return a principalId of letters and digits only: no dashes, dots or '@'.",
    rows: [9],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  POLICY_DOCUMENT_LIMIT: {
    meaning: "The authorizer returns more than 10 policy documents, or one over 2048 characters.",
    evidence: "The number of documents, or which is too long, or the API's refusal of them.",
    nextStep: "Merge or shorten the documents; policy variables help.",
    rows: [23],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  REFRESH_OR_DISCONNECT_RANGE: {
    meaning: "A refresh or disconnect time lies outside 300 to 86,400 seconds.",
    evidence: "The values returned.",
    nextStep: "Return values inside that range.",
    rows: [24],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  AUTHORIZER_DENIED_EXPECTED_ALLOW: {
    meaning: "The authorizer says no to a device that should get in.",
    evidence:
      "Which authorizer answered isAuthenticated false, and what its event held that such functions trip over.",
    nextStep:
      "Look at the authorizer's log for this device: user store, password (base64 in its event), user name (with its '?…' suffix) and code.",
    rows: [27],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  AUTHORIZER_ALLOWED_EXPECTED_DENY: {
    meaning: "The authorizer says yes to a device that should be kept out.",
    evidence: "Which authorizer answered isAuthenticated true; the gateway refused for another reason.",
    nextStep: "Look at the authorizer's code: it accepts a credential that it should refuse.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  AUTHORIZER_GATEWAY_DISAGREE: {
    meaning: "The gateway let the device in although TestInvokeAuthorizer said no.",
    evidence: "What each of the two said.",
    nextStep:
      "Compare account, Region and authorizer of both; look for data the authorizer gets only from one.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-testing.html",
  },
  UNEXPECTED_ACCEPT: {
    meaning: "The gateway let in a device that must be kept out.",
    evidence: "What the gateway answered, and what the authorizer said.",
    nextStep: "Stop the rollout: what should be refused is let in.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
  EXPECTATION_MISMATCH: {
    meaning: "The authorizer's answer differs from what the profile expects.",
    evidence: "Each field with its value and the one that was expected.",
    nextStep: "Compare principalId and the refresh and disconnect times with the profile's `expect`.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-lambda.html",
  },
};
