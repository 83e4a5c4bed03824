import { scrub } from "../lib/scrub.ts";
import type { Cause, CauseCode } from "../model/causes.ts";
import type { Facts } from "../model/facts.ts";
import type { Verdict } from "../model/result.ts";
import { acceptedCorruption } from "./accepted-corruption.ts";
import {
  ANSWER_DETECTORS,
  AUTHORIZER_DETECTORS,
  apiUnusable,
  expectationMismatch,
} from "./authorizer-causes.ts";
import { CAUSES } from "./causes.ts";
import { acceptedPastAuthorizer, CONNECTION_DETECTORS } from "./connection-causes.ts";
import {
  CODE_DETECTORS,
  clientCertificateUnexpected,
  DEVICE_DETECTORS,
  usernameMalformed,
} from "./device-causes.ts";
import { type Detector, explicable, type Finding, keptOut } from "./facts.ts";
import { refusedLate } from "./function-causes.ts";
import { type Judgement, judge } from "./judge.ts";
import { closedUnconfirmed, connectionEnded, describeRefusal, refusedUnexplained } from "./network-causes.ts";
import { POLICY_DETECTORS, POLICY_DOUBTS } from "./policy-causes.ts";
import {
  BARRING_DETECTORS,
  BARRING_DOUBTS,
  CHOICE_DETECTORS,
  callerClockSkew,
  DOMAIN_DETECTORS,
  domainCertificateInvalid,
  sniMismatch,
} from "./preflight-causes.ts";
import { whatWasTried } from "./second-attempt-causes.ts";
import { TOKEN_DETECTORS } from "./token-causes.ts";
import { judgeTopics } from "./topic-causes.ts";

/** Judges a check and names its causes, the one to act on first. A pass has none. */
export function verdictOf(facts: Facts): Verdict {
  const { check } = facts;
  const judgement = judge(facts);
  const mismatch = judgement.kind === "pass" ? expectationMismatch(facts) : null;
  if (mismatch) return { kind: "fail", causes: [toCause(mismatch, facts)] };
  const bypass = check.expectation === "allow" ? acceptedPastAuthorizer(facts) : null;
  if (judgement.kind === "pass" && bypass) {
    return { kind: "inconclusive", causes: [toCause(bypass, facts)] };
  }
  const barred = judgement.kind === "skipped" ? barredFor(facts, judgement) : null;
  if (barred) return barred;
  // Only once the device's own way in is settled: before that its topics say little.
  const topics = ["pass", "skipped"].includes(judgement.kind) ? judgeTopics(facts) : null;
  if (topics)
    return { kind: topics.kind, causes: unique(topics.findings).map((each) => toCause(each, facts)) };
  if (judgement.kind === "pass") return { kind: "pass", causes: [] };
  return { kind: judgement.kind, causes: explain(facts, judgement) };
}

/** A device that is left alone: does the account say that the gateway would keep it out? null: it says nothing. */
function barredFor(facts: Facts, judgement: Judgement): Verdict | null {
  const certain = detect(BARRING_DETECTORS, facts);
  const found = certain.length > 0 ? certain : detect(BARRING_DOUBTS, facts);
  if (found.length === 0) return null;
  const guards = judgement.codes.map((code) => ({ code, evidence: evidenceFor(code, facts, []) }));
  const causes = unique([...found, ...guards]).map((each) => toCause(each, facts));
  return { kind: certain.length > 0 ? "fail" : "inconclusive", causes };
}

/**
 * Ranks what was found, the cause to act on first in front:
 *
 * 1. what a second attempt proved: with one thing changed the same device got in;
 * 2. what spoils the way in for everybody, or this device's connection, where that can explain how it ended; of a
 *    plain refusal: everything that was found, in the order of `DETECTORS`;
 * 3. what the table of verdicts itself says: a device that got in and should not have, a gateway that was not
 *    reached, an API that gave no answer, a guard;
 * 4. the rest of what was found, and what a CONNACK code by itself says (which cause gives which is not documented);
 * 5. where none of that is there: that nothing explains the refusal;
 * 6. what a second attempt put in doubt: with that changed the device was kept out just the same;
 * 7. how the connection ended;
 * 8. what could not be checked. It explains nothing, but it is why more is not known.
 */
