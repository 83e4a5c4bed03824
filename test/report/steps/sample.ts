import { buildContext } from "../../../src/context/build.ts";
import { ResultMetrics } from "../../../src/metrics/one-result.ts";
import type { Examined } from "../../../src/model/facts.ts";
import type { Credentials, Profile } from "../../../src/model/profile.ts";
import type { Result, Verdict } from "../../../src/model/result.ts";
import { Secret } from "../../../src/model/secret.ts";
import { type CheckSteps, checkSteps } from "../../../src/report/steps/check-steps.ts";
import { CAUSES } from "../../../src/verdict/causes.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  credentialsOf,
  NOTHING_MORE,
  predicted,
  preflightOf,
  TRANSPORT,
  targetOf,
} from "../../support/fixtures.ts";
import { judged } from "../../support/results.ts";

export const PASSWORD = "Pa55-w0rd/planted";
export const LOGIN = "planted-login";

export interface Case {
  readonly profile?: Partial<Profile>;
  readonly credentials?: Partial<Credentials>;
  readonly facts?: Partial<Examined["facts"]>;
  readonly verdict?: Verdict;
  readonly remarks?: readonly string[];
}

/** A check as it was examined, with a context that was really built. */
export async function stepsOf({
  profile = {},
  credentials = {},
  facts: changes = {},
  verdict = judged("pass"),
  remarks = [],
}: Case): Promise<CheckSteps> {
  const check = checkOf({}, { authorizer: "fleet", topic: "smoke/x", ...profile });
  const target = targetOf();
  const given = { username: new Secret(LOGIN), password: new Secret(PASSWORD), ...credentials };
  const context = buildContext(check.profile, check.protocol, credentialsOf(given), target);
  if ("kind" in context) throw new Error(context.reason);
  const facts: Examined["facts"] = {
    check,
    target,
    context,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
    ...NOTHING_MORE,
    authorizer: { kind: "known", name: "fleet", from: "device" },
    nowMs: 0,
    ...changes,
  };
  const { invocation, prediction, outcome, topics, secondAttempts, guard } = facts;
  const seen = { check: facts.check, invocation, prediction, outcome, topics, secondAttempts, guard };
  const result: Result = { ...seen, verdict, location: "local" };
  const metrics = new ResultMetrics();
  metrics.record(result);
  const meaning = (code: keyof typeof CAUSES) => CAUSES[code].meaning;
  return checkSteps({ facts, result, remarks, metrics: await metrics.series(), meaning });
}

/** Something in every section, and `text` wherever text comes from outside. */
export function everything(text: string): Case {
  const predictedBy = { ...predicted("unknown"), undecided: text };
  return {
    profile: {
      id: text,
      cohort: text,
      clientId: text,
      identity: "device",
      connect: {
        cleanSession: false,
        sessionExpirySeconds: 60,
        sessionStated: true,
        keepAliveSeconds: 60,
        will: { topic: text, payload: text, qos: 1 },
      },
    },
    facts: {
      preflight: preflightOf({
        authorizer: {
          kind: "known",
          value: {
            name: text,
            active: false,
            signing: true,
            tokenKeyName: text,
            publicKeys: { [text]: "PEM" },
          },
        },
        domain: {
          kind: "known",
          value: {
            name: text,
            domainName: text,
            enabled: false,
            defaultAuthorizer: text,
            allowAuthorizerOverride: false,
            authenticationType: text,
            applicationProtocol: text,
            invalidCertificates: [text],
          },
        },
        accountEndpoint: { kind: "known", value: text },
        clockSkewMs: { kind: "not-checked", reason: text },
      }),
      invocation: answered("allowed", {
        principalId: text,
        policyDocuments: [{ Statement: [{ [text]: text, Deep: [[[[[[text]]]]]] }] }, text],
      }),
      prediction: { ...predicted("deny"), by: "explicit-deny", document: 0, statement: 0 },
      outcome: {
        kind: "refused",
        how: "code",
        code: 135,
        reason: text,
        transport: { ...TRANSPORT, packets: ["> CONNECT", text], certificateExpiresAtMs: 8.64e15 + 1 },
      },
      topics: [
        {
          test: { action: "publish", topic: text, expected: "allow" },
          predicted: predictedBy,
          gateway: "denied",
          evidence: text,
        },
        {
          test: { action: "receive", topic: text, filter: text, expected: "deny" },
          predicted: { ...predicted("allow"), document: 0, statement: 0 },
          gateway: "not-tried",
          evidence: "",
        },
      ],
      secondAttempts: [{ variation: "alpn-mqtt", outcome: ACCEPTED }],
      guard: { state: { kind: "unknown", reason: text }, connected: true, sessionPresent: true },
    },
    remarks: [text],
    verdict: {
      kind: "inconclusive",
      causes: [
        { code: "GATEWAY_CLOSED_UNCONFIRMED", evidence: text, nextStep: text },
        { code: "ALPN_MISSING", evidence: text, nextStep: text },
      ],
    },
  };
}
