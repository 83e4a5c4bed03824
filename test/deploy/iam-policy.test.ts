import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { importsOf } from "../project/source.ts";

const ROOT = join(import.meta.dirname, "../..");

const list = z.union([z.string(), z.array(z.string()).min(1)]).transform((each) => [each].flat());
const policy = z
  .strictObject({
    Version: z.literal("2012-10-17"),
    Statement: z.array(
      z.strictObject({
        Sid: z.string().regex(/^[A-Za-z0-9]+$/),
        Effect: z.literal("Allow"),
        Action: list,
        Resource: list,
        Condition: z.strictObject({ StringEquals: z.record(z.string(), z.string()) }).optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(ROOT, "deploy/iam-policy.json"), "utf8")));
const actions = policy.Statement.flatMap(({ Action }) => Action);

/** IAM's prefix for the operations of each client the code may use. */
const SERVICES: Readonly<Record<string, string>> = {
  "@aws-sdk/client-iot": "iot",
  "@aws-sdk/client-iot-data-plane": "iot",
  "@aws-sdk/client-service-quotas": "servicequotas",
  "@aws-sdk/client-sts": "sts",
};
/** Answered whatever the caller's policies say (STS API reference). */
const NEEDS_NOTHING = ["sts:GetCallerIdentity"];
/** Actions that IAM grants on `*` alone (service authorization reference, AWS IoT). */
const WITHOUT_RESOURCE = [
  "iot:DescribeEndpoint",
  "iot:DescribeDefaultAuthorizer",
  "iot:ListDomainConfigurations",
  // It lists quotas of a service, which are no resources.
  "servicequotas:ListServiceQuotas",
];
/** The kind of resource each other action is granted on. */
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  "iot:TestInvokeAuthorizer": ["authorizer"],
  "iot:DescribeAuthorizer": ["authorizer"],
  "iot:DescribeDomainConfiguration": ["domainconfiguration"],
  "iot:GetConnection": ["client"],
  "iot:GetThingConnectivityData": ["thing"],
  "iot:CreateJob": ["job", "thing", "thinggroup"],
  "iot:DescribeJob": ["job"],
  "iot:CancelJob": ["job"],
};

/** The actions behind every command that a source imports from the SDK. */
function calledBy(source: string): string[] {
  return importsOf(source).flatMap(({ specifier, names }) => {
    if (specifier?.startsWith("@aws-sdk/") !== true) return [];
    return names
      .filter((name) => name.endsWith("Command"))
      .map((name) => `${SERVICES[specifier] ?? specifier}:${name.slice(0, -"Command".length)}`);
  });
}

function called(): ReadonlySet<string> {
  const folder = join(ROOT, "src/aws");
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  return new Set(files.flatMap((file) => calledBy(readFileSync(join(folder, file), "utf8"))));
}

describe("the IAM policy", () => {
  it("allows what the code can call, each once, and nothing else", () => {
    const needed = [...called()].filter((action) => !NEEDS_NOTHING.includes(action));
    expect(needed.length).toBeGreaterThan(8);
    expect(actions.toSorted()).toEqual(needed.toSorted());
  });

  it("would notice a call that is added, of any client", () => {
    expect(calledBy('import { DeleteThingCommand, IoTClient } from "@aws-sdk/client-iot";')).toEqual([
      "iot:DeleteThing",
    ]);
    expect(calledBy('import { InvokeCommand } from "@aws-sdk/client-lambda";')).toEqual([
      "@aws-sdk/client-lambda:Invoke",
    ]);
  });

  it("names one account's resources of the right kind wherever IAM takes one, else the Region", () => {
    for (const { Action, Resource, Condition } of policy.Statement) {
      for (const action of Action) {
        if (WITHOUT_RESOURCE.includes(action)) {
          expect.soft(Resource, action).toEqual(["*"]);
          expect.soft(Object.keys(Condition?.StringEquals ?? {}), action).toEqual(["aws:RequestedRegion"]);
          continue;
        }
        const kinds = Resource.map((arn) => /^arn:aws:iot:eu-west-1:123456789012:(\w+)\/\*$/.exec(arn)?.[1]);
        expect.soft(kinds, action).toEqual(RESOURCES[action]);
      }
    }
  });

  it("grants no wildcard action, and keeps what writes apart from what reads", () => {
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    const writing = policy.Statement.filter(({ Action }) =>
      Action.some((action) => /:(Create|Cancel)/.test(action)),
    );
    expect(writing.map(({ Sid }) => Sid)).toEqual(["CreateRolloutJobs", "WatchRolloutJobs"]);
  });

  it("is explained statement by statement, and the page's own policy grants the same but for jobs", () => {
    const page = readFileSync(join(ROOT, "docs/aws.md"), "utf8");
    const explained = [...page.matchAll(/^\| `([A-Z]\w+)` \|/gm)].map(([, sid]) => sid);
    expect(explained).toEqual(policy.Statement.map(({ Sid }) => Sid));
    const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "null") as {
      Statement: { Action: string | string[] }[];
    };
    const granted = shown.Statement.flatMap(({ Action }) => Action);
    expect(granted.toSorted()).toEqual(actions.filter((action) => !action.endsWith("Job")).toSorted());
  });
});
