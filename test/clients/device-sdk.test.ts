import { once } from "node:events";
import { io, iot, mqtt, mqtt5 } from "aws-iot-device-sdk-v2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestEmulator } from "../support/emulator.ts";
import { SIGNATURE, STRANGERS_SIGNATURE, startWorld, TOKEN, type World } from "./world.ts";

/** AWS's own device SDK (native code, no part shared with us) against the gateway. */

let world: World;
let emulator: TestEmulator;
beforeAll(async () => {
  world = await startWorld();
  ({ emulator } = world);
});
afterAll(() => world.end());

const PASSWORD = { authorizerName: "open-door", username: "device", password: Buffer.from("right") };
const SIGNED = {
  authorizerName: "signed",
  username: "device",
  tokenKeyName: "x-token",
  tokenValue: TOKEN,
  tokenSignature: SIGNATURE,
};

type Credentials = iot.MqttConnectCustomAuthConfig;

const REFUSED: readonly [string, Credentials][] = [
  ["a wrong password", { ...PASSWORD, password: Buffer.from("wrong") }],
  ["a token that is not the signed one", { ...SIGNED, tokenValue: "fleet.other" }],
  ["a stranger's signature", { ...SIGNED, tokenSignature: STRANGERS_SIGNATURE }],
  ["an unknown authorizer", { ...PASSWORD, authorizerName: "nobody" }],
  ["a policy that lets another client in", { ...PASSWORD, authorizerName: "elsewhere" }],
];

/** The SDK's words for a CONNACK that refuses, and for a close without one. */
const REFUSAL = /MQTT_PROTOCOL_ERROR|UNEXPECTED_HANGUP|SOCKET_CLOSED/;

let lastId = 0;
function nextClientId(): string {
  lastId += 1;
  return `sdk-${lastId}`;
}

describe.each(["direct", "websocket"] as const)("device SDK, MQTT 5, %s", (how) => {
  function client(credentials: Credentials): mqtt5.Mqtt5Client {
    const { AwsIotMqtt5ClientConfigBuilder: Builder } = iot;
    const builder =
      how === "direct"
        ? Builder.newDirectMqttBuilderWithCustomAuth("localhost", credentials)
        : Builder.newWebsocketMqttBuilderWithCustomAuth("localhost", credentials);
    builder.withPort(emulator.port);
    builder.withCertificateAuthorityFromPath(undefined, emulator.caFile);
    builder.withConnectProperties({ clientId: nextClientId(), keepAliveIntervalSeconds: 60 });
    return new mqtt5.Mqtt5Client(builder.build());
  }

  async function stop(sdk: mqtt5.Mqtt5Client): Promise<void> {
    const stopped = once(sdk, "stopped");
    sdk.stop();
    await stopped;
    sdk.close();
  }

  test.each([
    ["a password", PASSWORD],
    ["a signed token", SIGNED],
  ])("connects with %s, publishes and subscribes", async (_what, credentials) => {
    const sdk = client(credentials);
    const connected = once(sdk, "connectionSuccess");
    sdk.start();
    const [{ connack, settings }] = (await connected) as [mqtt5.ConnectionSuccessEvent];
    expect([connack.reasonCode, settings.maximumQos]).toEqual([0, 1]);
    const received = once(sdk, "messageReceived");
    const { reasonCodes } = await sdk.subscribe({
      subscriptions: [{ topicFilter: "sdk/#", qos: mqtt5.QoS.AtLeastOnce }],
    });
    expect(reasonCodes).toEqual([1]);
    await sdk.publish({ topicName: "sdk/a", payload: "hello", qos: mqtt5.QoS.AtLeastOnce });
    const [{ message }] = (await received) as [mqtt5.MessageReceivedEvent];
    expect(Buffer.from(message.payload as ArrayBuffer).toString()).toBe("hello");
    await stop(sdk);
  });

  test.each(REFUSED)("is refused with %s", async (_what, credentials) => {
    const sdk = client(credentials);
    const failed = once(sdk, "connectionFailure");
    sdk.start();
    const [{ connack }] = (await failed) as [mqtt5.ConnectionFailureEvent];
    if (connack) expect(connack.reasonCode).toBeGreaterThanOrEqual(128);
    else expect(how).toBe("websocket");
    await stop(sdk);
  });
});

describe.each(["direct", "websocket"] as const)("device SDK, MQTT 3.1.1, %s", (how) => {
  function connection(credentials: Credentials): mqtt.MqttClientConnection {
    const { AwsIotMqttConnectionConfigBuilder: Builder } = iot;
    const builder = how === "direct" ? Builder.new_default_builder() : Builder.new_websocket_builder();
    builder.with_endpoint("localhost");
    builder.with_certificate_authority_from_path(undefined, emulator.caFile);
    builder.with_client_id(nextClientId());
    builder.with_clean_session(true);
    const {
      username = "",
      authorizerName = "",
      tokenSignature = "",
      tokenKeyName,
      tokenValue,
      password,
    } = credentials;
    builder.with_custom_authorizer(
      username,
      authorizerName,
      tokenSignature,
      password === undefined ? "" : Buffer.from(password as Buffer).toString(),
      tokenKeyName,
      tokenValue,
    );
    // Only now: the custom authorizer sets port 443.
    builder.with_port(emulator.port);
    return new mqtt.MqttClient(new io.ClientBootstrap()).new_connection(builder.build());
  }

  test.each([
    ["a password", PASSWORD],
    ["a signed token", SIGNED],
  ])("connects with %s, publishes and subscribes", async (_what, credentials) => {
    const sdk = connection(credentials);
    await sdk.connect();
    const received = new Promise<string>((resolve) => {
      void sdk
        .subscribe("sdk3/#", mqtt.QoS.AtLeastOnce, (_topic, payload) =>
          resolve(Buffer.from(payload).toString()),
        )
        .then(() => sdk.publish("sdk3/a", "hello", mqtt.QoS.AtLeastOnce));
    });
    expect(await received).toBe("hello");
    await sdk.disconnect();
  });

  test.each(REFUSED)("is refused with %s", async (_what, credentials) => {
    const sdk = connection(credentials);
    await expect(sdk.connect()).rejects.toThrow(REFUSAL);
  });
});
