import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { skewOf } from "../../src/aws/clock-skew.ts";
import type { Target } from "../../src/model/target.ts";
import { awsError, inTurn, ok, type SeenRequest, type ServerReply } from "../support/aws-server.ts";
import { CALLER, ENDPOINT, startTestEmulator, tableAuthorizer } from "../support/emulator.ts";
import { NEVER, type Parts, startParts, useStaticCredentials } from "./aws-parts.ts";

beforeAll(useStaticCredentials);

const OWN = "a1-ats.iot.eu-west-1.amazonaws.com";
const NOT_FOUND = awsError(404, "ResourceNotFoundException");
const NOT_PERMITTED = awsError(403, "AccessDeniedException", "not authorized to perform");
const AUTHORIZER = { authorizerName: "fleet", status: "ACTIVE", tokenKeyName: "x-token" };
const DOMAIN = { domainConfigurationName: "iot:Data-ATS", domainName: OWN };

interface Replies {
  readonly authorizer?: unknown;
  readonly domain?: unknown;
}

function account({ authorizer = AUTHORIZER, domain = {} }: Replies = {}) {
  return ({ path }: SeenRequest): ServerReply => {
    if (path.startsWith("/endpoint")) return ok({ endpointAddress: OWN });
    if (path.startsWith("/authorizer/")) return ok({ authorizerDescription: authorizer });
    if (path.startsWith("/domainConfigurations/")) {
      const enabled = { ...DOMAIN, domainConfigurationStatus: "ENABLED" };
      return ok(Array.isArray(domain) ? domain : { ...enabled, ...(domain as object) });
    }
    return NOT_FOUND;
  };
}

function paths({ server }: Parts): string[] {
  return server.requests.map(({ path }) => decodeURIComponent(path)).toSorted();
}

const ASKED_ONCE = [
  "/authorizer/fleet",
  "/domainConfigurations/iot:Data-ATS",
  "/endpoint?endpointType=iot:Data-ATS",
];

describe("what is asked", () => {
  test("authorizer, domain and endpoint, each once for all checks of a target", async () => {
    const parts = await startParts({}, account());
    const all = await Promise.all(
      Array.from({ length: 20 }, () => parts.preflight(parts.target, "fleet", NEVER)),
    );
    expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(paths(parts)).toEqual(ASKED_ONCE);
    expect(parts.used.map(({ operation }) => operation).toSorted()).toEqual([
      "DescribeAuthorizer",
      "DescribeDomainConfiguration",
      "DescribeEndpoint",
    ]);
    expect(parts.seen.every(({ code }) => code === "ok")).toBe(true);
    expect(all[0]).toMatchObject({
      authorizer: { kind: "known", value: { name: "fleet", active: true, signing: true } },
      domain: { kind: "known", value: { name: "iot:Data-ATS", domainName: OWN, enabled: true } },
      accountEndpoint: { kind: "known", value: OWN },
      clockSkewMs: { kind: "known", value: 0 },
    });
  });

  test("what other parts ask too is asked once for both", async () => {
    const unknown: Partial<Target> = { endpoint: null };
    const parts = await startParts(
      unknown,
      account({ domain: { authorizerConfig: { defaultAuthorizerName: "fleet" } } }),
    );
    const resolved = await parts.describe.resolveEndpoint(parts.target, NEVER);
    if (resolved.kind !== "ready") throw new Error(resolved.message);
    await Promise.all([
      parts.describe.needsCertificate(resolved.target, NEVER),
      parts.describe.defaultAuthorizer(resolved.target, NEVER),
      parts.preflight(resolved.target, "fleet", NEVER),
    ]);
    expect(paths(parts)).toEqual(ASKED_ONCE);
  });

  test("answers are kept five minutes, an endpoint for good", async () => {
    const parts = await startParts({}, account());
    await parts.preflight(parts.target, "fleet", NEVER);
    parts.later(299_000);
    await parts.preflight(parts.target, "fleet", NEVER);
    expect(parts.server.requests).toHaveLength(3);
    parts.later(2_000);
    await parts.preflight(parts.target, "fleet", NEVER);
    expect(paths(parts)).toEqual([...ASKED_ONCE, ...ASKED_ONCE.slice(0, 2)].toSorted());
  });

  test("each authorizer by its name, and nobody where none is known or can be", async () => {
    const parts = await startParts({}, account());
    for (const name of ["fleet", "other@x=1,2", "fleet"]) await parts.preflight(parts.target, name, NEVER);
    expect(await parts.preflight(parts.target, null, NEVER)).toMatchObject({
      authorizer: { kind: "not-checked", reason: "no authorizer is known to apply" },
    });
    expect(await parts.preflight(parts.target, "no such/name", NEVER)).toMatchObject({
      authorizer: { kind: "known", value: null },
    });
    const asked = paths(parts).filter((path) => path.startsWith("/authorizer/"));
    expect(asked).toEqual(["/authorizer/fleet", "/authorizer/other@x=1,2"]);
  });
});

