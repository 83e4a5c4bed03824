import type { Cause, CauseCode } from "../../model/causes.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Access } from "../../model/profile.ts";
import type { Verdict, VerdictKind } from "../../model/result.ts";
import type { Style, Tone } from "../style.ts";
import { field, type Mark, marked, sentence } from "./layout.ts";

/** What it came to. */
export interface VerdictStep {
  readonly kind: VerdictKind;
  readonly expectation: Access;
  /** The one to act on first. */
  readonly causes: readonly (Cause & { readonly meaning: string })[];
  /** What one device alone cannot show, and how to find out. */
  readonly advice: string | null;
}

/** Bare closes are confirmed by an explicit answer to another device (design of the judging). */
const CLOSE_ADVICE =
  "One device alone cannot show whether the close was a refusal or an outage. Probe a device that should get in, at " +
  "the same target and over the same protocol, or run the whole suite: an explicit answer to another device shows " +
  "that this close was a refusal.";

export function verdictStep(
  { kind, causes }: Verdict,
  expectation: Access,
  meaning: (code: CauseCode) => string,
): VerdictStep {
  const unconfirmed = causes.some(({ code }) => code === "GATEWAY_CLOSED_UNCONFIRMED");
  return {
    kind,
    expectation,
    causes: causes.map((cause) => ({ ...cause, meaning: meaning(cause.code) })),
    advice: unconfirmed ? CLOSE_ADVICE : null,
  };
}

export const VERDICT_TONE: Readonly<Record<VerdictKind, readonly [symbol: string, tone: Tone]>> = {
  pass: ["✔", "good"],
  fail: ["✘", "bad"],
  inconclusive: ["?", "unsure"],
  skipped: ["·", "dim"],
};

const MARK: Readonly<Record<VerdictKind, Mark>> = {
  pass: "good",
  fail: "bad",
  inconclusive: "unsure",
  skipped: "none",
};

const WHY: Readonly<Record<Access, Readonly<Record<VerdictKind, string>>>> = {
  allow: {
    pass: "it gets in, as it should",
    fail: "it should get in, and is kept out",
    inconclusive: "it should get in, and whether it does is not proven",
    skipped: "the authorizer and the policy would let it in; the gateway was left alone",
  },
  deny: {
    pass: "it is kept out, as it should",
    fail: "it should be kept out, and gets in",
    inconclusive: "it should be kept out, and whether it is was not proven",
    skipped: "the gateway was left alone",
  },
};

/** Where a device that should get in came further, or less far, than the words above say. */
const ALTHOUGH: Readonly<Partial<Record<`${VerdictKind} ${Outcome["kind"]}`, string>>> = {
  "fail accepted": "it gets in, and what else is expected of it does not hold",
  "fail unreachable": "it should get in, and would not even connect",
  "fail skipped": "it should get in, and the authorizer, its policy or the domain would keep it out",
  "inconclusive accepted": "it gets in, and not everything that is expected of it is proven",
};

export function verdictLines(
  { kind, expectation, causes, advice }: VerdictStep,
  gateway: Outcome["kind"],
  style: Style,
): string[] {
  const although = expectation === "allow" ? ALTHOUGH[`${kind} ${gateway}`] : undefined;
  return [
    ...marked("verdict", MARK[kind], `${kind}: ${although ?? WHY[expectation][kind]}`, style),
    ...causes.flatMap(({ code, meaning, evidence, nextStep }, at) => [
      ...field(causes.length > 1 ? `cause ${at + 1}` : "cause", code, style, "strong"),
      ...field("means", meaning, style),
      ...field("evidence", evidence, style),
      ...field("next", nextStep, style),
    ]),
    ...(advice === null ? [] : sentence(advice, style)),
  ];
}
