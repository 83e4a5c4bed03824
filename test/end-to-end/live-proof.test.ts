// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer, type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { run } from "../support/program.ts";

interface Topic {
  readonly action: string;
  readonly topic: string;
  readonly expected: string;
  readonly predicted: string;
  readonly gateway: string;
  readonly evidence: string;
}

interface Report {
  readonly decision: string;
  readonly results: readonly {
    readonly device: string;
    readonly derived: string | null;
    readonly verdict: string;
    readonly gateway: string;
    readonly causes: readonly { readonly code: string; readonly evidence: string }[];
    readonly topics: readonly Topic[];
    readonly timings: {
      readonly phases: Readonly<Record<string, number>>;
      readonly discarded?: readonly string[];
    };
  }[];
}

const arn = (resource: string) => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
const allow = (Action: string | readonly string[], ...resources: readonly string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource: resources.map(arn) }],
});

/** A device's own topics and nothing else; the thing's jobs, but not its shadow. */
const OWN = answer({
  policyDocuments: [
    allow("iot:Connect", "client/${iot:ClientId}"),
    allow(
      ["iot:Publish", "iot:Receive"],
      "topic/smoke/${iot:ClientId}",
      "topic/$aws/things/${iot:ClientId}/jobs/*",
    ),
    allow(
      "iot:Subscribe",
      "topicfilter/smoke/${iot:ClientId}",
      "topicfilter/$aws/things/${iot:ClientId}/jobs/*",
    ),
    // The mix-up of row 12: a filter is no topic.
    allow("iot:Subscribe", "topic/mixed/${iot:ClientId}"),
  ],
});

const RIGHT = {
  publish: { allow: ["smoke/{clientId}"], deny: ["smoke/other"] },
  subscribe: { allow: ["smoke/{id}"], deny: ["smoke/#", "smoke/+"] },
  receive: { allow: ["smoke/{id}"], deny: ["smoke/other"] },
};

const device = (index: number, expectation: object, changes: object = {}) =>
  goodDevice(index, { cohort: `c${index}`, expect: expectation, ...changes });

const PROFILES = [
  device(0, { ...RIGHT, preset: "iot-jobs" }),
  device(1, RIGHT),
  device(2, RIGHT, { protocol: "wss" }),
  // Wrong in the one direction, and in the other.
  device(3, { publish: { allow: ["smoke/other"] } }),
  device(4, { subscribe: { deny: ["smoke/{id}"] } }),
  device(5, { subscribe: { allow: ["mixed/{id}"] } }),
  device(6, { preset: "shadow" }),
  device(7, { publish: { allow: ["smoke/{id}"] } }, { identity: "device" }),
  device(8, { publish: { deny: ["smoke/{id}"] } }, { identity: "device" }),
  device(9, { receive: { deny: ["smoke/{id}"] } }),
];

describe.each([
  ["answers", "keep"],
  ["disconnects instead", "disconnect"],
])("a gateway that %s when something is denied", (_what, denied) => {
  let bench: Bench;
  let report: Report;
  let code: number | string;
  let probed: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    const behaviours = {
      deniedPublish5: denied,
      deniedSubscribe5: denied,
      deniedPublish311: "disconnect",
      deniedSubscribe311: denied,
    };
    const passwords = {
      name: "passwords",
      status: "ACTIVE",
      signingDisabled: true,
      handler: { table: [{ when: { username: "/^device-/", password: "right" }, answer: OWN }] },
    };
    const emulator = { behaviours, authorizers: [passwords] };
    bench = await startBench({ profiles: PROFILES, emulator });
    const ended = await run(["run", "--config", bench.configFile, "--report", `json=${bench.folder}/r.json`]);
    code = ended.code;
    report = JSON.parse(await readFile(`${bench.folder}/r.json`, "utf8")) as Report;
    probed = await run(["probe", "--config", bench.configFile, "--device", "device-00003"]);
  }, 120_000);
  afterAll(() => bench?.end());

  const of = (index: number) => {
    const id = `device-${String(index).padStart(5, "0")}`;
    const found = report.results.find((each) => each.device === id && each.derived === null);
    if (!found) throw new Error(`no result of ${id}`);
    return found;
  };
  const judged = (index: number) => {
    const { verdict, causes } = of(index);
    return [verdict, ...causes.map((each) => each.code)];
  };

  it.each([0, 1, 2])("device %i is as its profile expects, topic by topic", (index) => {
    expect(of(index)).toMatchObject({ verdict: "pass", causes: [] });
    const tried = of(index).topics.filter(({ topic }) => !topic.startsWith("$aws/"));
    expect(
      tried.map(({ action, topic, gateway, predicted }) => `${action} ${topic} ${gateway} ${predicted}`),
    ).toEqual([
      `publish smoke/device-0000${index} allowed allow`,
      `subscribe smoke/device-0000${index} allowed allow`,
      `receive smoke/device-0000${index} allowed allow`,
      "publish smoke/other denied deny",
      "subscribe smoke/# denied deny",
      "subscribe smoke/+ denied deny",
      "receive smoke/other denied deny",
    ]);
    // On a busy machine the times may have been discarded, and are named then.
    const { phases, discarded = [] } = of(index).timings;
    expect([...Object.keys(phases), ...discarded]).toEqual(
      discarded.includes("gateway") ? discarded : expect.arrayContaining(["suback", "puback", "roundtrip"]),
    );
  });

  it("a preset is predicted and never tried", () => {
    const reserved = of(0).topics.filter(({ topic }) => topic.startsWith("$aws/"));
    expect(reserved.length).toBeGreaterThan(20);
    expect(new Set(reserved.map(({ gateway }) => gateway))).toEqual(new Set(["not-tried"]));
    expect(judged(6).slice(0, 2)).toEqual(["fail", "POLICY_PUBLISH_DENIED"]);
    expect(of(6).causes[0]?.evidence).toContain("$aws/things/device-00006/shadow/get");
  });

  it("an expectation that is wrong fails, in both directions", () => {
    expect(judged(3)).toEqual(["fail", "POLICY_PUBLISH_DENIED"]);
    expect(of(3).causes[0]?.evidence).toMatch(
      /^publish smoke\/other should be allowed: denied, .*no statement allows it/,
    );
    expect(judged(4)).toEqual(["fail", "POLICY_TOO_OPEN"]);
    expect(of(4).causes[0]?.evidence).toMatch(
      /^subscribe smoke\/device-00004 should be denied: allowed, SUBACK 0; policy: statement 0 of document 2 allows it/,
    );
    expect(judged(9)).toEqual(["fail", "POLICY_TOO_OPEN"]);
  });

  it("topic/ in the place of topicfilter/ is pointed at", () => {
    expect(judged(5)).toEqual(["fail", "POLICY_SUBSCRIBE_DENIED"]);
    expect(of(5).causes[0]?.evidence).toContain("it has to be topicfilter/");
  });

  it("a live device's topics are judged by its policy alone", () => {
    expect(of(7)).toMatchObject({ verdict: "skipped", gateway: "skipped" });
    expect(of(7).topics).toMatchObject([{ gateway: "not-tried", predicted: "allow" }]);
    expect(judged(8)).toEqual(["fail", "POLICY_TOO_OPEN"]);
  });

  it("turns the gate to no-go, and probe says why", () => {
    expect({ decision: report.decision, code }).toEqual({ decision: "no-go", code: 3 });
    expect(probed.code).toBe(3);
    expect(probed.stdout).toContain("POLICY_PUBLISH_DENIED");
    expect(probed.stdout).toContain("smoke/other");
  });
});
