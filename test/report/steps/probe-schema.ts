import { z } from "zod";
import type { ProbeReport } from "../../../src/cli/probe-device.ts";
import { TOPIC_ACTIONS } from "../../../src/model/proof.ts";
import { VERDICTS } from "../../../src/model/result.ts";
import { VARIATIONS } from "../../../src/model/second-wave.ts";
import { resultSchema } from "../report-schema.ts";

const seconds = z.number().nonnegative();
const count = z.int().nonnegative();
const text = z.string();
const access = z.enum(["allow", "deny"]);
const hidden = z
  .strictObject({ bytes: count, looks: z.array(text).describe("Its kind, then what is odd about it") })
  .meta({ id: "hidden", description: "What is shown of a credential" });
const parameter = z
  .strictObject({
    name: text.describe("`<secret>`: not shown; empty: there is none"),
    shown: text.nullable(),
    value: hidden.nullable().describe("null: shown"),
  })
  .meta({ id: "parameter" });
const bounded = z
  .strictObject({
    text: text.describe("Indented JSON, credentials masked"),
    characters: count.describe("Of the whole, without white space"),
    isCut: z.boolean(),
  })
  .meta({ id: "boundedJson", description: "JSON of an authorizer" });
const prediction = {
  decision: z.enum(["allow", "deny", "unknown"]),
  by: z.enum(["explicit-deny", "implicit-deny", "allow"]).nullable(),
  document: count.nullable().describe("Counted from 0"),
  statement: count.nullable().describe("Counted from 0"),
  undecided: text.nullable(),
};

const target = z.strictObject({
  name: text,
  region: text,
  accountId: text,
  endpoint: text.describe("Empty: not known"),
  port: count,
  address: text.nullable().describe("Dialled instead of the endpoint"),
  realm: z.enum(["aws", "custom"]),
});

const sent = z.strictObject({
  tls: z.strictObject({
    serverName: text.nullable().describe("null: no SNI"),
    alpn: z.array(text),
    minVersion: text,
    maxVersion: text,
    groups: text,
    clientCertificate: z.strictObject({ validFrom: text.nullable(), validTo: text.nullable() }).nullable(),
  }),
  connect: z
    .strictObject({
      mqttVersion: z.union([z.literal(4), z.literal(5)]),
      clientId: text,
      username: hidden
        .extend({
          login: hidden.nullable().describe("Before the question mark; null: there is none"),
          parameters: z.array(parameter),
        })
        .nullable(),
      password: hidden.nullable(),
      cleanSession: z.boolean(),
      sessionExpirySeconds: count,
      keepAliveSeconds: count,
      will: z.strictObject({ topic: text, qos: count, bytes: count }).nullable(),
    })
    .nullable()
    .describe("The CONNECT packet; null for https"),
  http: z
    .strictObject({
      method: z.enum(["GET", "POST"]),
      path: text,
      query: z.array(parameter),
      headers: z.array(parameter),
    })
    .nullable()
    .describe("The upgrade or the publish; null for mqtt"),
});

function checked<T extends z.ZodType>(value: T) {
  return z.union([
    z.strictObject({ kind: z.literal("known"), value }),
    z.strictObject({ kind: z.literal("not-checked"), reason: text }),
  ]);
}

const preflight = z.strictObject({
  authorizer: checked(
    z
      .strictObject({
        name: text,
        active: z.boolean(),
        signing: z.boolean(),
        tokenKeyName: text.nullable(),
        publicKeys: z.array(text).describe("Their names"),
      })
      .nullable(),
  ).describe("null: no authorizer of this name"),
  domain: checked(
    z
      .strictObject({
        name: text,
        domainName: text.nullable(),
        enabled: z.boolean(),
        defaultAuthorizer: text.nullable(),
        allowAuthorizerOverride: z.boolean(),
        authenticationType: text,
        applicationProtocol: text,
        invalidCertificates: z.array(text),
      })
      .nullable(),
  ).describe("null: no domain configuration of this endpoint"),
  accountEndpoint: checked(text),
  clockSkewSeconds: checked(z.number()).describe("AWS's clock less ours"),
});

const request = z.strictObject({
  authorizer: z
    .union([
      z.strictObject({
        kind: z.literal("known"),
        name: text,
        from: z.enum(["device", "domain", "account"]).describe("Who names it"),
      }),
      z.strictObject({ kind: z.enum(["none", "unknown"]), reason: text }),
    ])
    .nullable(),
  fields: z
    .array(z.strictObject({ name: text, value: text.nullable(), hidden: hidden.nullable() }))
    .describe("One of value and hidden is null"),
});

