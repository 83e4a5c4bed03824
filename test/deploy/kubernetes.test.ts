import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import type { z } from "zod";
import { JOB } from "../../deploy/prometheus/rules.ts";
import { lastStep, parseDockerfile } from "../project/dockerfile.ts";
import { run } from "../support/program.ts";
import { mountConfig, SECRETS } from "./mounted.ts";
import {
  claim,
  deployment,
  kustomization,
  manifest,
  networkPolicy,
  service,
  serviceMonitor,
} from "./shapes.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "deploy/kubernetes");

function read<S extends z.ZodType>(file: string, shape: S): z.infer<S> {
  return shape.parse(parse(readFileSync(join(FOLDER, file), "utf8")));
}

const root = read("kustomization.yaml", kustomization);
const deployed = read("deployment.yaml", deployment);
const served = read("service.yaml", service);
const monitored = read("servicemonitor.yaml", serviceMonitor);
const fenced = read("networkpolicy.yaml", networkPolicy);
const { template } = deployed.spec;
const [container] = template.spec.containers;

const image = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8")).at(-1);
if (image === undefined) throw new Error("no stage");

interface Config {
  readonly http: {
    readonly listen: string;
    readonly allowedHosts: string[];
    readonly tokens: { tokenFile: string }[];
  };
  readonly store: { readonly path: string };
}
const config = parse(readFileSync(join(FOLDER, "config/fleet-smoke.yaml"), "utf8")) as Config;

describe("the kustomize base", () => {
  it("names every manifest, and every manifest is of the form that the API takes", () => {
    const files = readdirSync(FOLDER).filter(
      (file) => file.endsWith(".yaml") && file !== "kustomization.yaml",
    );
    expect(root.resources.toSorted()).toEqual(files.toSorted());
    const kinds = files.map((file) => read(file, manifest).kind);
    expect(new Set(kinds).size).toBe(files.length);
    expect(files.length).toBeGreaterThan(7);
  });

  it("finds a key that is misspelt or in the wrong place", () => {
    const wrong = { ...deployed, spec: { ...deployed.spec, terminationGracePeriodSeconds: 30 } };
    expect(deployment.safeParse(wrong).success).toBe(false);
    expect(service.safeParse({ ...served, spec: { ...served.spec, port: 1 } }).success).toBe(false);
  });

  it("gives the pods to the selectors that mean them", () => {
    const pod = template.metadata.labels;
    expect(pod).toMatchObject(deployed.spec.selector.matchLabels);
    expect(pod).toMatchObject(served.spec.selector);
    expect(pod).toMatchObject(fenced.spec.podSelector.matchLabels);
    expect(served.metadata.labels).toMatchObject(monitored.spec.selector.matchLabels);
    expect(template.spec.serviceAccountName).toBe("fleet-smoke");
  });

  it("leads from each port to the next, down to where the configuration listens", () => {
    const [port] = container.ports;
    expect(config.http.listen).toBe(`0.0.0.0:${port?.containerPort}`);
    expect(lastStep(image, "expose").value).toBe(String(port?.containerPort));
    const [published] = served.spec.ports;
    expect(published?.targetPort).toBe(port?.name);
    expect(monitored.spec.endpoints[0].port).toBe(published?.name);
    expect(fenced.spec.ingress.flatMap(({ ports }) => ports.map((each) => each.port))).toEqual([
      port?.containerPort,
    ]);
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(probe.httpGet.port).toBe(port?.name);
    }
    const { name } = served.metadata;
    expect(config.http.allowedHosts).toEqual(expect.arrayContaining([name, `${name}.${root.namespace}.svc`]));
  });

  it("asks of the probes what the daemon answers", () => {
    expect(container.livenessProbe.httpGet.path).toBe("/-/healthy");
    expect(container.startupProbe.httpGet.path).toBe("/-/healthy");
    expect(container.readinessProbe.httpGet.path).toBe("/-/ready");
  });

  it("lets the daemon out where it has to go, and no further", () => {
    const ports = fenced.spec.egress.flatMap((rule) =>
      rule.ports.map(({ port, protocol }) => `${port}/${protocol}`),
    );
    expect(ports).toEqual(["53/UDP", "53/TCP", "443/TCP", "8883/TCP"]);
  });

  it("mounts each volume once, and where configuration and image look for it", () => {
    const mounts = new Map(container.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
    expect([...mounts.keys()].toSorted()).toEqual(template.spec.volumes.map(({ name }) => name).toSorted());
    expect(lastStep(image, "cmd").words.at(-1)).toBe(`${mounts.get("config")}/fleet-smoke.yaml`);
    expect(lastStep(image, "volume").words).toEqual([mounts.get("data")]);
    expect(config.store.path.startsWith(`${mounts.get("data")}/`)).toBe(true);
    expect(mounts.get("secrets")).toBe(SECRETS);
    expect(mounts.get("tmp")).toBe("/tmp");
    for (const { tokenFile } of config.http.tokens) expect(tokenFile.startsWith(`${SECRETS}/`)).toBe(true);
    for (const { name, readOnly = false } of container.volumeMounts) {
      expect(readOnly, name).toBe(name === "config" || name === "secrets");
    }
  });

  it("names the ConfigMap that it makes and the claim that it brings", () => {
    const [made] = root.configMapGenerator;
    expect(template.spec.volumes).toContainEqual({ name: "config", configMap: { name: made?.name } });
    const files = readdirSync(join(FOLDER, "config")).map((file) => `config/${file}`);
    expect(made?.files.toSorted()).toEqual(files.toSorted());
    const { metadata } = read("persistentvolumeclaim.yaml", claim);
    expect(template.spec.volumes).toContainEqual({
      name: "data",
      persistentVolumeClaim: { claimName: metadata.name },
    });
  });

  it("runs the image as its user, at this release", () => {
    const { uid, gid } = lastStep(image, "user");
    expect(template.spec.securityContext).toMatchObject({ runAsUser: uid, runAsGroup: gid });
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(root.images).toMatchObject([{ name: container.image, newTag: version }]);
  });

  it("gives the daemon more time to end than it takes", () => {
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(10);
  });

  it("is scraped under the job that the alerts select, as one instance across restarts", () => {
    expect(served.metadata.labels?.[monitored.spec.jobLabel]).toBe(JOB);
    const { relabelings } = monitored.spec.endpoints[0];
    expect(relabelings.map(({ targetLabel, action }) => targetLabel ?? action)).toEqual([
      "instance",
      "labeldrop",
    ]);
  });

  it("brings a configuration that lint has nothing against, mounted as the kubelet mounts it", async () => {
    const mounted = await mountConfig();
    onTestFinished(mounted.remove);
    const { code, stdout, stderr } = await run([
      "lint",
      "--config",
      join(mounted.config, "fleet-smoke.yaml"),
    ]);
    expect({ code, said: stdout + stderr }).toMatchObject({
      code: 0,
      said: expect.stringContaining("3 profiles"),
    });
  });
});
