import { scrub } from "../lib/scrub.ts";
import type { Json } from "../model/invocation.ts";
import type { Prediction } from "../model/prediction.ts";
import type { Secret } from "../model/secret.ts";
import { isObject } from "./json.ts";
import type { KnownContext } from "./keys.ts";
import { readStatement, type StatementAnswer } from "./statement.ts";
import { undecided } from "./truth.ts";

/** One question to a set of policies. */
export interface PolicyRequest {
  /** For example `iot:Connect`; its case does not matter. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  /**
   * Condition keys and policy variables, for example `iot:ClientId`; the case of a key does not matter. A key that
   * is not here is absent or unknown as keys.ts says; an empty list says that it is absent.
   */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
  /** The device also presents a client certificate, so thing and certificate variables have values we lack. */
  readonly clientCertificate?: boolean;
  /** What `undecided`, which may quote the policies, is scrubbed of. */
  readonly secrets?: readonly Secret[];
}

/** A statement's answer and where it stands, zero-based. `statement` is null where the document is unreadable. */
interface Located extends StatementAnswer {
  readonly document: number;
  readonly statement: number | null;
}

/**
 * Evaluates IoT policies as IAM does: any Deny that applies wins, else any Allow that applies, else deny (IAM
 * reference_policies_evaluation-logic). Statements of all documents count alike and their order does not matter.
 * What cannot be decided from documented rules makes the answer `unknown`, unless it cannot change it: a certain
 * Deny stands whatever else there is, a certain Allow stands beside an undecidable Allow.
 */
export function evaluate(documents: readonly Json[], request: PolicyRequest): Prediction {
  const context: KnownContext = {
    values: new Map(
      Object.entries(request.context).map(([key, value]) => [
        key.toLowerCase(),
        typeof value === "string" ? [value] : value,
      ]),
    ),
    clientCertificate: request.clientCertificate ?? false,
  };
  const answers = documents.flatMap((document, index) => readDocument(document, index, request, context));
  return decide(answers, request.secrets ?? []);
}

function decide(answers: readonly Located[], secrets: readonly Secret[]): Prediction {
  const certain = (effect: "allow" | "deny") =>
    answers.find((answer) => answer.effect === effect && answer.applies === true);
  const open = (effects: readonly StatementAnswer["effect"][]) =>
    answers.find((answer) => effects.includes(answer.effect) && typeof answer.applies !== "boolean");
  const deny = certain("deny");
  if (deny !== undefined) return decided("deny", "explicit-deny", deny);
  const maybeDeny = open(["deny", "either"]);
  if (maybeDeny !== undefined) return unknown(maybeDeny, secrets);
  const allow = certain("allow");
  if (allow !== undefined) return decided("allow", "allow", allow);
  const maybeAllow = open(["allow"]);
  if (maybeAllow !== undefined) return unknown(maybeAllow, secrets);
  return { decision: "deny", by: "implicit-deny", document: null, statement: null, undecided: null };
}

function decided(decision: "allow" | "deny", by: "allow" | "explicit-deny", at: Located): Prediction {
  return { decision, by, document: at.document, statement: at.statement, undecided: null };
}

/** The reason may quote the policy, which is text from outside. */
function unknown(at: Located, secrets: readonly Secret[]): Prediction {
  const why = typeof at.applies === "boolean" ? "" : at.applies.why;
  const statement = at.statement === null ? "" : ` statement ${at.statement}`;
  return {
    decision: "unknown",
    by: null,
    document: null,
    statement: null,
    undecided: scrub(`document ${at.document}${statement}: ${why}`, secrets),
  };
}

function readDocument(
  json: Json,
  document: number,
  request: PolicyRequest,
  context: KnownContext,
): readonly Located[] {
  const unreadable = (why: string): readonly Located[] => [
    { document, statement: null, effect: "either", applies: undecided(why) },
  ];
  if (!isObject(json)) return unreadable("is not an object");
  const { Version: version = "2008-10-17", Statement: listed } = json;
  const unsupported = Object.keys(json).find((element) => !DOCUMENT_ELEMENTS.has(element));
  if (unsupported !== undefined) return unreadable(`element ${unsupported} is not supported`);
  if (version !== "2012-10-17" && version !== "2008-10-17") return unreadable("Version is not one IAM knows");
  if (listed === undefined) return unreadable("has no Statement");
  const statements: readonly Json[] = Array.isArray(listed) ? listed : [listed as Json];
  const scope = { context, variables: version === "2012-10-17" };
  return statements.map((each, statement) => ({
    document,
    statement,
    ...readStatement(each, request.action, request.resource, scope),
  }));
}

const DOCUMENT_ELEMENTS = new Set(["Version", "Id", "Statement"]);
