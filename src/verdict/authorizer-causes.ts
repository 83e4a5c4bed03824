import type { Facts } from "../model/facts.ts";
import type { AuthorizerAnswer, Json } from "../model/invocation.ts";
import type { Detector, Finding } from "./facts.ts";
import { functionFailed } from "./function-causes.ts";

const PRINCIPAL_ID = /^[a-zA-Z0-9]{1,128}$/;
const MAX_DOCUMENTS = 10;
/** Counted without white space (AWS IoT Core quotas). */
const MAX_DOCUMENT_CHARACTERS = 2048;
const SECONDS_RANGE = [300, 86_400] as const;

/** Detectors that look at a usable answer. */
function onAnswer(look: (answer: AuthorizerAnswer) => ReturnType<Detector>): Detector {
  return ({ invocation }) => (invocation.kind === "allowed" ? look(invocation.answer) : null);
}

const principalIdInvalid = onAnswer(({ principalId }) =>
  // A masked one echoed a credential: its own characters are not known here.
  principalId === null || PRINCIPAL_ID.test(principalId) || principalId.includes("<secret>")
    ? null
    : {
        code: "PRINCIPAL_ID_INVALID",
        evidence: `principalId ${JSON.stringify(principalId)} is not 1 to 128 ASCII letters and digits`,
      },
);

const policyDocumentLimit = onAnswer(({ policyDocuments }) => {
  if (policyDocuments.length > MAX_DOCUMENTS) {
    return {
      code: "POLICY_DOCUMENT_LIMIT",
      evidence: `${policyDocuments.length} policy documents, at most ${MAX_DOCUMENTS} are taken`,
    };
  }
  const tooLong = policyDocuments.findIndex((each) => characters(each) > MAX_DOCUMENT_CHARACTERS);
  if (tooLong < 0) return null;
  return {
    code: "POLICY_DOCUMENT_LIMIT",
    evidence: `policy document ${tooLong} has ${characters(policyDocuments[tooLong] ?? null)} characters, at most ${MAX_DOCUMENT_CHARACTERS} are taken`,
  };
});

function characters(document: Json): number {
  return JSON.stringify(document).replace(/\s/g, "").length;
}

const refreshOrDisconnectRange = onAnswer(({ refreshAfterSeconds, disconnectAfterSeconds }) => {
  const [min, max] = SECONDS_RANGE;
  const outside = (seconds: number | null) => seconds !== null && (seconds < min || seconds > max);
  const found: string[] = [];
  if (outside(refreshAfterSeconds)) found.push(`refreshAfterInSeconds ${refreshAfterSeconds}`);
  if (outside(disconnectAfterSeconds)) found.push(`disconnectAfterInSeconds ${disconnectAfterSeconds}`);
  if (found.length === 0) return null;
  return {
    code: "REFRESH_OR_DISCONNECT_RANGE",
    evidence: `${found.join(" and ")} outside ${min} to ${max}`,
  };
});

/** The API's refusal says something about the device or its authorizer, and nothing closer about its function. */
const answerErrored: Detector = (facts) => {
  const { invocation } = facts;
  if (invocation.kind !== "errored" || !blamesDevice(invocation)) return null;
  return functionFailed(facts) ?? apiSaid(invocation);
};

/** The API's error, which says something about us, AWS or the network only. */
export const apiUnusable: Detector = ({ invocation }) =>
  invocation.kind === "errored" && !blamesDevice(invocation) ? apiSaid(invocation) : null;

/** AWS's own fault by its name, but by its words the function's. */
const functionBlamed: Detector = (facts) =>
  facts.invocation.kind === "errored" && facts.invocation.why === "service" ? functionFailed(facts) : null;

type Errored = Extract<Facts["invocation"], { kind: "errored" }>;

function blamesDevice({ why, cause }: Errored): boolean {
  return why === "signature" || why === "response" || cause === "AUTHORIZER_NOT_FOUND";
}

function apiSaid({ cause, code, message }: Errored): Finding {
  return { code: cause, evidence: `TestInvokeAuthorizer: ${code}: ${message}` };
}

const authorizerNotFound: Detector = ({ invocation }) =>
  invocation.kind === "no-authorizer"
    ? { code: "AUTHORIZER_NOT_FOUND", evidence: invocation.evidence }
    : null;

const deniedExpectedAllow: Detector = ({ check, invocation, context }) =>
  check.expectation === "allow" && invocation.kind === "denied"
    ? {
        code: "AUTHORIZER_DENIED_EXPECTED_ALLOW",
        evidence: `${invocation.authorizer} answered isAuthenticated false${whatItsEventHeld(context)}`,
      }
    : null;

/** Row 27: what an authorizer that was written for plain user names and passwords trips over. */
function whatItsEventHeld(context: Facts["context"]): string {
  if (context === null || context.wire.kind === "https") return "";
  const { username, password } = context.wire.connect;
  const held: string[] = [];
  if (username?.exposeText().includes("?")) held.push("the user name with its '?…' suffix");
  if (password !== null) held.push("the password in base64");
  return held.length === 0 ? "" : `; its event held ${held.join(" and ")}`;
}

const allowedExpectedDeny: Detector = ({ check, invocation }) =>
  check.expectation === "deny" && invocation.kind === "allowed"
    ? {
        code: "AUTHORIZER_ALLOWED_EXPECTED_DENY",
        evidence: `${invocation.authorizer} answered isAuthenticated true`,
      }
    : null;

/** The profile's own words about the answer (`expect.principalId`, the two ranges). */
export const expectationMismatch: Detector = ({ check, invocation }) => {
  if (check.expectation !== "allow" || invocation.kind !== "allowed") return null;
  const { expect } = check.profile;
  const { principalId, refreshAfterSeconds, disconnectAfterSeconds } = invocation.answer;
  const found: string[] = [];
  if (expect.principalId !== null && principalId !== expect.principalId) {
    found.push(`principalId ${JSON.stringify(principalId)}, expected ${JSON.stringify(expect.principalId)}`);
  }
  const ranges = [
    ["refreshAfterInSeconds", refreshAfterSeconds, expect.refreshAfterSeconds],
    ["disconnectAfterInSeconds", disconnectAfterSeconds, expect.disconnectAfterSeconds],
  ] as const;
  for (const [name, seconds, range] of ranges) {
    if (range === null || (seconds !== null && seconds >= range[0] && seconds <= range[1])) continue;
    found.push(`${name} ${seconds ?? "absent"}, expected ${range[0]} to ${range[1]}`);
  }
  return found.length === 0 ? null : { code: "EXPECTATION_MISMATCH", evidence: found.join("; ") };
};

/** Faults in the answer that make a gateway refuse it. */
export const ANSWER_DETECTORS: readonly Detector[] = [
  principalIdInvalid,
  policyDocumentLimit,
  refreshOrDisconnectRange,
];

export const AUTHORIZER_DETECTORS: readonly Detector[] = [
  answerErrored,
  functionBlamed,
  authorizerNotFound,
  deniedExpectedAllow,
  allowedExpectedDeny,
];
