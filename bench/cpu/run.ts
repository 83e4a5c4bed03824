import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONCURRENCY, ENDPOINT, type World } from "./world.ts";

export interface BenchRun {
  readonly devices: number;
  /** Of its files and devices; omitted: the number of devices. Runs at the same time need names, and so client ids, of their own. */
  readonly name?: string;
  /** As in the configuration; omitted: the run's process does all by itself. */
  readonly queue?: object;
}

/** Writes the configuration of a run over MQTT and TLS against the world, with its profiles; answers with its path. */
export function writeRun(
  { folder, peers }: World,
  { devices, name = `${devices}`, queue }: BenchRun,
): string {
  const config = {
    targets: [
      {
        name: "bench",
        region: "eu-west-1",
        accountId: "123456789012",
        endpoint: ENDPOINT,
        address: peers.host,
        port: peers.port,
        caFile: peers.ca,
        controlPlaneEndpoint: peers.api,
        budgets: { invokesPerSecond: 100_000, connectsPerSecond: 100_000, burst: CONCURRENCY },
        concurrency: CONCURRENCY,
      },
    ],
    profiles: [{ path: `${name}.ndjson`, identity: "dedicated" }],
    suites: [{ name: "bench", derived: { perCohort: 0 } }],
    store: { path: `${name}.db` },
    ...(queue && { queue }),
  };
  const profiles = Array.from({ length: devices }, (_, index) => {
    const id = `bench-${name}-${index}`;
    const { authorizer, password } = peers;
    return JSON.stringify({ id, clientId: id, username: id, password, authorizer, protocol: "mqtt" });
  });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(config));
  writeFileSync(join(folder, `${name}.ndjson`), `${profiles.join("\n")}\n`);
  return path;
}
