import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Target } from "../../src/model/target.ts";
import { type AwsServer, awsError, ok, type SeenRequest, type ServerReply } from "../support/aws-server.ts";
import { NEVER, type Parts, startParts, useStaticCredentials } from "./aws-parts.ts";

beforeAll(useStaticCredentials);

const OWN = "a1-ats.iot.eu-west-1.amazonaws.com";
const NOT_FOUND = awsError(404, "ResourceNotFoundException");
const NOT_PERMITTED = awsError(403, "AccessDeniedException", "not authorized to perform");

interface Account {
  /** Domain configurations by name. */
  readonly domains?: Readonly<Record<string, unknown>>;
  /** Names as listed, page by page. */
  readonly pages?: readonly (readonly string[])[];
  readonly accountDefault?: string;
}

/** An account as the control plane describes it. */
function account({ domains = {}, pages = [[]], accountDefault }: Account): AwsServer["reply"] {
  return ({ path }: SeenRequest): ServerReply => {
    const url = new URL(path, "http://x");
    if (url.pathname === "/domainConfigurations") {
      const page = Number(url.searchParams.get("marker") ?? 0);
      const nextMarker = page + 1 < pages.length ? `${page + 1}` : undefined;
      const names = pages[page] ?? [];
      return ok({
        domainConfigurations: names.map((domainConfigurationName) => ({ domainConfigurationName })),
        nextMarker,
      });
    }
    const name = url.pathname.match(/^\/domainConfigurations\/(.+)$/)?.[1];
    if (name !== undefined) {
      const domain = domains[decodeURIComponent(name)];
      return domain === undefined ? NOT_FOUND : ok(domain);
    }
    if (url.pathname === "/default-authorizer" && accountDefault !== undefined) {
      return ok({ authorizerDescription: { authorizerName: accountDefault } });
    }
    return NOT_FOUND;
  };
}

function operations({ seen }: Parts): string[] {
  return seen.map(({ operation }) => operation);
}

describe("endpoint", () => {
  const unknown: Partial<Target> = { endpoint: null };

  test("one that is configured is taken without a call", async () => {
    const parts = await startParts();
    const answer = await parts.describe.resolveEndpoint(parts.target, NEVER);
    expect(answer).toEqual({ kind: "ready", target: parts.target });
    expect(parts.server.requests).toHaveLength(0);
  });

  test("iot:Data-ATS is asked for, once for all devices", async () => {
    const parts = await startParts(unknown, () => ok({ endpointAddress: OWN }));
    const asks = Array.from({ length: 5 }, () => parts.describe.resolveEndpoint(parts.target, NEVER));
    for (const answer of await Promise.all(asks)) {
      expect(answer).toMatchObject({ kind: "ready", target: { name: "here", endpoint: OWN } });
    }
    parts.later(24 * 3_600_000);
    await parts.describe.resolveEndpoint(parts.target, NEVER);
    expect(parts.server.requests.map(({ path }) => path)).toEqual(["/endpoint?endpointType=iot%3AData-ATS"]);
    expect(parts.used).toEqual([{ target: "here", operation: "DescribeEndpoint" }]);
    expect(parts.seen).toEqual([{ target: "here", operation: "DescribeEndpoint", code: "ok" }]);
  });

  test("a failure tells why and is asked again after half a minute", async () => {
    const parts = await startParts(unknown, () => NOT_PERMITTED);
    const failed = {
      kind: "failed",
      cause: "CALLER_PERMISSION_MISSING",
      message: "DescribeEndpoint: AccessDeniedException: not authorized to perform",
    };
    expect(await parts.describe.resolveEndpoint(parts.target, NEVER)).toEqual(failed);
    expect(await parts.describe.resolveEndpoint(parts.target, NEVER)).toEqual(failed);
    expect(parts.server.requests).toHaveLength(1);
    parts.server.reply = () => ok({ endpointAddress: OWN });
    parts.later(30_001);
    expect(await parts.describe.resolveEndpoint(parts.target, NEVER)).toMatchObject({ kind: "ready" });
  });

  test.each([{}, { endpointAddress: 5 }, { endpointAddress: "evil host" }, { endpointAddress: "h\r\nx" }])(
    "%j holds no endpoint",
    async (body) => {
      const parts = await startParts(unknown, () => ok(body));
      const answer = await parts.describe.resolveEndpoint(parts.target, NEVER);
      expect(answer).toMatchObject({ kind: "failed", cause: "API_UNAVAILABLE" });
    },
  );

  test("one caller's abort leaves the others their answer; the last one's ends the call", async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = Promise.withResolvers<void>();
    const parts = await startParts(unknown, () => {
      asked.resolve();
      return "hang";
    });
    const answers = [first, second].map(({ signal }) => parts.describe.resolveEndpoint(parts.target, signal));
    const ends = Promise.allSettled(answers);
    await asked.promise;
    first.abort(new Error("first left"));
    await expect(answers[0]).rejects.toThrow("first left");
    expect(parts.seen).toEqual([]);
    second.abort(new Error("second left"));
    await expect(answers[1]).rejects.toThrow("second left");
    await ends;
    await vi.waitFor(() => expect(parts.seen).toHaveLength(1));
    parts.server.reply = () => ok({ endpointAddress: OWN });
    expect(await parts.describe.resolveEndpoint(parts.target, NEVER)).toMatchObject({ kind: "ready" });
  });
});

