import { scrub } from "../../lib/scrub.ts";
import type { Check } from "../../model/check.ts";
import type { DeviceContext } from "../../model/context.ts";
import type { Invocation, Json } from "../../model/invocation.ts";
import type { LesserPredictions, Prediction } from "../../model/prediction.ts";
import type { Secret } from "../../model/secret.ts";
import type { Style } from "../style.ts";
import { type BoundedText, showJson } from "./bounded.ts";
import { block, field, type Mark, marked } from "./layout.ts";

/** What the returned documents permit, and the statement that decides. */
export interface PolicyStep extends Prediction {
  /** What the connection needs, for example `iot:Connect on client/pump-1`. */
  readonly asked: readonly string[];
  readonly decidingStatement: BoundedText | null;
  /** Where no statement allows it: those that allow the action, on something else; the first ones. */
  readonly nearest: readonly NearStatement[];
  /** The decision with less in the question; null: not asked, because there is nothing to leave out or it is allowed. */
  readonly lesser: Readonly<Record<keyof LesserPredictions, Prediction["decision"] | null>>;
}

interface NearStatement extends BoundedText {
  readonly document: number;
  readonly statement: number;
}

const MAX_NEAREST = 3;

const MAX_LINES = 40;

export function policyStep(
  check: Check,
  context: DeviceContext,
  invocation: Invocation,
  { prediction, lesser }: { readonly prediction: Prediction; readonly lesser: LesserPredictions },
): PolicyStep {
  const { secrets } = context;
  const { undecided } = prediction;
  return {
    ...prediction,
    undecided: undecided === null ? null : scrub(undecided, secrets),
    asked: needs(check, context),
    decidingStatement: decidingStatement(invocation, prediction, secrets),
    nearest:
      prediction.by === "implicit-deny"
        ? nearest(invocation, context.wire.kind === "https" ? "iot:Publish" : "iot:Connect", secrets)
        : [],
    lesser: {
      willAndSession: lesser.willAndSession?.decision ?? null,
      conditions: lesser.conditions?.decision ?? null,
    },
  };
}

function nearest(invocation: Invocation, action: string, secrets: readonly Secret[]): NearStatement[] {
  if (!("answer" in invocation)) return [];
  const found = invocation.answer.policyDocuments.flatMap((each, document) =>
    statementsOf(each).flatMap((one, statement) =>
      allowsAction(one, action) ? [{ document, statement, one }] : [],
    ),
  );
  return found.slice(0, MAX_NEAREST).map(({ one, ...place }) => ({ ...place, ...showJson(one, secrets) }));
}

/** For a hint only: the usual ways to write it, not every pattern. */
function allowsAction(statement: Json, action: string): boolean {
  if (!isObject(statement) || statement.Effect !== "Allow") return false;
  const { Action: actions } = statement;
  const usual = ["*", "iot:*", action.toLowerCase()];
  return [actions].flat().some((each) => typeof each === "string" && usual.includes(each.toLowerCase()));
}

function needs({ profile }: Check, { wire }: DeviceContext): string[] {
  if (wire.kind === "https") return [`iot:Publish on topic/${profile.topic ?? ""}`];
  const { clientId, will } = wire.connect;
  return [
    `iot:Connect on client/${clientId}`,
    ...(will === null ? [] : [`iot:Publish on topic/${will.topic} (the will)`]),
  ];
}

/** The statement at the place the prediction names. */
export function decidingStatement(
  invocation: Invocation,
  { document, statement }: Prediction,
  secrets: readonly Secret[],
): BoundedText | null {
  if (document === null || statement === null || !("answer" in invocation)) return null;
  const found = statementsOf(invocation.answer.policyDocuments[document])[statement];
  return found === undefined ? null : showJson(found, secrets);
}

/** `Statement` is a list, or one statement by itself (IAM reference_policies_elements_statement). */
function statementsOf(document: Json | undefined): readonly Json[] {
  if (!isObject(document) || document.Statement === undefined) return [];
  const { Statement: statements } = document;
  return isList(statements) ? statements : [statements];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

const MARK: Readonly<Record<Prediction["decision"], Mark>> = {
  allow: "good",
  deny: "bad",
  unknown: "unsure",
};

export function policyLines(step: PolicyStep, style: Style): string[] {
  const { asked, decision, undecided, decidingStatement: deciding, nearest, lesser } = step;
  return [
    ...asked.flatMap((each, at) => field(at === 0 ? "needed" : "", each, style)),
    ...marked("prediction", MARK[decision], undecided === null ? decision : `unknown: ${undecided}`, style),
    ...(undecided === null ? field("because", `${decidedBy(step)}${counted(step)}`, style) : []),
    ...(deciding === null ? [] : block(deciding.text, style, MAX_LINES)),
    ...nearest.flatMap(({ document, statement, text }) => [
      ...field(
        "nearest",
        `statement ${statement} of document ${document} allows the action elsewhere:`,
        style,
      ),
      ...block(text, style, MAX_LINES),
    ]),
    ...lesserLine("as a clean session without a will", lesser.willAndSession, style),
    ...lesserLine("if every condition of an Allow were met and none of a Deny", lesser.conditions, style),
  ];
}

/** What a decision does not hang on is worth knowing too. */
function lesserLine(changed: string, decision: Prediction["decision"] | null, style: Style): string[] {
  return decision === null ? [] : marked("otherwise", MARK[decision], `${decision}, ${changed}`, style);
}

function counted({ statement }: Prediction): string {
  return statement === null ? "" : " (counted from 0):";
}

/** Places are counted from 0, as everywhere in this program. */
export function decidedBy({ by, document, statement }: Prediction): string {
  if (by === null) return "nothing";
  if (by === "implicit-deny") return "no statement of the documents above allows it";
  const verb = by === "explicit-deny" ? "denies" : "allows";
  return `statement ${statement} of document ${document} ${verb} it`;
}