function explain(facts: Facts, judgement: Judgement): Cause[] {
  const { proven, doubtful } = whatWasTried(facts);
  const leading = detect(leadingDetectors(facts), facts);
  const found = detect(DETECTORS, facts);
  const endings = detect([closedUnconfirmed, connectionEnded], facts);
  const doubts = detect(DOUBTS, facts);
  const named = judgement.codes.map((code) => ({
    code,
    evidence: evidenceFor(code, facts, [...found, ...endings, ...doubts]),
  }));
  const ranked = [...leading, ...named, ...found];
  const sound = [
    ...proven.map((each) => withItsEvidence(each, ranked)),
    ...ranked.filter(({ code }) => !doubtful.has(code)),
  ];
  const unexplained = sound.length > 0 ? [] : detect([refusedUnexplained], facts);
  const doubted = ranked.flatMap(({ code, evidence }) => {
    const doubt = doubtful.get(code);
    return doubt === undefined ? [] : { code, evidence: `${evidence}; ${doubt}` };
  });
  return unique([...sound, ...unexplained, ...doubted, ...endings, ...doubts]).map((each) =>
    toCause(each, facts),
  );
}

function withItsEvidence({ code, evidence }: Finding, found: readonly Finding[]): Finding {
  const own = found.find((each) => each.code === code);
  return { code, evidence: own ? `${own.evidence}; ${evidence}` : evidence };
}

/** How this device connects. */
const CONNECTING: readonly Detector[] = [...CONNECTION_DETECTORS, sniMismatch, clientCertificateUnexpected];

/**
 * In order of how much a finding explains: what the account says of the way in, of the authorizer and of the token;
 * what is wrong with the device's own bytes and connection; then the policy and the answer, then that the authorizer
 * ran late, failed or refused; last what only a code says.
 */
const DETECTORS: readonly Detector[] = [
  ...DOMAIN_DETECTORS,
  ...onlyIfKeptOut([usernameMalformed]),
  ...CHOICE_DETECTORS,
  ...TOKEN_DETECTORS,
  ...onlyIfKeptOut(DEVICE_DETECTORS),
  ...onlyIfKeptOut(CONNECTING),
  acceptedPastAuthorizer,
  domainCertificateInvalid,
  ...onlyIfKeptOut(ANSWER_DETECTORS),
  ...POLICY_DETECTORS,
  refusedLate,
  ...AUTHORIZER_DETECTORS,
  ...onlyIfKeptOut(CODE_DETECTORS),
];

/** What could not be checked: it explains nothing by itself, but it is why more is not known. */
const DOUBTS: readonly Detector[] = [callerClockSkew, apiUnusable, ...POLICY_DOUBTS];

/**
 * What comes even before the table's own word, which only tells how it looked from outside. That a device which has
 * to stay out is wrong somewhere explains nothing.
 */
function leadingDetectors(facts: Facts): readonly Detector[] {
  const { check, outcome } = facts;
  // Whoever asks, and however: it got in.
  if (check.expectation === "deny") return outcome.kind === "accepted" ? [] : [callerClockSkew];
  if (outcome.kind === "refused") return DETECTORS;
  if (outcome.kind === "accepted") return [acceptedPastAuthorizer, callerClockSkew];
  const connecting = explicable(facts) ? CONNECTING : [];
  return [...DOMAIN_DETECTORS, ...connecting, callerClockSkew];
}

/** A flaw that did not keep the device out explains nothing. */
function onlyIfKeptOut(detectors: readonly Detector[]): Detector[] {
  return detectors.map((detector) => (facts) => {
    const refusedByApi = facts.invocation.kind === "errored" || facts.invocation.kind === "denied";
    return keptOut(facts) || refusedByApi ? detector(facts) : null;
  });
}

function evidenceFor(code: CauseCode, facts: Facts, found: readonly Finding[]): string {
  const detected = found.find((finding) => finding.code === code);
  if (detected) return detected.evidence;
  const { invocation, outcome } = facts;
  if (outcome.kind === "accepted") {
    const corrupted = code === "UNEXPECTED_ACCEPT" ? acceptedCorruption(facts) : null;
    if (corrupted !== null) return corrupted;
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
    nextStep: `${CAUSES[code].nextStep}${code === "UNEXPECTED_ACCEPT" && facts.check.derived !== null ? IF_IGNORED : ""}`,
  };
}

/** Of a derived check: an authorizer may look at one credential only, and be meant to. */
const IF_IGNORED =
  " If the authorizer is meant to ignore what this check corrupted, leave the kind out of derived.kinds.";