describe("what is not there or cannot be asked", () => {
  test("an authorizer that does not exist is a fact, not a failure", async () => {
    const parts = await startParts({}, ({ path }) =>
      path.startsWith("/domainConfigurations?") ? ok({ domainConfigurations: [] }) : NOT_FOUND,
    );
    expect(await parts.preflight(parts.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "known", value: null },
      domain: { kind: "known", value: null },
      accountEndpoint: { kind: "not-checked" },
      clockSkewMs: { kind: "known" },
    });
  });

  test("a missing permission is not checked, and not asked again for every check", async () => {
    const parts = await startParts({}, () => NOT_PERMITTED);
    const answers = [];
    for (let check = 0; check < 10; check++)
      answers.push(await parts.preflight(parts.target, "fleet", NEVER));
    const said = (operation: string) => ({
      kind: "not-checked",
      reason: `${operation}: AccessDeniedException: not authorized to perform`,
    });
    expect(answers[9]).toMatchObject({
      authorizer: said("DescribeAuthorizer"),
      domain: said("DescribeDomainConfiguration"),
      accountEndpoint: said("DescribeEndpoint"),
    });
    expect(parts.server.requests).toHaveLength(3);
    parts.server.reply = account();
    parts.later(30_001);
    expect(await parts.preflight(parts.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "known" },
      domain: { kind: "known" },
      accountEndpoint: { kind: "known" },
    });
  });

  test("one permission that is missing leaves the others their answer", async () => {
    const whole = account();
    const parts = await startParts({}, (request) =>
      request.path.startsWith("/authorizer/") ? NOT_PERMITTED : whole(request),
    );
    expect(await parts.preflight(parts.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "not-checked" },
      domain: { kind: "known" },
      accountEndpoint: { kind: "known" },
    });
  });

  test("throttling is waited out; where it lasts, nothing is known", async () => {
    const throttled = awsError(400, "ThrottlingException", "Rate exceeded");
    const parts = await startParts({ timeouts: { invokeMs: 600, probeMs: 600 } });
    const whole = account();
    const first = inTurn(throttled, "hang");
    parts.server.reply = (request) => (first(request) === throttled ? throttled : whole(request));
    expect(await parts.preflight(parts.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "known" },
      domain: { kind: "known" },
      accountEndpoint: { kind: "known" },
    });
    const lasting = await startParts({ timeouts: { invokeMs: 100, probeMs: 600 } }, () => throttled);
    const reason = expect.stringMatching(/ThrottlingException: Rate exceeded$/);
    expect(await lasting.preflight(lasting.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "not-checked", reason },
      domain: { kind: "not-checked", reason },
      accountEndpoint: { kind: "not-checked", reason },
    });
  });

  test.each<[ServerReply, RegExp]>([
    ["reset", /ECONNRESET/],
    ["garbage", /does not match the HTTP\/1\.1 protocol/],
    ["hang", /TimeoutError: no answer within/],
    [awsError(500, "InternalFailureException"), /InternalFailureException/],
    [{ status: 502, body: "<html>proxy</html>" }, /HTTP 502/],
  ])("an outage (%j) is not checked, with the reason", async (reply, why) => {
    const parts = await startParts({ timeouts: { invokeMs: 500, probeMs: 500 } }, () => reply);
    const answer = await parts.preflight(parts.target, "fleet", NEVER);
    const reason = expect.stringMatching(why);
    expect(answer).toMatchObject({
      authorizer: { kind: "not-checked", reason },
      domain: { kind: "not-checked", reason },
      accountEndpoint: { kind: "not-checked", reason },
    });
  });

  test("credentials that are missing are not checked either", async () => {
    const { AWS_ACCESS_KEY_ID } = process.env;
    delete process.env.AWS_ACCESS_KEY_ID;
    onTestFinished(() => {
      process.env.AWS_ACCESS_KEY_ID = AWS_ACCESS_KEY_ID;
    });
    const parts = await startParts({}, account());
    expect(await parts.preflight(parts.target, "fleet", NEVER)).toMatchObject({
      authorizer: { kind: "not-checked", reason: expect.stringMatching(/CredentialsProviderError/) },
      clockSkewMs: { kind: "not-checked", reason: "no answer of AWS showed its time" },
    });
    expect(parts.server.requests).toEqual([]);
  });

  test("an abort throws its reason and ends the calls", async () => {
    const leave = new AbortController();
    const parts = await startParts({}, () => {
      leave.abort(new Error("enough"));
      return "hang";
    });
    await expect(parts.preflight(parts.target, "fleet", leave.signal)).rejects.toThrow("enough");
  });
});

