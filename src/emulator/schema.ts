import { z } from "zod";
import type { Json } from "../model/invocation.ts";
import { type Behaviours, SWITCHES } from "./behaviours.ts";
import { faultSettings, milliseconds, pattern } from "./fault-schema.ts";
import { OPERATION_NAMES } from "./operation-names.ts";

/** The emulator's configuration file (design 6.6). Unknown keys are errors. */

const DEFAULT_LIMIT = 10;
const DEFAULT_BYTES_PER_SECOND = 512 * 1024;
/** Above this a limit is as good as none. */
const MAX_RATE = 1_000_000;

const name = z.string().regex(/^[\w=,@-]{1,128}$/, "expected 1 to 128 of A-Z a-z 0-9 _ = , @ -");
const json: z.ZodType<Json> = z.json();
const rate = z.number().positive().max(MAX_RATE);

const ADDRESS = 'expected "host:port"; port 0 takes a free one';
const address = z.string(ADDRESS).refine((text) => {
  const match = /^(?:\[[0-9a-fA-F:]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(text);
  return match !== null && Number(match[1]) <= 65_535;
}, ADDRESS);

const WHEN_KEYS = ["username", "wireUsername", "password", "clientId", "token", "queryString", "serverName"];
const when = z
  .record(z.string(), pattern)
  .refine(
    (conditions) =>
      Object.keys(conditions).every((key) => WHEN_KEYS.includes(key) || /^headers\.[^\s:]+$/.test(key)),
    `expected only ${WHEN_KEYS.join(", ")} and headers.NAME`,
  );

const row = z
  .strictObject({
    when: when.default({}),
    answer: z.record(z.string(), json).optional(),
    /** `{}` counts as not given. */
    gatewayAnswer: z.record(z.string(), json).optional(),
    error: z.string().min(1).optional(),
    delayMs: milliseconds.default(0),
  })
  .refine(
    ({ answer, error }) => (answer === undefined) !== (error === undefined),
    "expected either `answer` or `error`",
  );

const handler = z
  .strictObject({
    table: z.array(row).max(10_000).optional(),
    module: z.string().min(1).optional(),
    url: z.url({ protocol: /^https?$/ }).optional(),
  })
  .refine(
    (kinds) => Object.values(kinds).filter((kind) => kind !== undefined).length === 1,
    "expected exactly one of `table`, `module` and `url`",
  );

const authorizer = z
  .strictObject({
    name,
    status: z.enum(["ACTIVE", "INACTIVE"]).default("ACTIVE"),
    tokenKeyName: z
      .string()
      .regex(/^[a-zA-Z0-9_-]{1,128}$/, "expected 1 to 128 of A-Z a-z 0-9 _ -")
      .optional(),
    publicKeyFiles: z.record(z.string().regex(/^[a-zA-Z0-9:_-]{1,128}$/), z.string().min(1)).optional(),
    signingDisabled: z.boolean().optional(),
    functionArn: z.string().min(1).max(2048).optional(),
    enableCachingForHttp: z.boolean().default(false),
    /** May IoT invoke the function? `missing` plays the forgotten resource policy. */
    invokePermission: z.enum(["granted", "missing"]).default("granted"),
    handler,
  })
  .refine(
    ({ publicKeyFiles, signingDisabled }) => (publicKeyFiles === undefined) === (signingDisabled === true),
    "expected either `publicKeyFiles` or `signingDisabled: true`",
  )
  .refine(
    ({ publicKeyFiles, tokenKeyName }) => publicKeyFiles === undefined || tokenKeyName !== undefined,
    "expected `tokenKeyName`, because signing is on",
  );

const host = z.string().regex(/^[a-zA-Z0-9.:-]{1,253}$/, "expected a host name or an IP address");

/** Which pairs AWS permits (DG protocols). */
const PROTOCOLS_BY_AUTHENTICATION: Readonly<Record<string, readonly string[]>> = {
  AWS_X509: ["SECURE_MQTT", "HTTPS"],
  CUSTOM_AUTH_X509: ["SECURE_MQTT", "HTTPS"],
  AWS_SIGV4: ["MQTT_WSS", "HTTPS"],
  CUSTOM_AUTH: ["SECURE_MQTT", "MQTT_WSS", "HTTPS"],
  DEFAULT: ["DEFAULT"],
};

const domain = z
  .strictObject({
    name: z.string().regex(/^[\w.:-]{1,128}$/, "expected 1 to 128 of A-Z a-z 0-9 _ . : -"),
    serverName: host,
    aliases: z.array(host).default([]),
    defaultAuthorizer: name.optional(),
    allowAuthorizerOverride: z.boolean().default(true),
    authenticationType: z
      .enum(["DEFAULT", "CUSTOM_AUTH", "CUSTOM_AUTH_X509", "AWS_X509", "AWS_SIGV4"])
      .default("DEFAULT"),
    applicationProtocol: z.enum(["DEFAULT", "SECURE_MQTT", "MQTT_WSS", "HTTPS"]).default("DEFAULT"),
    status: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
    /** What it presents; all but `valid` are faults. */
    certificate: z.enum(["valid", "expired", "self-signed", "wrong-name"]).default("valid"),
  })
  .superRefine(({ authenticationType, applicationProtocol }, context) => {
    const protocols = PROTOCOLS_BY_AUTHENTICATION[authenticationType] ?? [];
    if (protocols.includes(applicationProtocol)) return;
    const message = `${authenticationType} goes with ${protocols.join(", ")}, not with ${applicationProtocol}`;
    context.addIssue({ code: "custom", path: ["applicationProtocol"], message });
  });

const clientCertificate = z.strictObject({
  file: z.string().min(1),
  status: z.enum(["ACTIVE", "INACTIVE"]).default("ACTIVE"),
  policyDocuments: z.array(json).max(10).default([]),
});

function isOperation(action: string): boolean {
  return OPERATION_NAMES.some((known) => known === action.replace(/^iot:/, ""));
}

const credential = z.strictObject({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().min(1).optional(),
  /** The session token has run out. */
  expired: z.boolean().default(false),
  /** Operations this caller may not use. */
  deny: z
    .array(z.string().refine(isOperation, { error: `expected one of ${OPERATION_NAMES.join(", ")}` }))
    .default([]),
});

const behaviours = z.strictObject(
  Object.fromEntries(
    SWITCHES.map(({ name: key, values, default: fallback }) => [
      key,
      z.literal([...values]).default(fallback),
    ]),
  ),
) as unknown as z.ZodType<Behaviours>;

export const emulatorSchema = z
  .strictObject({
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/)
      .default("eu-west-1"),
    accountId: z
      .string("expected twelve digits in quotes")
      .regex(/^\d{12}$/, "expected twelve digits in quotes")
      .default("123456789012"),
    listen: z
      .strictObject({
        api: address.default("127.0.0.1:0"),
        apiTls: z.boolean().default(false),
        gateway: address.default("127.0.0.1:0"),
        gatewayRole: z.union([z.literal(443), z.literal(8443), z.literal(8883)]).default(443),
      })
      .prefault({}),
    certificates: z.strictObject({ folder: z.string().min(1) }).default({ folder: ".emulator" }),
    credentials: z
      .array(credential)
      .min(1)
      .default([{ accessKeyId: "test", secretAccessKey: "test", expired: false, deny: [] }]),
    authorizers: z.array(authorizer).max(100).default([]),
    domains: z.array(domain).min(1, "expected at least one domain").max(10, "AWS has at most 10 domains"),
    defaultAuthorizer: name.optional(),
    clientCertificates: z.array(clientCertificate).default([]),
    quotas: z
      .strictObject({
        invokesPerSecond: rate.default(DEFAULT_LIMIT),
        /** Calls a second of every other operation. */
        callsPerSecond: rate.default(DEFAULT_LIMIT),
        burst: rate.default(DEFAULT_LIMIT),
        connectsPerSecondPerClientId: rate.default(1),
        /** GetConnection, in all and for one client id. */
        connectionQueriesPerSecond: rate.default(100),
        connectionQueriesPerSecondPerClientId: rate.default(1),
        /** Each way; what comes beyond is dropped. */
        publishesPerSecondPerConnection: rate.default(100),
        /** Each way; what comes beyond is delayed. */
        bytesPerSecondPerConnection: z.number().positive().default(DEFAULT_BYTES_PER_SECOND),
      })
      .prefault({}),
    /** How many times faster than real time refreshAfterInSeconds and disconnectAfterInSeconds pass. */
    lifetimeSpeed: z.number().min(1).max(100_000).default(1),
    /** How many times faster than real time the 5 seconds of an authorizer's function pass. */
    functionSpeed: z.number().min(1).max(100_000).default(1),
    /** How many times faster than real time a silent client's keep-alive runs out. */
    keepAliveSpeed: z.number().min(1).max(100_000).default(1),
    behaviours: behaviours.prefault({} as Behaviours),
    ...faultSettings,
    /** Lets faults be changed while it runs, from this machine. */
    admin: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
  })
  .superRefine((config, context) => {
    const complain = (path: (string | number)[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const names = config.authorizers.map((each) => each.name);
    noTwice(names, (index) => complain(["authorizers", index, "name"], "the name stands here twice"));
    noTwice(
      config.domains.map((each) => each.name),
      (index) => complain(["domains", index, "name"], "the name stands here twice"),
    );
    noTwice(
      config.domains.map(({ serverName }) => serverName.toLowerCase()),
      (index) => complain(["domains", index, "serverName"], "the host name stands here twice"),
    );
    const known = new Set(names);
    const isMissing = (each: string | undefined) => each !== undefined && !known.has(each);
    if (isMissing(config.defaultAuthorizer)) complain(["defaultAuthorizer"], "there is no such authorizer");
    config.domains.forEach((each, index) => {
      if (isMissing(each.defaultAuthorizer)) {
        complain(["domains", index, "defaultAuthorizer"], "there is no such authorizer");
      }
    });
  });

function noTwice(values: readonly string[], complain: (index: number) => void): void {
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index) complain(index);
  });
}

/** The file as written, defaults filled in; paths as they stand there. */
export type EmulatorFile = z.output<typeof emulatorSchema>;
export type TableRow = z.output<typeof row>;
export type HandlerConfig = z.output<typeof handler>;
export type DomainConfig = z.output<typeof domain>;
export type CredentialConfig = z.output<typeof credential>;
export type AuthorizerConfig = z.output<typeof authorizer>;
