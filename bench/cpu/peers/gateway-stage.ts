/** The gateway stage alone: connections as a run makes them. argv: what to reach (JSON), how many. */
import { readFileSync } from "node:fs";
import pLimit from "p-limit";
import { probe } from "../../../src/gateway/probers.ts";
import type { Wire } from "../../../src/model/context.ts";
import { Secret } from "../../../src/model/secret.ts";
import type { ReadyTarget } from "../../../src/model/target.ts";
import type { Peers } from "../world.ts";

const peers = JSON.parse(process.argv[2] ?? "") as Peers;
const devices = Number(process.argv[3]);
const limit = pLimit(peers.concurrency);
const { signal } = new AbortController();
const target: ReadyTarget = {
  name: "bench",
  partition: "aws",
  region: "eu-west-1",
  accountId: "123456789012",
  endpoint: peers.serverName,
  address: peers.host,
  addressFamily: "any",
  port: peers.port,
  ca: readFileSync(peers.ca, "utf8"),
  controlPlaneEndpoint: null,
  queryStringMark: true,
  sourceIp: null,
  budgets: { invokesPerSecond: 10_000, connectsPerSecond: 10_000, burst: 1 },
  concurrency: peers.concurrency,
  timeouts: { invokeMs: 10_000, probeMs: 10_000 },
};

async function connect(clientId: string): Promise<void> {
  const username = `${clientId}?x-amz-customauthorizer-name=${peers.authorizer}`;
  const wire: Wire = {
    kind: "mqtt",
    tls: {
      serverName: peers.serverName,
      alpn: ["mqtt"],
      clientCertificate: null,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      groups: "X25519:P-256",
    },
    connect: {
      mqttVersion: 4,
      clientId,
      username: new Secret(username),
      password: new Secret(peers.password),
      cleanSession: true,
      sessionExpirySeconds: 0,
      keepAliveSeconds: 60,
      will: null,
    },
  };
  const asked = { topics: [], leaveIfSessionPresent: false, secrets: [], timeoutMs: 10_000, signal };
  const outcome = await probe({ target, wire, ...asked });
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
}

await Promise.all(Array.from({ length: devices }, (_, index) => limit(connect, `bench-${index}`)));
