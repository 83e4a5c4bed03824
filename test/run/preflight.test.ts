import { describe, expect, test, vi } from "vitest";
import type {
  AccountLimits,
  Checked,
  DomainDescription,
  Handshake,
  Preflight,
  PreflightFinding,
} from "../../src/model/preflight.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { lookAtTargets, type TargetPreflightPorts } from "../../src/run/preflight.ts";
import { preflightOf, TRANSPORT, targetOf } from "../support/fixtures.ts";

const NEVER = new AbortController().signal;
const OWN = "a1-ats.iot.eu-west-1.amazonaws.com";
const DAY_MS = 24 * 3_600_000;
const DOMAIN: DomainDescription = {
  name: "custom",
  domainName: "iot.example.com",
  enabled: true,
  defaultAuthorizer: null,
  allowAuthorizerOverride: true,
  authenticationType: "CUSTOM_AUTH",
  applicationProtocol: "SECURE_MQTT",
  invalidCertificates: [],
};

function known<T>(value: T) {
  return { kind: "known", value } as const;
}

const DENIED = { kind: "not-checked", reason: "DescribeX: AccessDeniedException: no" } as const;
const HEALTHY: Preflight = preflightOf({
  domain: known(null),
  accountEndpoint: known(OWN),
  clockSkewMs: known(0),
});
const DONE: Handshake = {
  kind: "done",
  transport: { ...TRANSPORT, certificateExpiresAtMs: Date.now() + 90 * DAY_MS + 1000 },
};

interface World {
  readonly said?: Partial<Preflight>;
  readonly handshake?: Handshake;
  readonly limits?: Checked<AccountLimits>;
  readonly target?: Partial<ReadyTarget>;
}

function portsOf(
  { said = {}, handshake = DONE, limits = DENIED }: World,
  changes: Partial<TargetPreflightPorts> = {},
) {
  return {
    resolveEndpoint: async (target) => ({ kind: "ready", target: target as ReadyTarget }),
    preflight: async () => ({ ...HEALTHY, ...said }),
    accountLimits: async () => limits,
    handshake: async () => handshake,
    ...changes,
  } satisfies TargetPreflightPorts;
}

async function look(world: World): Promise<string[]> {
  const findings = await lookAtTargets([targetOf(world.target)], portsOf(world), NEVER);
  return findings.map(({ what, state, detail }) => `${what} ${state}: ${detail}`);
}

function failed(changes: Partial<Extract<Handshake, { kind: "failed" }>>): Handshake {
  return {
    kind: "failed",
    cause: "TLS_FAILED",
    reason: "why",
    tlsAlert: false,
    transport: TRANSPORT,
    ...changes,
  };
}

describe("the account's own limits", () => {
  const SOME_LIMITS = { invokesPerSecond: 10, connectsPerSecond: 100 };
  const lineOf = async (world: World) =>
    (await look(world)).filter((line) => line.startsWith("Service Quotas"));

  test("are not asked for unless the target says so", async () => {
    expect(await lineOf({ limits: known(SOME_LIMITS) })).toEqual([]);
  });

  test("are told, and which budget gives way", async () => {
    const budgets = { invokesPerSecond: 5, connectsPerSecond: 500, burst: 1 };
    expect(await lineOf({ limits: known(SOME_LIMITS), target: { serviceQuotas: true, budgets } })).toEqual([
      "Service Quotas ok: 10 TestInvokeAuthorizer calls a second; 100 connections a second, which holds instead of the budget of 500",
    ]);
  });

  test.each([
    [DENIED, `Service Quotas not-checked: ${DENIED.reason}`],
    [
      known({ invokesPerSecond: null, connectsPerSecond: null }),
      "Service Quotas not-checked: no limit of TestInvokeAuthorizer calls is listed; no limit of connections is listed",
    ],
  ])("that are not known fail nothing", async (limits, line) => {
    expect(await lineOf({ limits, target: { serviceQuotas: true } })).toEqual([line]);
  });
});

