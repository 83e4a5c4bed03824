import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { lastStep, parseDockerfile } from "../project/dockerfile.ts";
import { SECRETS } from "./mounted.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "deploy");

function read(file: string): unknown {
  return parse(readFileSync(join(FOLDER, file), "utf8"));
}

/** The parts of the Compose specification that we use; a key it does not know is a mistake. */
const service = z.strictObject({
  build: z.string().optional(),
  image: z.string(),
  user: z.string().optional(),
  command: z.array(z.string()).optional(),
  read_only: z.literal(true).optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  restart: z.literal("unless-stopped"),
  environment: z.union([z.array(z.string()), z.record(z.string(), z.string())]).optional(),
  volumes: z.array(z.string().regex(/^[^:]+:\/[^:]+(:ro)?$/)),
  // Nothing is published beyond this machine.
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)),
});
const compose = z
  .strictObject({
    name: z.string(),
    services: z.strictObject({ "fleet-smoke": service, prometheus: service, grafana: service }),
    volumes: z.record(z.string(), z.strictObject({})),
  })
  .parse(read("compose.yaml"));
const { "fleet-smoke": daemon, prometheus, grafana } = compose.services;

/** Where something of `deploy/` is mounted, by its path in there; named volumes by their name. */
function mounts({ volumes }: z.infer<typeof service>): ReadonlyMap<string, string> {
  return new Map(
    volumes.map((each) => {
      const [source = "", target = ""] = each.split(":");
      return [posix.normalize(source), target];
    }),
  );
}

/** Where a file of `deploy/` is in the container; null: it is not mounted. */
function inside(where: z.infer<typeof service>, file: string): string | null {
  for (const [source, target] of mounts(where)) {
    if (file === source) return target;
    if (file.startsWith(`${source}/`)) return posix.join(target, file.slice(source.length + 1));
  }
  return null;
}

const image = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8")).at(-1);
if (image === undefined) throw new Error("no stage");

describe("the compose file", () => {
  it("mounts what is there, and volumes that it names", () => {
    const sources = Object.values(compose.services).flatMap((each) => [...mounts(each).keys()]);
    expect(sources.length).toBeGreaterThan(6);
    const missing = sources.filter((each) => !existsSync(join(FOLDER, each)) && !(each in compose.volumes));
    // The operator's own, which git is told to leave out.
    expect(missing).toEqual(["secrets"]);
    expect(readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n")).toContain("deploy/secrets/");
    for (const each of Object.keys(compose.volumes)) expect(sources).toContain(each);
  });

  it("runs the daemon as the image means it", () => {
    const { uid, gid } = lastStep(image, "user");
    expect(daemon.user).toBe(`${uid}:${gid}`);
    expect(inside(daemon, "kubernetes/config/fleet-smoke.yaml")).toBe(lastStep(image, "cmd").words.at(-1));
    expect([mounts(daemon).get("data")]).toEqual(lastStep(image, "volume").words);
    expect(mounts(daemon).get("secrets")).toBe(SECRETS);
    expect(daemon).toMatchObject({ read_only: true, tmpfs: ["/tmp"] });
    expect(Number.parseInt(daemon.stop_grace_period ?? "", 10)).toBeGreaterThan(10);
    expect(existsSync(join(FOLDER, daemon.build ?? "", "Dockerfile"))).toBe(true);
    expect(daemon.environment, "names only: values come from the shell").not.toContainEqual(
      expect.stringContaining("="),
    );
  });

  it("has Prometheus scrape it, under a name that the daemon answers to", () => {
    const { scrape_configs, rule_files } = z
      .looseObject({
        rule_files: z.array(z.string()),
        scrape_configs: z.array(
          z.looseObject({ static_configs: z.array(z.strictObject({ targets: z.array(z.string()) })) }),
        ),
      })
      .parse(read("prometheus/prometheus.yaml"));
    const targets = scrape_configs.flatMap((each) => each.static_configs.flatMap((one) => one.targets));
    const port = lastStep(image, "expose").value;
    expect(targets).toEqual([`fleet-smoke:${port}`]);
    expect(daemon.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(prometheus.command).toContain(`--config.file=${inside(prometheus, "prometheus/prometheus.yaml")}`);
    for (const file of rule_files) expect(existsSync(join(FOLDER, "prometheus", file)), file).toBe(true);
    expect(prometheus.command).toContain(`--storage.tsdb.path=${mounts(prometheus).get("prometheus-data")}`);
  });

  it("has Grafana ask that Prometheus and find the dashboard", () => {
    const { datasources } = z
      .looseObject({ datasources: z.array(z.looseObject({ type: z.string(), url: z.string() })) })
      .parse(read("grafana/provisioning/datasources/prometheus.yaml"));
    expect(datasources).toMatchObject([
      { type: "prometheus", url: "http://prometheus:9090", isDefault: true },
    ]);
    const { providers } = z
      .looseObject({ providers: z.array(z.looseObject({ options: z.strictObject({ path: z.string() }) })) })
      .parse(read("grafana/provisioning/dashboards/fleet-smoke.yaml"));
    const dashboard = inside(grafana, "grafana/fleet-smoke.json") ?? "";
    expect(providers.map(({ options }) => options.path)).toEqual([posix.dirname(dashboard)]);
  });

  it("names a release of each image that it does not build", () => {
    for (const each of [prometheus, grafana]) expect(each.image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });
});