describe("reading an authorizer", () => {
  const described = async (authorizer: unknown) => {
    const parts = await startParts({}, account({ authorizer }));
    return (await parts.preflight(parts.target, "fleet", NEVER)).authorizer;
  };

  test.each([
    [{ status: "INACTIVE" }, { active: false, signing: true, tokenKeyName: null, publicKeys: {} }],
    [
      { ...AUTHORIZER, signingDisabled: true },
      { active: true, signing: false, tokenKeyName: "x-token" },
    ],
    [
      { ...AUTHORIZER, signingDisabled: false, tokenSigningPublicKeys: { k1: "line\nline" } },
      { signing: true, publicKeys: { k1: "line\nline" } },
    ],
  ])("%j", async (authorizer, value) => {
    expect(await described(authorizer)).toMatchObject({ kind: "known", value: { name: "fleet", ...value } });
  });

  test.each([
    [null, "the answer is missing, not an object"],
    ["ACTIVE", "the answer is a string, not an object"],
    [{}, "status is missing, not ACTIVE or INACTIVE"],
    [{ status: "DELETING\u001b" }, 'status is "DELETING\\u001b", not ACTIVE or INACTIVE'],
    [{ status: true }, "status is a boolean, not ACTIVE or INACTIVE"],
    [{ status: "constructor" }, 'status is "constructor", not ACTIVE or INACTIVE'],
    [{ ...AUTHORIZER, signingDisabled: "false" }, "signingDisabled is a string, not a boolean"],
    [{ ...AUTHORIZER, tokenKeyName: 7 }, "tokenKeyName is a number, not a string"],
    [
      { ...AUTHORIZER, tokenSigningPublicKeys: { k1: 1 } },
      "tokenSigningPublicKeys is an object, not strings",
    ],
    [{ ...AUTHORIZER, tokenSigningPublicKeys: "pem" }, "tokenSigningPublicKeys is a string, not strings"],
  ])("%j says nothing", async (authorizer, why) => {
    expect(await described(authorizer)).toEqual({
      kind: "not-checked",
      reason: expect.stringContaining(`DescribeAuthorizer: ${why}`),
    });
  });
});

