import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { parseFlaggerRequest, parseGateRequest } from "../../src/http/gate-request.ts";
import { gateAnswer } from "../../src/http/schemas/gate.ts";
import { CATALOG, type MetricName, PREFIX } from "../../src/metrics/catalog.ts";
import { RECIPE } from "../consumers/argo.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, run, start } from "../support/program.ts";
import { block, blocks, header, Shell, usedOptions, yaml } from "./recipes.ts";

const FIELDS = Object.keys(gateAnswer.shape);
const TOKEN = "trigger-token-4711";

let bench: Bench;
let daemon: Program;
let shell: Shell;
let routes: Readonly<Record<string, object>>;
let url: string;
beforeAll(async () => {
  const profiles = Array.from({ length: 4 }, (_, index) => goodDevice(index));
  const tokens = [{ name: "ci", tokenFile: "ci.token", scopes: ["trigger"] }];
  bench = await startBench({
    profiles,
    config: {
      suites: [{ name: "pre-rollout", derived: { perCohort: 0 } }],
      http: { listen: "127.0.0.1:0", tokens },
    },
  });
  await writeFile(join(bench.folder, "ci.token"), `${TOKEN}\n`);
  daemon = start(["daemon", "--config", bench.configFile]);
  [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  shell = await Shell.open(bench.folder, {
    FLEET_SMOKE_URL: url,
    FLEET_SMOKE_TOKEN_FILE: "ci.token",
    FLEET_SMOKE_TOKEN: TOKEN,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL_IOT: bench.api,
    AWS_EC2_METADATA_DISABLED: "true",
  });
  const openApi = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } });
  routes = ((await openApi.json()) as { paths: typeof routes }).paths;
});
afterAll(async () => {
  daemon?.process.kill("SIGKILL");
  await daemon?.ended;
  await bench?.end();
});
beforeEach(() => devices("right"));

/** Lets the devices in, or none of them. */
async function devices(password: "right" | "wrong"): Promise<void> {
  const file = join(bench.folder, "fleet.ndjson");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replaceAll(/"password":"\w+"/g, `"password":"${password}"`));
}

/** A route of the API, by an address in a recipe. */
function routeOf(address: string): object | undefined {
  const path = new URL(address).pathname.replace("/gate/pre-rollout", "/gate/{suite}");
  return routes[path];
}

describe("options in recipes", () => {
  it("are those of the commands", async () => {
    const scripts = ["shell.md", "github-actions.md", "aws-iot-jobs.md"].flatMap((page) =>
      ["sh", "yaml"].flatMap((language) => blocks(`integrations/${page}`, language)),
    );
    const job =
      blocks("integrations/argo-rollouts.md", "yaml")
        .join("\n")
        .match(/^ +- (gate|--.*)$/gm) ?? [];
    const used = usedOptions(
      [...scripts, `fleet-smoke ${job.join(" ").replaceAll(/ +- /g, " ").trim()}`].join("\n"),
    );
    expect(used.map(({ command }) => command)).toEqual(["gate", "gate", "gate", "watch", "gate"]);
    const [gate, watch] = await Promise.all([run(["gate", "--help"]), run(["watch", "--help"])]);
    for (const { command, options } of used) {
      const { stdout } = command === "gate" ? gate : watch;
      expect(options.length).toBeGreaterThan(2);
      for (const option of options) expect(stdout, command).toContain(option);
    }
  });
});

describe("the shell recipe", () => {
  it("exits as the gate does and says why", async () => {
    const [script = ""] = blocks("integrations/shell.md", "sh");
    const go = await shell.run(script);
    expect(go).toMatchObject({ code: 0, stdout: expect.stringContaining("the devices get in: roll out") });
    await devices("wrong");
    const noGo = await shell.run(script);
    expect(noGo).toMatchObject({ code: 3, stderr: expect.stringContaining("no-go: devices are kept out") });
    const nobody = await shell.run(script, { FLEET_SMOKE_URL: "http://127.0.0.1:1" });
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("could not be asked (exit code 1)"),
    });
  });

  it("with curl and jq passes on nothing but a go of AWS", async () => {
    const [, script = ""] = blocks("integrations/shell.md", "sh");
    const emulated = await shell.run(script);
    expect(emulated).toMatchObject({ code: 1, stdout: expect.stringMatching(/^go: .* \(run \S+\)$/m) });
    const realms = await Promise.all(
      ["emulator", "custom"].map((realm) =>
        shell.run(script.replace('.realm == "aws"', `.realm == "${realm}"`)),
      ),
    );
    expect(realms.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect((await shell.run(script, { FLEET_SMOKE_TOKEN_FILE: "signed.pub.pem" })).code).not.toBe(0);
    await devices("wrong");
    expect(await shell.run(script)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^no-go: /m) });
  });
});