describe("a target", () => {
  test("that is well has one line for each thing", async () => {
    expect(
      await look({ said: { domain: known({ ...DOMAIN, name: "iot:Data-ATS", domainName: OWN }) } }),
    ).toEqual([
      `DescribeEndpoint ok: ${OWN} is the name of domain iot:Data-ATS`,
      "DescribeDomainConfiguration ok: iot:Data-ATS: ENABLED, CUSTOM_AUTH over SECURE_MQTT, no default authorizer",
      "clock ok: as AWS's",
      `dns ok: ${OWN} is 127.0.0.1`,
      "tls ok: TLSv1.3, TLS_AES_128_GCM_SHA256",
      "certificate ok: the server's certificate ends in 90 days",
    ]);
  });

  test.each<[World, string]>([
    [{}, `DescribeEndpoint ok: ${OWN} is the account's own`],
    [
      { target: { endpoint: "a1.iot.eu-west-1.amazonaws.com" } },
      `DescribeEndpoint ok: a1.iot.eu-west-1.amazonaws.com is another form of the account's own, ${OWN}`,
    ],
    [
      { target: { endpoint: "b2-ats.iot.eu-west-1.amazonaws.com" } },
      `DescribeEndpoint problem: b2-ats.iot.eu-west-1.amazonaws.com is neither the account's own (${OWN}) nor the name of one of its domains`,
    ],
    [
      { target: { endpoint: "iot.example.com" }, said: { domain: DENIED } },
      `DescribeEndpoint not-checked: iot.example.com is not the account's own (${OWN}); whether a domain's: ${DENIED.reason}`,
    ],
    [{ said: { accountEndpoint: DENIED } }, `DescribeEndpoint not-checked: ${DENIED.reason}`],
    [{ said: { domain: DENIED } }, `DescribeDomainConfiguration not-checked: ${DENIED.reason}`],
    [
      { said: { domain: known({ ...DOMAIN, enabled: false }) } },
      "DescribeDomainConfiguration problem: custom: status DISABLED",
    ],
    [
      { said: { domain: known({ ...DOMAIN, authenticationType: "AWS_X509" }) } },
      "DescribeDomainConfiguration problem: custom: authenticationType AWS_X509 asks no authorizer",
    ],
    [
      { said: { domain: known({ ...DOMAIN, invalidCertificates: ["arn: INVALID"] }) } },
      "DescribeDomainConfiguration problem: custom: server certificate arn: INVALID",
    ],
    [
      { said: { domain: known({ ...DOMAIN, defaultAuthorizer: "fleet", allowAuthorizerOverride: false }) } },
      "DescribeDomainConfiguration ok: custom: ENABLED, CUSTOM_AUTH over SECURE_MQTT, default authorizer fleet, no other may be named",
    ],
    [
      { said: { clockSkewMs: known(420_000) } },
      "clock problem: AWS's clock is 420 s ahead of this machine's",
    ],
    [{ said: { clockSkewMs: known(-4200) } }, "clock ok: AWS's clock is 4 s behind this machine's"],
    [{ said: { clockSkewMs: DENIED } }, `clock not-checked: ${DENIED.reason}`],
    [
      { handshake: failed({ cause: "DNS_FAILED", transport: { ...TRANSPORT, address: null } }) },
      "dns problem: why",
    ],
    [{ handshake: failed({ cause: "TCP_REFUSED" }) }, "tls problem: why"],
    [{ handshake: failed({ cause: "TESTER_OVERLOADED" }) }, "tls not-checked: why"],
    [{ handshake: failed({ cause: "SERVER_CERTIFICATE_EXPIRED" }) }, "certificate problem: why"],
    [{ handshake: failed({ tlsAlert: true }) }, "tls problem: why"],
    [
      {
        handshake: failed({ tlsAlert: true }),
        said: { domain: known({ ...DOMAIN, authenticationType: "CUSTOM_AUTH_X509" }) },
      },
      "tls not-checked: why",
    ],
    [
      {
        handshake: {
          kind: "done",
          transport: { ...TRANSPORT, certificateExpiresAtMs: Date.now() + 1.5 * DAY_MS },
        },
      },
      "certificate problem: the server's certificate ends in 1 day",
    ],
  ])("%j", async (world, line) => {
    expect(await look(world)).toContain(line);
  });

  test("that has an address of its own is not looked up", async () => {
    expect(
      (await look({ target: { address: "127.0.0.1" } })).filter((line) => line.startsWith("dns")),
    ).toEqual([]);
  });

  test("without an endpoint says so, and no more can be looked at", async () => {
    const ports = portsOf(
      {},
      { resolveEndpoint: async () => ({ kind: "failed", message: "DescribeEndpoint: AccessDenied: no" }) },
    );
    expect(await lookAtTargets([targetOf()], ports, NEVER)).toEqual<PreflightFinding[]>([
      {
        target: "here",
        what: "DescribeEndpoint",
        state: "problem",
        detail: "no endpoint: DescribeEndpoint: AccessDenied: no",
      },
    ]);
  });
});

describe("looking", () => {
  test("holds nobody up for longer than five seconds, and says what was not seen", async () => {
    vi.useFakeTimers();
    try {
      const silent = (_target: unknown, _name: unknown, signal: AbortSignal) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      const looking = lookAtTargets([targetOf()], portsOf({}, { preflight: silent }), NEVER);
      await vi.advanceTimersByTimeAsync(5000);
      const findings = await looking;
      expect(findings.filter(({ state }) => state === "not-checked").map(({ what }) => what)).toEqual([
        "DescribeEndpoint",
        "DescribeDomainConfiguration",
        "clock",
      ]);
      expect(findings.find(({ what }) => what === "clock")?.detail).toBe("AWS did not answer within 5 s");
      expect(findings.find(({ what }) => what === "tls")?.state).toBe("ok");
    } finally {
      vi.useRealTimers();
    }
  });

  test("never throws: a fault of one target leaves the others theirs", async () => {
    const ports = portsOf(
      {},
      {
        preflight: async ({ name }) => {
          if (name === "bad") throw new Error("a bug");
          return HEALTHY;
        },
      },
    );
    const findings = await lookAtTargets(
      [targetOf({ name: "bad" }), targetOf({ name: "good" })],
      ports,
      NEVER,
    );
    expect(findings.filter(({ target }) => target === "bad")).toEqual([
      { target: "bad", what: "preflight", state: "not-checked", detail: "a bug" },
    ]);
    expect(findings.filter(({ target }) => target === "good").length).toBeGreaterThan(3);
  });

  test("a stop leaves out what is not known yet", async () => {
    const stop = new AbortController();
    const ports = portsOf(
      {},
      {
        preflight: async (_target, _name, signal) => {
          stop.abort(new Error("INTERRUPTED"));
          signal.throwIfAborted();
          return HEALTHY;
        },
      },
    );
    expect(await lookAtTargets([targetOf()], ports, stop.signal)).toEqual([]);
  });
});