describe("default authorizer", () => {
  test("the account's own endpoint is described as iot:Data-ATS", async () => {
    const domains = {
      "iot:Data-ATS": { domainName: OWN, authorizerConfig: { defaultAuthorizerName: "of-domain" } },
    };
    const parts = await startParts({}, account({ domains, accountDefault: "of-account" }));
    expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toEqual({
      kind: "known",
      name: "of-domain",
      from: "domain",
    });
    expect(operations(parts)).toEqual(["DescribeDomainConfiguration"]);
    expect(parts.server.requests[0]?.path).toBe("/domainConfigurations/iot%3AData-ATS");
  });

  test("a custom domain is found by its name, over all pages", async () => {
    const pages = [
      ["one", "gone"],
      ["two", "three"],
    ];
    const domains = {
      one: { domainName: "one.example.com" },
      two: {
        domainConfigurationName: "two",
        domainName: "IoT.Example.com",
        authorizerConfig: { defaultAuthorizerName: "of-two" },
      },
    };
    const parts = await startParts({ endpoint: "iot.example.com" }, account({ domains, pages }));
    expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toEqual({
      kind: "known",
      name: "of-two",
      from: "domain",
    });
    expect(parts.server.requests[0]?.path).toContain("serviceType=DATA");
    expect(operations(parts).filter((each) => each === "ListDomainConfigurations")).toHaveLength(2);
  });

  test("an AWS-managed domain is told from the account's own endpoint by its name", async () => {
    const endpoint = "a2b3c4.iot.eu-west-1.amazonaws.com";
    const domains = {
      "iot:Data-ATS": { domainName: OWN, authorizerConfig: { defaultAuthorizerName: "wrong" } },
      managed: { domainName: endpoint, authorizerConfig: { defaultAuthorizerName: "right" } },
    };
    const parts = await startParts({ endpoint }, account({ domains, pages: [["managed"]] }));
    expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toMatchObject({ name: "right" });
  });

  test("without one of the domain the account's counts", async () => {
    const domains = { "iot:Data-ATS": { domainName: OWN } };
    const parts = await startParts({}, account({ domains, accountDefault: "of-account" }));
    expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toEqual({
      kind: "known",
      name: "of-account",
      from: "account",
    });
  });

  test("neither: there is none, and it is said where was looked", async () => {
    const parts = await startParts({ endpoint: "iot.example.com" }, account({}));
    const answer = await parts.describe.defaultAuthorizer(parts.target, NEVER);
    expect(answer).toEqual({
      kind: "none",
      evidence:
        "the device names no authorizer, no domain configuration for iot.example.com, " +
        "and account 123456789012 in eu-west-1 has no default",
    });
  });

  test.each(["/domainConfigurations/", "/domainConfigurations?", "/default-authorizer"])(
    "without permission for %s it is unknown, and our own fault",
    async (forbidden) => {
      const answer = account({ domains: { "iot:Data-ATS": { domainName: "other" } } });
      const parts = await startParts({}, (request) =>
        request.path.startsWith(forbidden) ? NOT_PERMITTED : answer(request),
      );
      expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toEqual({
        kind: "unknown",
        cause: "CALLER_PERMISSION_MISSING",
        code: "AccessDeniedException",
        message: "not authorized to perform",
      });
    },
  );

  test("answers are shared and kept five minutes, failures half a minute", async () => {
    const good = account({ domains: { "iot:Data-ATS": { domainName: OWN } }, accountDefault: "of-account" });
    const parts = await startParts({}, () => NOT_PERMITTED);
    const many = () =>
      Promise.all(Array.from({ length: 10 }, () => parts.describe.defaultAuthorizer(parts.target, NEVER)));
    expect(new Set((await many()).map(({ kind }) => kind))).toEqual(new Set(["unknown"]));
    expect(parts.server.requests).toHaveLength(1);
    parts.server.reply = good;
    parts.later(29_000);
    expect((await many())[0]?.kind).toBe("unknown");
    parts.later(2_000);
    expect((await many())[0]?.kind).toBe("known");
    expect(parts.server.requests).toHaveLength(3);
    parts.later(299_000);
    await many();
    expect(parts.server.requests).toHaveLength(3);
    parts.later(2_000);
    await many();
    expect(parts.server.requests).toHaveLength(5);
  });

  test("an answer of wrong types is no crash", async () => {
    const parts = await startParts({}, () =>
      ok({ domainName: 5, authorizerConfig: 7, domainConfigurations: "x", authorizerDescription: [] }),
    );
    expect(await parts.describe.defaultAuthorizer(parts.target, NEVER)).toMatchObject({ kind: "none" });
  });
});

describe("client certificate", () => {
  test.each([
    ["CUSTOM_AUTH_X509", true],
    ["CUSTOM_AUTH", false],
    ["DEFAULT", false],
    [undefined, false],
  ] as const)("authentication type %s: %s", async (authenticationType, needed) => {
    const parts = await startParts(
      {},
      account({ domains: { "iot:Data-ATS": { domainName: OWN, authenticationType } } }),
    );
    expect(await parts.describe.needsCertificate(parts.target, NEVER)).toBe(needed);
  });

  test("it shares the description with the default authorizer", async () => {
    const domains = { "iot:Data-ATS": { domainName: OWN, authorizerConfig: { defaultAuthorizerName: "a" } } };
    const parts = await startParts({}, account({ domains }));
    await Promise.all([
      parts.describe.needsCertificate(parts.target, NEVER),
      parts.describe.defaultAuthorizer(parts.target, NEVER),
    ]);
    expect(parts.server.requests).toHaveLength(1);
  });

  test("a domain that does not exist needs none; one that cannot be read is unknown", async () => {
    const none = await startParts({ endpoint: "iot.example.com" }, account({}));
    expect(await none.describe.needsCertificate(none.target, NEVER)).toBe(false);
    const hidden = await startParts({}, () => NOT_PERMITTED);
    expect(await hidden.describe.needsCertificate(hidden.target, NEVER)).toBe("unknown");
  });
});
