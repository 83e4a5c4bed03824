// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this
import type { Json } from "../../src/model/invocation.ts";
import { ACCOUNT, allow, type Case, deny, doc, row } from "./case.ts";

const LOGIC = "IAM reference_policies_evaluation-logic";
const GRAMMAR = "IAM reference_policies_grammar";
const VERSION = "IAM reference_policies_elements_version";
const EFFECT = "IAM reference_policies_elements_effect";
const ACTION = "IAM reference_policies_elements_action";
const NOT_ACTION = "IAM reference_policies_elements_notaction";
const NOT_RESOURCE = "IAM reference_policies_elements_notresource";

const publish = { action: "iot:Publish", resource: `${ACCOUNT}:topic/a/b` };
const hidden: Json = { StringEquals: { "aws:SourceVpc": "vpc-1" } };
const mute: Json = { Effect: "Allow", Action: "iot:Publish", Resource: "*" };

/** How statements and documents combine. */
export const DECISIONS: readonly Case[] = [
  row(LOGIC, "no documents: implicit deny", [], "deny"),
  row(LOGIC, "no statement applies: implicit deny", doc(mute), "deny"),
  row(LOGIC, "an allow that applies", doc(allow()), "allow", {}, [0, 0]),
  row(LOGIC, "a deny that applies", doc(deny()), "explicit-deny", {}, [0, 0]),
  row(LOGIC, "deny wins after an allow", doc(allow(), deny()), "explicit-deny", {}, [0, 1]),
  row(LOGIC, "deny wins before an allow", doc(deny(), allow()), "explicit-deny", {}, [0, 0]),
  row(LOGIC, "deny in another document wins", [doc(allow()), doc(deny())], "explicit-deny", {}, [1, 0]),
  row(LOGIC, "deny in the first document wins", [doc(deny()), doc(allow())], "explicit-deny", {}, [0, 0]),
  row(LOGIC, "the second document's allow counts", [doc(mute), doc(mute, allow())], "allow", {}, [1, 1]),
  row(LOGIC, "two allows: the first is named", doc(mute, allow(), allow()), "allow", {}, [0, 1]),
  row(
    LOGIC,
    "a deny on another action does not matter",
    doc(deny({ Action: "iot:Publish" }), allow()),
    "allow",
  ),
  row(
    LOGIC,
    "a deny on another resource does not matter",
    [doc(deny({ Resource: `${ACCOUNT}:client/dev-2` }), allow())],
    "allow",
    {},
    [0, 1],
  ),
  row(
    "-",
    "certain deny beside an undecidable allow",
    doc(allow({ Condition: hidden }), deny()),
    "explicit-deny",
  ),
  row(
    "-",
    "certain deny beside an undecidable deny",
    doc(deny({ Condition: hidden }), deny()),
    "explicit-deny",
    {},
    [0, 1],
  ),
  row("-", "certain deny beside a broken document", [7, doc(deny())], "explicit-deny", {}, [1, 0]),
  row(
    "-",
    "certain allow beside an undecidable allow",
    doc(allow({ Condition: hidden }), allow()),
    "allow",
    {},
    [0, 1],
  ),
  row("-", "certain allow beside an undecidable deny", doc(allow(), deny({ Condition: hidden })), "unknown"),
  row("-", "certain allow beside a broken document", [doc(allow()), "{}"], "unknown"),
  row("-", "only an undecidable allow", doc(allow({ Condition: hidden })), "unknown"),
  row("-", "only an undecidable deny", doc(deny({ Condition: hidden })), "unknown"),
  row(
    "-",
    "an undecidable deny on another action",
    doc(allow(), deny({ Action: "iot:Publish", Condition: hidden })),
    "allow",
  ),
  row(
    "-",
    "an undecidable deny on another resource",
    [doc(allow(), deny({ Resource: `${ACCOUNT}:client/dev-2`, Condition: hidden }))],
    "allow",
  ),
  row(
    "-",
    "an undecidable deny that another condition rules out",
    [
      doc(
        allow(),
        deny({ Condition: { ...(hidden as object), StringNotEquals: { "iot:ClientId": "dev-1" } } as Json }),
      ),
    ],
    "allow",
  ),
];

