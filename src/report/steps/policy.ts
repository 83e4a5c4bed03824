import { scrub } from "../../lib/scrub.ts";
import type { Check } from "../../model/check.ts";
import type { DeviceContext } from "../../model/context.ts";
import type { Invocation, Json } from "../../model/invocation.ts";
import type { Prediction } from "../../model/prediction.ts";
import type { Secret } from "../../model/secret.ts";
import type { Style } from "../style.ts";
import { type BoundedText, showJson } from "./bounded.ts";
import { block, field, type Mark, marked } from "./layout.ts";

/** What the returned documents permit, and the statement that decides. */
export interface PolicyStep extends Prediction {
  /** What the connection needs, for example `iot:Connect on client/pump-1`. */
  readonly asked: readonly string[];
  readonly decidingStatement: BoundedText | null;
}

const MAX_LINES = 40;

export function policyStep(
  check: Check,
  context: DeviceContext,
  invocation: Invocation,
  prediction: Prediction,
): PolicyStep {
  const { secrets } = context;
  const { undecided } = prediction;
  return {
    ...prediction,
    undecided: undecided === null ? null : scrub(undecided, secrets),
    asked: needs(check, context),
    decidingStatement: decidingStatement(invocation, prediction, secrets),
  };
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
  const found = statementAt(invocation.answer.policyDocuments[document], statement);
  return found === undefined ? null : showJson(found, secrets);
}

/** `Statement` is a list, or one statement by itself (IAM reference_policies_elements_statement). */
function statementAt(document: Json | undefined, index: number): Json | undefined {
  if (typeof document !== "object" || document === null || !("Statement" in document)) return undefined;
  const { Statement: statements } = document;
  if (Array.isArray(statements)) return statements[index];
  return index === 0 ? (statements as Json) : undefined;
}

const MARK: Readonly<Record<Prediction["decision"], Mark>> = {
  allow: "good",
  deny: "bad",
  unknown: "unsure",
};

export function policyLines(step: PolicyStep, style: Style): string[] {
  const { asked, decision, undecided, decidingStatement: deciding } = step;
  return [
    ...asked.flatMap((each, at) => field(at === 0 ? "needed" : "", each, style)),
    ...marked("prediction", MARK[decision], undecided === null ? decision : `unknown: ${undecided}`, style),
    ...(undecided === null ? field("because", `${decidedBy(step)}${counted(step)}`, style) : []),
    ...(deciding === null ? [] : block(deciding.text, style, MAX_LINES)),
  ];
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