describe("the GitHub Actions recipe", () => {
  const step = z.looseObject({
    id: z.string().optional(),
    if: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
    run: z.string(),
  });
  const workflow = z.looseObject({ jobs: z.record(z.string(), z.looseObject({ steps: z.array(step) })) });

  it("runs, and every output it uses is one", async () => {
    const { jobs } = yaml(block("integrations/github-actions.md", "yaml"), workflow);
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    const gate = steps.find(({ id }) => id === "gate");
    const [output, summary] = ["output", "summary"].map((name) => join(bench.folder, name));
    const github = {
      GITHUB_ACTIONS: "true",
      GITHUB_OUTPUT: output ?? "",
      GITHUB_STEP_SUMMARY: summary ?? "",
      RUNNER_TEMP: bench.folder,
    };
    await devices("wrong");
    expect(await shell.run(gate?.run ?? "", github)).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/^::error title=/m),
    });
    expect(await readFile(summary ?? "", "utf8")).toContain("no-go");
    const outputs = (await readFile(output ?? "", "utf8")).matchAll(/^([a-z-]+)=/gm);
    const known = [...outputs].map(([, name]) => name);
    const text = JSON.stringify(steps);
    const used = [...text.matchAll(/steps\.gate\.outputs\.([a-z-]+)/g)].map(([, name]) => name);
    expect(used).toEqual(["decision", "decision", "reason", "run-id"]);
    for (const name of used) expect(known).toContain(name);
    // Nothing that an answer holds becomes part of a script.
    for (const { run: script } of steps) expect(script).not.toContain("${{");
  });
});

describe("the Argo Rollouts recipe", () => {
  const web = z.object({
    method: z.literal("POST"),
    url: z.url(),
    timeoutSeconds: z.int(),
    headers: z.array(header),
    jsonBody: z.record(z.string(), z.string()),
    jsonPath: z.literal("{$.data}"),
  });
  const metric = z.looseObject({
    count: z.int(),
    consecutiveSuccessLimit: z.int(),
    failureLimit: z.int(),
    inconclusiveLimit: z.int(),
    consecutiveErrorLimit: z.int(),
    successCondition: z.string(),
    failureCondition: z.string(),
    provider: z.object({ web }),
  });
  const template = <T extends z.ZodType>(metrics: T) =>
    z.looseObject({
      apiVersion: z.literal("argoproj.io/v1alpha1"),
      kind: z.literal("AnalysisTemplate"),
      spec: z.looseObject({ metrics: z.tuple([metrics]) }),
    });

  it("asks a route with what it takes, and reads fields that are there", () => {
    const [text = ""] = blocks("integrations/argo-rollouts.md", "yaml");
    const [{ provider, ...limits }] = yaml(text, template(metric)).spec.metrics;
    expect(routeOf(provider.web.url)).toHaveProperty("post");
    expect(parseGateRequest(provider.web.jsonBody, null).kind).toBe("valid");
    expect(provider.web.headers.map(({ key }) => key)).toEqual(["Authorization", "Content-Type"]);
    // The traps: an analysis that runs out of measurements, or that one bad measurement ends.
    expect(limits).toMatchObject({
      consecutiveSuccessLimit: RECIPE.consecutiveSuccessLimit,
      failureLimit: RECIPE.failureLimit,
      inconclusiveLimit: limits.count,
    });
    const conditions = [limits.successCondition, limits.failureCondition];
    for (const [, field = ""] of conditions.join(" ").matchAll(/result\.(\w+)/g))
      expect(FIELDS).toContain(field);
    expect(phases(conditions, "go", "aws")).toEqual([true, false]);
    expect(phases(conditions, "go", "emulator")).toEqual([false, false]);
    expect(phases(conditions, "no-go", "aws")).toEqual([false, true]);
    for (const decision of ["running", "inconclusive"]) {
      expect(phases(conditions, decision, "aws")).toEqual([false, false]);
    }
  });

  it("fails a Job on what waiting does not mend, and repeats the rest", () => {
    const container = z.looseObject({ name: z.string(), args: z.array(z.string()) });
    const pod = z.looseObject({ restartPolicy: z.literal("Never"), containers: z.tuple([container]) });
    const rule = z.object({
      action: z.literal("FailJob"),
      onExitCodes: z.object({
        containerName: z.string(),
        operator: z.literal("In"),
        values: z.array(z.int()),
      }),
    });
    const job = z.looseObject({
      provider: z.object({
        job: z.object({
          spec: z.looseObject({
            backoffLimit: z.int().min(1),
            podFailurePolicy: z.object({ rules: z.tuple([rule]) }),
            template: z.object({ spec: pod }),
          }),
        }),
      }),
    });
    const [, text = ""] = blocks("integrations/argo-rollouts.md", "yaml");
    const [{ provider }] = yaml(text, template(job)).spec.metrics;
    const { podFailurePolicy, template: made } = provider.job.spec;
    const [{ onExitCodes }] = podFailurePolicy.rules;
    expect(onExitCodes.values).toEqual([2, 3, 5]);
    expect(made.spec.containers[0].name).toBe(onExitCodes.containerName);
    expect(made.spec.containers[0].args[0]).toBe("gate");
  });

  /** Both conditions, in the subset of their language that is JavaScript too. */
  function phases(conditions: readonly string[], decision: string, realm: string): unknown[] {
    return conditions.map((condition) => new Function("result", `return ${condition}`)({ decision, realm }));
  }
});