/** Documents and statements as they may be written. */
export const STRUCTURE: readonly Case[] = [
  row(
    GRAMMAR,
    "Statement may be one object",
    { Version: "2012-10-17", Statement: allow() },
    "allow",
    {},
    [0, 0],
  ),
  row(
    GRAMMAR,
    "Sid and Id do not matter",
    { Version: "2012-10-17", Id: "x", Statement: [allow({ Sid: "s" })] },
    "allow",
  ),
  row(GRAMMAR, "an empty list of statements says nothing", doc(), "deny"),
  row(GRAMMAR, "a document that is text", ['{"Statement":[]}'], "unknown"),
  row(GRAMMAR, "a document that is null", [null], "unknown"),
  row(GRAMMAR, "a document that is a list", [[[doc(allow())]]], "unknown"),
  row(GRAMMAR, "a document without Statement", [{ Version: "2012-10-17" }], "unknown"),
  row(GRAMMAR, "an empty document", [{}], "unknown"),
  row(GRAMMAR, "Statement is text", [{ Version: "2012-10-17", Statement: "Allow" }], "unknown"),
  row(GRAMMAR, "a statement is null", doc(null), "unknown"),
  row(
    GRAMMAR,
    "an element of the document we do not know",
    [{ Version: "2012-10-17", Principal: "*", Statement: [allow()] }],
    "unknown",
  ),
  row(
    GRAMMAR,
    "lower-case element names are not known",
    [{ version: "2012-10-17", statement: [allow()] }],
    "unknown",
  ),
  row(
    "IAM reference_policies_elements_principal",
    "Principal in an allow",
    doc(allow({ Principal: "*" })),
    "unknown",
  ),
  row(
    "IAM reference_policies_elements_principal",
    "Principal in a deny beside an allow",
    doc(allow(), deny({ Principal: "*" })),
    "unknown",
  ),
  row(
    "IAM reference_policies_elements_principal",
    "NotPrincipal",
    doc(allow({ NotPrincipal: { AWS: "1" } })),
    "unknown",
  ),
  row(
    "-",
    "Principal in a statement for another action",
    doc(allow(), deny({ Action: "iot:Publish", Principal: "*" })),
    "allow",
  ),
  row(EFFECT, "Effect is case-sensitive", doc(statementWith("allow")), "unknown"),
  row(EFFECT, "an unreadable Effect might deny", doc(allow(), statementWith("DENY")), "unknown"),
  row(EFFECT, "Effect is missing", doc({ Action: "iot:Connect", Resource: "*" }), "unknown"),
  row(
    EFFECT,
    "an unreadable Effect on another action",
    doc(allow(), { Effect: 1, Action: "iot:Publish", Resource: "*" }),
    "allow",
  ),
  row(VERSION, "2008-10-17 is read", { Version: "2008-10-17", Statement: [allow()] }, "allow"),
  row(VERSION, "a missing Version is read as 2008-10-17", { Statement: [allow()] }, "allow"),
  row(VERSION, "another Version", { Version: "2020-01-01", Statement: [allow()] }, "unknown"),
  row(VERSION, "a Version that is a number", { Version: 20121017, Statement: [allow()] }, "unknown"),
];