describe("reading a domain", () => {
  const described = async (domain: unknown) => {
    const parts = await startParts({}, account({ domain }));
    return (await parts.preflight(parts.target, "fleet", NEVER)).domain;
  };

  test.each([
    [
      {},
      {
        enabled: true,
        defaultAuthorizer: null,
        allowAuthorizerOverride: true,
        authenticationType: "DEFAULT",
        applicationProtocol: "DEFAULT",
        invalidCertificates: [],
      },
    ],
    [{ domainConfigurationStatus: "DISABLED" }, { enabled: false }],
    [
      { authorizerConfig: { defaultAuthorizerName: "fleet", allowAuthorizerOverride: false } },
      { defaultAuthorizer: "fleet", allowAuthorizerOverride: false },
    ],
    [
      { authenticationType: "CUSTOM_AUTH", applicationProtocol: "A_NEW_WORD" },
      { authenticationType: "CUSTOM_AUTH", applicationProtocol: "A_NEW_WORD" },
    ],
    [
      {
        serverCertificates: [
          { serverCertificateArn: "arn:1", serverCertificateStatus: "VALID" },
          {
            serverCertificateArn: "arn:2",
            serverCertificateStatus: "INVALID",
            serverCertificateStatusDetail: "expired",
          },
        ],
      },
      { invalidCertificates: ["arn:2: INVALID: expired"] },
    ],
  ])("%j", async (domain, value) => {
    expect(await described(domain)).toMatchObject({
      kind: "known",
      value: { name: "iot:Data-ATS", domainName: OWN, ...value },
    });
  });

  test.each([
    [{ domainConfigurationStatus: null }, "domainConfigurationStatus is missing, not ENABLED or DISABLED"],
    [{ domainConfigurationStatus: "enabled" }, 'domainConfigurationStatus is "enabled", not ENABLED'],
    [{ authorizerConfig: "x" }, "authorizerConfig is a string, not an object"],
    [{ authorizerConfig: { allowAuthorizerOverride: "no" } }, "allowAuthorizerOverride is a string"],
    [{ authenticationType: 5 }, "authenticationType is a number, not a string"],
    [{ serverCertificates: {} }, "serverCertificates is an object, not a list"],
    [{ serverCertificates: [7] }, "serverCertificates[0] is a number, not an object"],
  ])("%j says nothing, but the default authorizer still does", async (domain, why) => {
    expect(await described(domain)).toEqual({
      kind: "not-checked",
      reason: expect.stringContaining(`DescribeDomainConfiguration: ${why}`),
    });
  });
});

describe("clock skew", () => {
  const MINUTE = 60_000;
  const dated = (date: string) => async () => {
    const parts = await startParts({}, () => ({ status: 403, headers: { date }, body: {} }));
    return (await parts.preflight(parts.target, "fleet", NEVER)).clockSkewMs;
  };

  test("is read from the answers' Date, from a refusal too", async () => {
    const ahead = await dated(new Date(Date.now() + 10 * MINUTE).toUTCString())();
    if (ahead.kind !== "known") throw new Error(ahead.reason);
    expect(Math.abs(ahead.value - 10 * MINUTE)).toBeLessThan(MINUTE);
    const behind = await dated(new Date(Date.now() - 10 * MINUTE).toUTCString())();
    expect(behind.kind === "known" && behind.value < -9 * MINUTE).toBe(true);
  });

  test.each(["", "yesterday", "5", "2026-11-23T01:17:29Z"])(
    "an answer dated %j shows no time",
    async (date) => {
      expect(await dated(date)()).toEqual({
        kind: "not-checked",
        reason: "no answer of AWS showed its time",
      });
    },
  );

  test("an answer of TestInvokeAuthorizer shows it too", async () => {
    const date = new Date(Date.now() - 60 * MINUTE).toUTCString();
    const parts = await startParts({}, () => ({ status: 403, headers: { date: "none" }, body: {} }));
    expect((await parts.preflight(parts.target, null, NEVER)).clockSkewMs.kind).toBe("not-checked");
    parts.server.reply = () => ({ status: 403, headers: { date }, body: {} });
    const request = {
      token: null,
      tokenSignature: null,
      httpContext: null,
      mqttContext: null,
      tlsContext: null,
    };
    await parts.invoke({ target: parts.target, authorizer: "fleet", request, secrets: [], signal: NEVER });
    expect((await parts.preflight(parts.target, null, NEVER)).clockSkewMs.kind).toBe("known");
  });

  test("claims no more than the answer proves", () => {
    const at = Date.UTC(2026, 10, 23, 1, 17, 29);
    const date = new Date(at).toUTCString();
    expect(skewOf(date, at, at)).toBe(0);
    expect(skewOf(date, at - 4000, at + 3000)).toBe(0);
    expect(skewOf(date, at - 9000, at - 8000)).toBe(8000);
    expect(skewOf(date, at + 9000, at + 9500)).toBe(-8000);
    expect(skewOf(undefined, at, at)).toBeNull();
  });
});