describe("the Flagger recipe", () => {
  const webhook = z.object({
    name: z.string(),
    type: z.enum(["confirm-rollout", "rollout", "rollback"]),
    url: z.url(),
    timeout: z.literal("15s"),
    metadata: z.record(z.string(), z.string()),
  });
  const canary = z.looseObject({
    apiVersion: z.literal("flagger.app/v1beta1"),
    spec: z.looseObject({ analysis: z.looseObject({ webhooks: z.array(webhook) }) }),
  });

  it("calls routes that are there with what they take", async () => {
    const { webhooks } = yaml(block("integrations/flagger.md", "yaml"), canary).spec.analysis;
    expect(webhooks.map(({ type }) => type)).toEqual(["confirm-rollout", "rollout", "rollback"]);
    for (const { type, url: address, metadata } of webhooks) {
      expect(routeOf(address)).toHaveProperty("post");
      expect(address.endsWith("/rollback")).toBe(type === "rollback");
      const body = { name: "ingest", namespace: "iot", phase: "Progressing", checksum: "c", metadata };
      expect(parseFlaggerRequest(body, "pre-rollout").kind).toBe("valid");
      const real = { ...body, metadata: { ...metadata, token: TOKEN } };
      const answer = await fetch(url + new URL(address).pathname, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(real),
      });
      // The emulator's go is none of AWS, and nothing is to be rolled back.
      expect({ type, status: answer.status }).toEqual({ type, status: 412 });
    }
  });
});

describe("the AWS IoT Jobs recipe", () => {
  it("creates the job on go, and cancels it on no-go", async () => {
    const [create = "", watch = ""] = blocks("integrations/aws-iot-jobs.md", "sh");
    const job = JSON.parse(block("integrations/aws-iot-jobs.md", "json")) as { readonly jobId: string };
    await writeFile(join(bench.folder, "job.json"), JSON.stringify(job));
    expect(await shell.run(create)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`created job ${job.jobId}`),
    });
    expect(watch).toContain(`--job-id ${job.jobId} `);
    await devices("wrong");
    expect(await shell.run(watch)).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(`job ${job.jobId} cancelled: fleet-smoke no-go`),
    });
    expect(await shell.run(watch)).toMatchObject({ code: 0, stdout: expect.stringContaining("CANCELED") });
    // No job without a go.
    await writeFile(join(bench.folder, "job.json"), JSON.stringify({ ...job, jobId: "another" }));
    const refused = await shell.run(create);
    expect(refused.code).toBe(3);
    expect(refused.stdout).not.toContain("created job");
  });
});

describe("the Prometheus recipe", () => {
  const configuration = z.strictObject({
    rule_files: z.array(z.string()),
    scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
  });

  it("asks for metrics and labels that there are", () => {
    const query = block("integrations/prometheus.md", "promql");
    const names = query.match(/fleet_smoke_\w+/g) ?? [];
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect(exported()).toContain(name);
    for (const [, name = "", labels = ""] of query.matchAll(/(fleet_smoke_\w+)\{([^}]*)\}/g)) {
      const spec = CATALOG[name.slice(PREFIX.length) as MetricName];
      for (const [, label = ""] of labels.matchAll(/(\w+)(?:=|!=|=~)/g)) expect(spec.labels).toContain(label);
    }
  });

  it("takes the shipped rules, names every alert of theirs, and the job that they select", async () => {
    const page = await readFile(new URL("../../docs/integrations/prometheus.md", import.meta.url), "utf8");
    const shipped = join(import.meta.dirname, "../../deploy/prometheus");
    const { rule_files, scrape_configs } = yaml(block("integrations/prometheus.md", "yaml"), configuration);
    const rules = await Promise.all(rule_files.map((file) => readFile(join(shipped, file), "utf8")));
    const alerts = rules.flatMap((text) => [...text.matchAll(/alert: (\w+)/g)].map(([, name]) => name));
    const named = [...page.matchAll(/`(FleetSmoke\w+)`/g)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(alerts.toSorted());
    expect(alerts.length).toBeGreaterThan(10);
    expect(rules.join()).toContain(`up{job="${scrape_configs[0]?.job_name}"}`);
    expect(rules.join()).toContain(/suite:\w+:bool/.exec(page)?.[0]);
  });

  function exported(): string[] {
    return Object.keys(CATALOG).map((name) => PREFIX + name);
  }
});

it("a mistake in a recipe is a mistake in the program's eyes", async () => {
  expect((await run(["gate", "--no-such-option"])).code).toBe(2);
  expect(routeOf("http://x/api/v1/gate/pre-rollout/verdict")).toBeUndefined();
});