/** Action and NotAction. */
export const ACTIONS: readonly Case[] = [
  row(ACTION, "a list of actions", doc(allow({ Action: ["iot:Publish", "iot:Connect"] })), "allow"),
  row(ACTION, "the name's case does not matter", doc(allow({ Action: "iot:connect" })), "allow"),
  row(ACTION, "the prefix's case does not matter", doc(allow({ Action: "IOT:CONNECT" })), "allow"),
  row(ACTION, "nor the request's", doc(allow()), "allow", { action: "IoT:cOnNeCt" }),
  row(ACTION, "iot:* covers connect", doc(allow({ Action: "iot:*" })), "allow"),
  row(ACTION, "* covers everything", doc(allow({ Action: "*" })), "allow"),
  row(ACTION, "iot:Con* covers connect", doc(allow({ Action: "iot:Con*" })), "allow"),
  row(ACTION, "iot:Con* does not cover publish", doc(allow({ Action: "iot:Con*" })), "deny", publish),
  row(ACTION, "? is one character", doc(allow({ Action: "iot:Connec?" })), "allow"),
  row(ACTION, "? is not none", doc(allow({ Action: "iot:Connect?" })), "deny"),
  row(ACTION, "*Publish covers RetainPublish", doc(allow({ Action: "iot:*Publish" })), "allow", {
    ...publish,
    action: "iot:RetainPublish",
  }),
  row(ACTION, "Publish does not cover RetainPublish", doc(allow({ Action: "iot:Publish" })), "deny", {
    ...publish,
    action: "iot:RetainPublish",
  }),
  row(ACTION, "Subscribe does not cover Receive", doc(allow({ Action: "iot:Subscribe" })), "deny", {
    ...publish,
    action: "iot:Receive",
  }),
  row(ACTION, "another service's actions do not matter", doc(allow({ Action: "iotdata:Connect" })), "deny"),
  row(ACTION, "an action without its prefix matches nothing", doc(allow({ Action: "Connect" })), "deny"),
  row(ACTION, "an empty list matches nothing", doc(allow({ Action: [] })), "deny"),
  row(ACTION, "a number is no action", doc(allow({ Action: 1 })), "unknown"),
  row(ACTION, "a number beside the right action", doc(allow({ Action: [1, "iot:Connect"] })), "allow"),
  row(ACTION, "a variable in an action is text", doc(allow({ Action: "iot:${iot:ClientId}" })), "deny", {
    context: { "iot:ClientId": "Connect" },
  }),
  row(GRAMMAR, "neither Action nor NotAction", doc({ Effect: "Allow", Resource: "*" }), "unknown"),
  row(
    GRAMMAR,
    "both Action and NotAction",
    doc({ Effect: "Allow", Action: "*", NotAction: "*", Resource: "*" }),
    "unknown",
  ),
  row(NOT_ACTION, "allow everything but publish", doc(allow({ NotAction: "iot:Publish" })), "allow"),
  row(
    NOT_ACTION,
    "the excepted action is not allowed",
    doc(allow({ NotAction: "iot:Publish" })),
    "deny",
    publish,
  ),
  row(NOT_ACTION, "any of a list is excepted", doc(allow({ NotAction: ["iot:Sub*", "iot:conn*"] })), "deny"),
  row(
    NOT_ACTION,
    "a deny of everything but publish hits connect",
    doc(allow(), deny({ NotAction: "iot:Publish" })),
    "explicit-deny",
    {},
    [0, 1],
  ),
  row(
    NOT_ACTION,
    "a deny of everything but connect spares it",
    doc(allow(), deny({ NotAction: "iot:Connect" })),
    "allow",
  ),
  row("-", "an empty NotAction", doc(allow({ NotAction: [] })), "unknown"),
  row("-", "a number in NotAction", doc(allow({ NotAction: [1] })), "unknown"),
  row("-", "a number in NotAction beside the action", doc(allow({ NotAction: [1, "iot:Connect"] })), "deny"),
  row(GRAMMAR, "neither Resource nor NotResource", doc({ Effect: "Allow", Action: "*" }), "unknown"),
  row(
    GRAMMAR,
    "both Resource and NotResource",
    doc({ Effect: "Allow", Action: "*", Resource: "*", NotResource: "*" }),
    "unknown",
  ),
  row(
    NOT_RESOURCE,
    "everything but another client",
    doc(allow({ NotResource: `${ACCOUNT}:client/dev-2` })),
    "allow",
  ),
  row(
    NOT_RESOURCE,
    "everything but this client",
    doc(allow({ NotResource: `${ACCOUNT}:client/dev-*` })),
    "deny",
  ),
  row(
    NOT_RESOURCE,
    "a deny of all but one's own client spares it",
    [doc(allow(), deny({ NotResource: `${ACCOUNT}:client/\${iot:ClientId}` }))],
    "allow",
  ),
  row(
    NOT_RESOURCE,
    "a deny of all but another's client hits",
    doc(allow(), deny({ NotResource: [`${ACCOUNT}:client/dev-2`] })),
    "explicit-deny",
    {},
    [0, 1],
  ),
  row("-", "an empty NotResource", doc(allow({ NotResource: [] })), "unknown"),
];

function statementWith(effect: Json): Json {
  return { Effect: effect, Action: "iot:Connect", Resource: "*" };
}