describe("against the emulator", () => {
  async function world(changes: object = {}) {
    const emulator = await startTestEmulator(changes);
    onTestFinished(() => emulator.stop());
    process.env.AWS_ACCESS_KEY_ID = CALLER.accessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = CALLER.secretAccessKey;
    onTestFinished(useStaticCredentials);
    return startParts({ controlPlaneEndpoint: emulator.api, endpoint: ENDPOINT });
  }

  test("everything is known of a healthy account", async () => {
    const parts = await world();
    expect(await parts.preflight(parts.target, "open-door", NEVER)).toEqual({
      authorizer: {
        kind: "known",
        value: { name: "open-door", active: true, signing: false, tokenKeyName: null, publicKeys: {} },
      },
      domain: {
        kind: "known",
        value: {
          name: "iot:Data-ATS",
          domainName: ENDPOINT,
          enabled: true,
          defaultAuthorizer: "open-door",
          allowAuthorizerOverride: true,
          authenticationType: "DEFAULT",
          applicationProtocol: "DEFAULT",
          invalidCertificates: [],
        },
      },
      accountEndpoint: { kind: "known", value: ENDPOINT },
      clockSkewMs: { kind: "known", value: 0 },
    });
  });

  test("an inactive authorizer and a custom domain with a bad certificate are told", async () => {
    const custom = {
      name: "custom",
      serverName: "iot.example.com",
      authenticationType: "CUSTOM_AUTH",
      applicationProtocol: "MQTT_WSS",
      status: "DISABLED",
      certificate: "expired",
      defaultAuthorizer: "open-door",
      allowAuthorizerOverride: false,
    };
    const parts = await world({
      authorizers: [tableAuthorizer(undefined, { status: "INACTIVE" })],
      domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT }, custom],
    });
    const target = { ...parts.target, endpoint: "iot.example.com" };
    expect(await parts.preflight(target, "open-door", NEVER)).toMatchObject({
      authorizer: { kind: "known", value: { active: false } },
      domain: {
        kind: "known",
        value: {
          name: "custom",
          enabled: false,
          allowAuthorizerOverride: false,
          applicationProtocol: "MQTT_WSS",
          invalidCertificates: [expect.stringMatching(/^arn:aws:acm:.*: INVALID$/)],
        },
      },
      accountEndpoint: { kind: "known", value: ENDPOINT },
    });
  });

  test.each(["AccessDeniedException", "ForbiddenException", "UnauthorizedException"])(
    "permissions that are denied by %s leave it unchecked",
    async (callerNotPermitted) => {
      const deny = ["DescribeAuthorizer", "DescribeDomainConfiguration", "DescribeEndpoint"];
      const parts = await world({
        credentials: [{ ...CALLER, deny }],
        behaviours: { callerNotPermitted },
      });
      const answer = await parts.preflight(parts.target, "open-door", NEVER);
      for (const [key, operation] of [
        ["authorizer", deny[0]],
        ["domain", deny[1]],
        ["accountEndpoint", deny[2]],
      ] as const) {
        expect(answer[key]).toMatchObject({
          kind: "not-checked",
          reason: expect.stringMatching(new RegExp(`^${operation}: ${callerNotPermitted}`)),
        });
      }
      expect(answer.clockSkewMs).toEqual({ kind: "known", value: 0 });
    },
  );
});
