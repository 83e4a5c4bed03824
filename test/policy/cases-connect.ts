import type { Json } from "../../src/model/invocation.ts";
import { ACCOUNT, allow, type Case, deny, doc, row, when } from "./case.ts";

/** The policies of one page, each asked with every combination of features it speaks of. */
const PAGE = "DG connect-policy";

type Features = readonly ("PersistentConnect" | "LastWill" | "SomethingNew")[];

const PLAIN: Features = [];
const PERSISTENT: Features = ["PersistentConnect"];
const WILL: Features = ["LastWill"];
const BOTH: Features = ["PersistentConnect", "LastWill"];
const NEW: Features = ["SomethingNew"];

const attributes = (operator: string, ...listed: readonly string[]): Json => ({
  [operator]: { "iot:ConnectAttributes": listed },
});
const denyWhen = (condition: Json): Json => deny({ Condition: condition });

const ALL = "ForAllValues:StringEquals";
const ANY = "ForAnyValue:StringEquals";

const onlyPersistent = when(attributes(ALL, "PersistentConnect"));
const noPersistent = when(attributes("ForAllValues:StringNotEquals", "PersistentConnect"));
const noPersistentByDeny = doc(allow(), denyWhen(attributes(ANY, "PersistentConnect")));
const persistentAndWill = when(attributes(ALL, "PersistentConnect", "LastWill"));
const cleanMaybeWill = when(attributes(ALL, "LastWill"));
const onlyDefaults = when(attributes(ALL));
const mustPersist = when(attributes(ANY, "PersistentConnect"));
const mustHaveBoth = doc(
  allow({ Condition: attributes(ALL, "PersistentConnect", "LastWill") }),
  denyWhen(attributes(ALL, "PersistentConnect")),
  denyWhen(attributes(ALL, "LastWill")),
  denyWhen(attributes(ALL)),
);

const using = (features: Features, topic: string | null = null) => ({
  context: {
    "iot:ClientId": "dev-1",
    "iot:ConnectAttributes": features,
    ...(topic === null ? {} : { "iot:LastWillTopic": `${ACCOUNT}:topic/${topic}` }),
  },
});
const willTopic = when({ ArnEquals: { "iot:LastWillTopic": `${ACCOUNT}:topic/my/lastwill/topicName` } });

export const CONNECT_PAGE: readonly Case[] = [
  row(PAGE, "denied clients, of which this is none", twoDenied("client1", "client2"), "deny"),
  row(
    PAGE,
    "denied clients, of which this is one",
    twoDenied("client1", "dev-1"),
    "explicit-deny",
    {},
    [0, 0],
  ),
  row(PAGE, "one client", doc(allow({ Resource: `${ACCOUNT}:client/dev-1` })), "allow"),
  row(PAGE, "persistent sessions allowed: plain", onlyPersistent, "allow", using(PLAIN)),
  row(PAGE, "persistent sessions allowed: persistent", onlyPersistent, "allow", using(PERSISTENT)),
  row(PAGE, "persistent sessions allowed: will", onlyPersistent, "deny", using(WILL)),
  row(PAGE, "persistent sessions allowed: both", onlyPersistent, "deny", using(BOTH)),
  row(PAGE, "no persistent session: plain", noPersistent, "allow", using(PLAIN)),
  row(PAGE, "no persistent session: persistent", noPersistent, "deny", using(PERSISTENT)),
  row(PAGE, "no persistent session: will", noPersistent, "allow", using(WILL)),
  row(PAGE, "no persistent session by deny: plain", noPersistentByDeny, "allow", using(PLAIN), [0, 0]),
  row(
    PAGE,
    "no persistent session by deny: persistent",
    noPersistentByDeny,
    "explicit-deny",
    using(PERSISTENT),
    [0, 1],
  ),
  row(PAGE, "no persistent session by deny: both", noPersistentByDeny, "explicit-deny", using(BOTH), [0, 1]),
  row(PAGE, "no persistent session by deny: new", noPersistentByDeny, "allow", using(NEW)),
  row(PAGE, "both allowed: plain", persistentAndWill, "allow", using(PLAIN)),
  row(PAGE, "both allowed: both", persistentAndWill, "allow", using(BOTH)),
  row(PAGE, "both allowed: new", persistentAndWill, "deny", using(NEW)),
  row(PAGE, "clean with or without will: will", cleanMaybeWill, "allow", using(WILL)),
  row(PAGE, "clean with or without will: persistent", cleanMaybeWill, "deny", using(PERSISTENT)),
  row(PAGE, "only default features: plain", onlyDefaults, "allow", using(PLAIN)),
  row(PAGE, "only default features: will", onlyDefaults, "deny", using(WILL)),
  row(PAGE, "persistent session demanded: plain", mustPersist, "deny", using(PLAIN)),
  row(
    PAGE,
    "persistent session demanded: persistent and new",
    mustPersist,
    "allow",
    using([...PERSISTENT, ...NEW]),
  ),
  row(PAGE, "both demanded: both", mustHaveBoth, "allow", using(BOTH), [0, 0]),
  row(PAGE, "both demanded: persistent only", mustHaveBoth, "explicit-deny", using(PERSISTENT), [0, 1]),
  row(PAGE, "both demanded: will only", mustHaveBoth, "explicit-deny", using(WILL), [0, 2]),
  row(PAGE, "both demanded: plain", mustHaveBoth, "explicit-deny", using(PLAIN), [0, 1]),
  row(PAGE, "a certain will topic: that one", willTopic, "allow", using(WILL, "my/lastwill/topicName")),
  row(PAGE, "a certain will topic: another", willTopic, "deny", using(WILL, "other")),
  row(PAGE, "a certain will topic: no will", willTopic, "deny", using(PLAIN)),
  row("DG mqtt", "without a condition every feature is allowed", doc(allow()), "allow", using(BOTH, "a")),
];

function twoDenied(first: string, second: string): Json {
  return doc(
    deny({ Resource: [`${ACCOUNT}:client/${first}`, `${ACCOUNT}:client/${second}`] }),
    allow({
      Resource: `${ACCOUNT}:client/\${iot:Connection.Thing.ThingName}`,
      Condition: { Bool: { "iot:Connection.Thing.IsAttached": "true" } },
    }),
  );
}
