/** Connections alone, by AWS's own device SDK. argv: what to reach (JSON), how many. */

import { once } from "node:events";
import { iot, mqtt5 } from "aws-iot-device-sdk-v2";
import pLimit from "p-limit";
import type { Peers } from "../world.ts";

const peers = JSON.parse(process.argv[2] ?? "") as Peers;
const devices = Number(process.argv[3]);
const limit = pLimit(peers.concurrency);

async function connect(clientId: string): Promise<void> {
  const builder = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithCustomAuth("localhost", {
    authorizerName: peers.authorizer,
    username: clientId,
    password: Buffer.from(peers.password),
  });
  builder.withPort(peers.port);
  builder.withCertificateAuthorityFromPath(undefined, peers.ca);
  builder.withConnectProperties({ clientId, keepAliveIntervalSeconds: 60 });
  const client = new mqtt5.Mqtt5Client(builder.build());
  const connected = once(client, "connectionSuccess");
  client.start();
  await connected;
  const stopped = once(client, "stopped");
  client.stop();
  await stopped;
  client.close();
}

await Promise.all(Array.from({ length: devices }, (_, index) => limit(connect, `bench-${index}`)));
process.exit();
