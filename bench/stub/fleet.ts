import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";

export interface StubFleet {
  readonly devices: number;
  /** 1: the run does all by itself. */
  readonly workers?: number;
}

/** Writes the configuration and the generated profiles of a run for `bench/stub/target.ts`; answers with its path. */
export async function writeStubFleet(folder: string, { devices, workers = 1 }: StubFleet): Promise<string> {
  const config = {
    targets: [
      {
        name: "stub",
        region: "eu-west-1",
        accountId: "123456789012",
        endpoint: "bench-ats.iot.eu-west-1.amazonaws.com",
        address: "127.0.0.1",
        // Nobody listens: what a run asks of the API besides its checks is refused at once.
        controlPlaneEndpoint: "http://127.0.0.1:9",
        budgets: { invokesPerSecond: 100_000, connectsPerSecond: 100_000, burst: 1_000 },
        concurrency: 50,
      },
    ],
    profiles: [{ path: `${devices}.ndjson`, identity: "dedicated" }],
    suites: [{ name: "all", derived: { perCohort: 0 }, deadline: "2h" }],
    store: { path: `${devices}-${workers}.db` },
    ...(workers > 1 && { queue: { kind: "local", workers } }),
  };
  const path = join(folder, `${devices}-${workers}.json`);
  await writeFile(path, JSON.stringify(config));
  await writeProfiles(join(folder, `${devices}.ndjson`), devices);
  return path;
}

async function writeProfiles(path: string, devices: number): Promise<void> {
  const out = createWriteStream(path);
  for (let index = 0; index < devices; index += 1) {
    const id = `pump-${String(index).padStart(7, "0")}`;
    const cohort = `site-${index % 20}`;
    const profile = {
      id,
      cohort,
      clientId: id,
      username: id,
      password: "right",
      authorizer: "fleet",
      protocol: "mqtt",
    };
    if (!out.write(`${JSON.stringify(profile)}\n`)) await once(out, "drain");
  }
  out.end();
  await finished(out);
}
