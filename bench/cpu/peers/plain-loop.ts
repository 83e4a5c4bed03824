/** The script a user would write: ask the API, connect, leave; so many at once. argv: what to reach (JSON), how many. */
import { readFileSync } from "node:fs";
import { IoTClient, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import mqtt from "mqtt";
import pLimit from "p-limit";
import type { Peers } from "../world.ts";

const peers = JSON.parse(process.argv[2] ?? "") as Peers;
const devices = Number(process.argv[3]);
const ca = readFileSync(peers.ca);
const iot = new IoTClient({ region: "eu-west-1", endpoint: peers.api });
const limit = pLimit(peers.concurrency);

async function test(clientId: string): Promise<void> {
  const username = `${clientId}?x-amz-customauthorizer-name=${peers.authorizer}`;
  const password = Buffer.from(peers.password);
  const { isAuthenticated } = await iot.send(
    new TestInvokeAuthorizerCommand({
      authorizerName: peers.authorizer,
      mqttContext: { clientId, username, password },
    }),
  );
  if (isAuthenticated !== true) throw new Error("not authenticated");
  await new Promise<void>((resolve, reject) => {
    const client = mqtt.connect({
      protocol: "mqtts",
      host: peers.host,
      port: peers.port,
      servername: peers.serverName,
      ALPNProtocols: ["mqtt"],
      ca,
      clientId,
      username,
      password,
      reconnectPeriod: 0,
    });
    client.once("connect", () => client.end(false, {}, () => resolve()));
    client.once("error", reject);
  });
}

await Promise.all(Array.from({ length: devices }, (_, index) => limit(test, `bench-${index}`)));
