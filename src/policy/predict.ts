import type { ConnectFields } from "../model/context.ts";
import type { Prediction } from "../model/prediction.ts";
import { type ResourceOwner, resourceArn } from "./arn.ts";
import {
  type Ask,
  type AskInput,
  allNeeded,
  asker,
  besideCertificate,
  sameDecision,
  unknown,
} from "./ask.ts";

export interface PredictInput extends AskInput {
  /** What an https check publishes to; null for the others. */
  readonly topic: string | null;
}

/**
 * Will the returned policies let this check in? MQTT: iot:Connect on the client id, and with a will iot:Publish
 * on its topic, without which the connect fails (DG connect-policy, iot-policy-actions). HTTPS: iot:Publish on
 * the topic. `document` and `statement` are those of the question that decided.
 */
export function predictConnect(input: PredictInput): Prediction {
  const { target, wire, topic } = input;
  const ask = asker(input);
  const prediction =
    wire.kind === "https" ? predictHttps(ask, target, topic) : predictMqtt(ask, target, wire.connect);
  return besideCertificate(input, prediction);
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
  return allNeeded([connected, ask("iot:Publish", willArn, { "iot:ClientId": clientId })]);
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