const answer = z.strictObject({
  word: z.enum(["allowed", "denied", "errored", "skipped"]),
  durationSeconds: seconds.nullable(),
  requestId: text.nullable(),
  answer: z
    .strictObject({
      isAuthenticated: z.boolean(),
      principalId: text.nullable(),
      refreshAfterSeconds: z.number().nullable(),
      disconnectAfterSeconds: z.number().nullable(),
      policyDocuments: z.array(bounded),
      more: count.describe("Documents that are left out"),
    })
    .nullable(),
  error: z.strictObject({ why: text, cause: text, code: text, message: text }).nullable(),
  notAsked: text.nullable().describe("Why the API was not asked"),
});

const gateway = z
  .strictObject({
    kind: z.enum(["accepted", "refused", "unreachable", "broken", "skipped"]),
    how: z.enum(["code", "status", "closed"]).nullable(),
    code: z.number().nullable(),
    cause: text.nullable(),
    reason: text.nullable(),
    sessionPresent: z.boolean().nullable(),
    connection: z
      .strictObject({
        startedAt: z.iso.datetime(),
        address: text.nullable(),
        tls: z.strictObject({ version: text, cipher: text, alpn: text.nullable() }).nullable(),
        certificateExpiresAt: text.nullable(),
        phases: z.array(z.strictObject({ phase: text, seconds })).describe("Consecutive"),
        durationSeconds: seconds,
        delaySeconds: seconds.nullable(),
        packets: z.array(text).describe("`>` sent, `<` received, in their order"),
      })
      .nullable()
      .describe("null: nothing was connected"),
  })
  .meta({ id: "gateway" });

const guard = z.strictObject({
  identity: z.enum(["dedicated", "device"]),
  record: z
    .strictObject({
      state: z.enum(["connected", "offline", "unknown"]),
      via: text.nullable(),
      evidence: text,
      connected: z.boolean(),
      sessionPresent: z.boolean().nullable(),
    })
    .nullable(),
  remarks: z.array(text),
});

const topic = z.strictObject({
  action: z.enum(TOPIC_ACTIONS),
  topic: text,
  filter: text.nullable().describe("Subscribed to, where that is not the topic itself"),
  expected: access,
  predicted: z.strictObject(prediction),
  decidingStatement: bounded.nullable(),
  gateway: z.enum(["allowed", "denied", "unanswered", "not-tried"]),
  evidence: text,
});

const verdict = z.strictObject({
  kind: z.enum(VERDICTS),
  expectation: access,
  causes: z
    .array(resultSchema.shape.causes.element.extend({ meaning: text }))
    .describe("The first one leads"),
  advice: text.nullable().describe("What one device alone cannot show, and how to find out"),
});

const steps = z
  .strictObject({
    target,
    sent: sent.nullable(),
    preflight,
    request: request.nullable().describe("What TestInvokeAuthorizer is asked"),
    answer,
    policy: z
      .strictObject({
        ...prediction,
        asked: z.array(text),
        decidingStatement: bounded.nullable(),
        nearest: z
          .array(bounded.extend({ document: count, statement: count }).describe("Counted from 0"))
          .describe("Where no statement allows it: those that allow the action on something else"),
        lesser: z
          .strictObject({
            willAndSession: prediction.decision.nullable(),
            conditions: prediction.decision.nullable(),
          })
          .describe(
            "As a clean session without a will; with conditions of Allow met, of Deny not. null: not asked",
          ),
      })
      .nullable(),
    guard,
    gateway,
    topics: z.array(topic),
    secondAttempts: z.array(z.strictObject({ variation: z.enum(VARIATIONS), gateway })),
    metrics: z.array(
      z.strictObject({ name: text, labels: z.record(z.string(), z.string()), value: z.number() }),
    ),
    verdict,
  })
  .describe("null: the check did not come that far");

/** What docs/probe.schema.json describes. */
export const probeSchema = z
  .strictObject({
    device: text,
    verdict: z.enum(VERDICTS).describe("The worst of its results"),
    results: z.array(resultSchema.extend({ steps })).describe("One for each protocol of the profile"),
  })
  .meta({
    title: "fleet-smoke probe",
    description:
      "Written by `fleet-smoke probe --json`, and by `GET /probe` with debug=true. Later versions may add fields.",
  }) satisfies z.ZodType<ProbeReport>;

/** JSON Schema, draft 2020-12. Readers must bear fields that later versions add, so it does not forbid any. */
export function probeJsonSchema(): unknown {
  return z.toJSONSchema(probeSchema, {
    target: "draft-2020-12",
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties;
    },
  });
}
