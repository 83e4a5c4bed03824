import type { ConnectFields, Wire } from "../model/context.ts";
import type { AuthorizerAnswer } from "../model/invocation.ts";
import type { Prediction } from "../model/prediction.ts";
import type { Secret } from "../model/secret.ts";
import { type ResourceOwner, resourceArn } from "./arn.ts";
import { evaluate, type PolicyRequest } from "./evaluate.ts";

export interface PredictInput {
  readonly answer: AuthorizerAnswer;
  readonly target: ResourceOwner;
  readonly wire: Wire;
  /** What an https check publishes to; null for the others. */
  readonly topic: string | null;
  /** Address the gateway sees; null: not known. */
  readonly sourceIp: string | null;
  /** What `undecided`, which may quote the policies, is masked of. */
  readonly secrets: readonly Secret[];
}

type Context = PolicyRequest["context"];
/** One question to the policies of this answer. */
type Ask = (action: string, resource: string, context: Context) => Prediction;

/**
 * Will the returned policies let this check in? MQTT: iot:Connect on the client id, and with a will iot:Publish
 * on its topic, without which the connect fails (DG connect-policy, iot-policy-actions). HTTPS: iot:Publish on
 * the topic. `document` and `statement` are those of the question that decided.
 */
export function predictConnect(input: PredictInput): Prediction {
  const { answer, target, wire, topic, sourceIp, secrets } = input;
  // A device that is not authenticated is granted nothing, whatever documents came along (DG custom-auth-lambda).
  if (!answer.isAuthenticated) return IMPLICIT_DENY;
  const common = {
    ...(wire.tls.serverName === null ? {} : { "iot:DomainName": wire.tls.serverName }),
    ...(sourceIp === null ? {} : { "aws:SourceIp": sourceIp }),
  };
  const ask: Ask = (action, resource, context) =>
    evaluate(answer.policyDocuments, {
      action,
      resource,
      context: { ...common, ...context },
      secrets,
      clientCertificate: wire.tls.clientCertificate !== null,
    });
  const prediction =
    wire.kind === "https" ? predictHttps(ask, target, topic) : predictMqtt(ask, target, wire.connect);
  if (wire.tls.clientCertificate === null || prediction.by === "explicit-deny") return prediction;
  // The certificate's own policies are united with the returned ones (DG custom-auth-509cert): only a Deny is sure.
  return unknown("the client certificate's own policies also count, and they are not known here");
}

function predictMqtt(ask: Ask, target: ResourceOwner, connect: ConnectFields): Prediction {
  const { clientId, will } = connect;
  const willArn = will === null ? null : resourceArn(target, "topic", will.topic);
  const connects = persistenceReadings(connect).map((persistent) =>
    ask("iot:Connect", resourceArn(target, "client", clientId), {
      "iot:ClientId": clientId,
      "iot:ConnectAttributes": [
        ...(persistent ? ["PersistentConnect"] : []),
        ...(willArn === null ? [] : ["LastWill"]),
      ],
      ...(willArn === null ? {} : { "iot:LastWillTopic": willArn }),
    }),
  );
  const connected = sameDecision(connects, "whether this MQTT 5 session counts as PersistentConnect");
  if (willArn === null) return connected;
  return bothNeeded(connected, ask("iot:Publish", willArn, { "iot:ClientId": clientId }));
}

/**
 * Does the connect ask for PersistentConnect? Clean session off in 3.1.1, and a session that outlives the connection
 * in 5. Resuming a session without keeping it (clean start off, expiry 0) is not spoken of in DG mqtt: either way.
 */
function persistenceReadings(connect: ConnectFields): readonly boolean[] {
  if (connect.mqttVersion === 4) return [!connect.cleanSession];
  if (connect.sessionExpirySeconds > 0) return [true];
  return connect.cleanSession ? [false] : [true, false];
}

/** Whether HTTPS also needs iot:Connect, and on which client, is undocumented: Publish decides alone only against. */
function predictHttps(ask: Ask, target: ResourceOwner, topic: string | null): Prediction {
  if (topic === null) return unknown("an https check without a topic");
  const published = ask("iot:Publish", resourceArn(target, "topic", topic), {});
  if (published.decision !== "allow") return published;
  const connected = ask("iot:Connect", resourceArn(target, "client", ""), {});
  if (connected.decision === "allow") return published;
  return unknown("iot:Publish is allowed, but whether HTTPS also needs iot:Connect is undocumented");
}

/** A deny of either refuses the connection; an unknown one leaves it open. */
function bothNeeded(connect: Prediction, publishWill: Prediction): Prediction {
  const both = [connect, publishWill];
  return (
    both.find(({ decision }) => decision === "deny") ??
    both.find(({ decision }) => decision === "unknown") ??
    connect
  );
}

function sameDecision(readings: readonly Prediction[], what: string): Prediction {
  const [first = IMPLICIT_DENY, ...rest] = readings;
  return rest.every(({ decision }) => decision === first.decision)
    ? first
    : unknown(`${what} is undocumented, and it decides`);
}

const IMPLICIT_DENY: Prediction = {
  decision: "deny",
  by: "implicit-deny",
  document: null,
  statement: null,
  undecided: null,
};

function unknown(why: string): Prediction {
  return { decision: "unknown", by: null, document: null, statement: null, undecided: why };
}
