import { scrub } from "../lib/scrub.ts";
import type { Cause, CauseCode } from "../model/causes.ts";
import type { Facts } from "../model/facts.ts";
import type { Verdict } from "../model/result.ts";
import {
  ANSWER_DETECTORS,
  AUTHORIZER_DETECTORS,
  apiUnusable,
  expectationMismatch,
} from "./authorizer-causes.ts";
import { CAUSES } from "./causes.ts";
import { CONNECTION_DETECTORS } from "./connection-causes.ts";
import { DEVICE_DETECTORS } from "./device-causes.ts";
import { type Detector, type Finding, keptOut } from "./facts.ts";
import { type Judgement, judge } from "./judge.ts";
import { closedUnconfirmed, connectionEnded, describeRefusal, refusedUnexplained } from "./network-causes.ts";
import { POLICY_DETECTORS, POLICY_DOUBTS, unprovenExpectation } from "./policy-causes.ts";
import {
  CHOICE_DETECTORS,
  callerClockSkew,
  DOMAIN_DETECTORS,
  domainCertificateInvalid,
  sniMismatch,
} from "./preflight-causes.ts";
import { TOKEN_DETECTORS } from "./token-causes.ts";

/** Judges a check and names its causes, the one to act on first. A pass has none. */
export function verdictOf(facts: Facts): Verdict {
  const judgement = judge({ ...facts, check: facts.check });
  const mismatch = judgement.kind === "pass" ? expectationMismatch(facts) : null;
  if (mismatch) return { kind: "fail", causes: [toCause(mismatch, facts)] };
  const unproven = judgement.kind === "pass" ? unprovenExpectation(facts) : null;
  if (unproven) return { kind: "inconclusive", causes: [toCause(unproven, facts)] };
  if (judgement.kind === "pass") return { kind: "pass", causes: [] };
  return { kind: judgement.kind, causes: explain(facts, judgement) };
}

function explain(facts: Facts, judgement: Judgement): Cause[] {
  const found = detect(DETECTORS, facts);
  const doubts = detect(DOUBTS, facts);
  const named = judgement.codes.map((code) => ({
    code,
    evidence: evidenceFor(code, facts, [...found, ...doubts]),
  }));
  const ranked = leads(judgement, facts) ? [...named, ...found] : [...found, ...named];
  const findings = [...detect(certain(facts), facts), ...ranked];
  const explained = findings.length > 0 ? findings : detect([refusedUnexplained], facts);
  return unique([...explained, ...doubts]).map((finding) => toCause(finding, facts));
}

/**
 * In order of how much a finding explains: what the account says for sure, what is wrong with the device's own bytes
 * and connection, then the policy and the answer, then that the authorizer refused, then how the connection ended.
 */
const DETECTORS: readonly Detector[] = [
  ...DOMAIN_DETECTORS,
  ...CHOICE_DETECTORS,
  ...TOKEN_DETECTORS,
  ...onlyIfKeptOut(DEVICE_DETECTORS),
  ...onlyIfKeptOut(CONNECTION_DETECTORS),
  sniMismatch,
  domainCertificateInvalid,
  ...onlyIfKeptOut(ANSWER_DETECTORS),
  ...POLICY_DETECTORS,
  ...AUTHORIZER_DETECTORS,
  closedUnconfirmed,
  connectionEnded,
];

/** What could not be checked: it explains nothing by itself, but it is why more is not known. */
const DOUBTS: readonly Detector[] = [callerClockSkew, apiUnusable, ...POLICY_DOUBTS];

/**
 * What the account says, and no answer of the gateway had to hint at, comes even before the table's own word: that
 * only tells how it looked from outside, a bare close for example.
 */
function certain({ check, outcome }: Facts): readonly Detector[] {
  if (check.expectation !== "allow") return [];
  return outcome.kind === "refused"
    ? [...DOMAIN_DETECTORS, ...CHOICE_DETECTORS, ...TOKEN_DETECTORS]
    : DOMAIN_DETECTORS;
}

/** A flaw that did not keep the device out explains nothing. */
function onlyIfKeptOut(detectors: readonly Detector[]): Detector[] {
  return detectors.map((detector) => (facts) => {
    const refusedByApi = facts.invocation.kind === "errored" || facts.invocation.kind === "denied";
    return keptOut(facts) || refusedByApi ? detector(facts) : null;
  });
}

/**
 * Where the table names the cause it comes first: the detectors only add to it. An expected allow that was
 * refused is the other way round: the table knows that it fails, the detectors know why.
 */
function leads(judgement: Judgement, { outcome }: Facts): boolean {
  return judgement.codes.length > 0 && !(outcome.kind === "unreachable" && outcome.tlsAlert);
}

function evidenceFor(code: CauseCode, facts: Facts, found: readonly Finding[]): string {
  const detected = found.find((finding) => finding.code === code);
  if (detected) return detected.evidence;
  const { invocation, outcome } = facts;
  if (outcome.kind === "accepted") {
    const asked = "authorizer" in invocation ? ` (${invocation.authorizer})` : "";
    return `the gateway accepted; the authorizer${asked}: ${invocation.kind}`;
  }
  if (outcome.kind === "refused") return describeRefusal(outcome);
  return outcome.reason;
}

function detect(detectors: readonly Detector[], facts: Facts): Finding[] {
  return detectors.flatMap((detector) => detector(facts) ?? []);
}

function unique(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ code }, at) => findings.findIndex((each) => each.code === code) === at);
}

function toCause({ code, evidence }: Finding, facts: Facts): Cause {
  return {
    code,
    evidence: scrub(evidence, facts.context?.secrets ?? []),
    nextStep: CAUSES[code].nextStep,
  };
}
