import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createClients } from "../../src/aws/client.ts";
import { createDescribe } from "../../src/aws/describe.ts";
import { createIdentity } from "../../src/aws/identity.ts";
import { isAwsHost, realmOf } from "../../src/aws/realm.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { type AwsServer, awsError, ok, type ServerReply, startAwsServer } from "../support/aws-server.ts";
import { CALLER, ENDPOINT, startTestEmulator } from "../support/emulator.ts";
import { targetOf } from "../support/fixtures.ts";
import { NEVER, useStaticCredentials } from "./aws-parts.ts";

beforeAll(useStaticCredentials);

const OWN = "a1-ats.iot.eu-west-1.amazonaws.com";
const NOT_PERMITTED = awsError(403, "AccessDeniedException", "not authorized to perform");

interface Account {
  authorizer: ServerReply;
  endpoint: ServerReply;
  headers: Readonly<Record<string, string>>;
}

function authorizer(changes: object = {}): ServerReply {
  const description = {
    authorizerName: "fleet",
    status: "ACTIVE",
    tokenKeyName: "x-token",
    tokenSigningPublicKeys: { k1: "PEM 1", k2: "PEM 2" },
    lastModifiedDate: 1_700_000_000,
    ...changes,
  };
  return ok({ authorizerDescription: description });
}

async function closing(server: AwsServer): Promise<AwsServer> {
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** The real SDK in front of a real HTTP server that plays the account's control plane, and another one for STS. */
async function startIdentity(changes: Partial<ReadyTarget> = {}, sts: AwsServer | null = null) {
  const account: Account = { authorizer: authorizer(), endpoint: ok({ endpointAddress: OWN }), headers: {} };
  const answer = (path: string): ServerReply => {
    if (path.startsWith("/authorizer/")) return account.authorizer;
    if (path.startsWith("/endpoint")) return account.endpoint;
    if (path.startsWith("/domainConfigurations?")) return ok({ domainConfigurations: [] });
    return awsError(404, "ResourceNotFoundException");
  };
  const server = await closing(
    await startAwsServer(({ path }) => {
      const reply = answer(path);
      return typeof reply === "string"
        ? reply
        : { ...reply, headers: { ...reply.headers, ...account.headers } };
    }),
  );
  const clients = createClients();
  const pacer = createPacer({});
  const observer = { awsRequest: () => {} };
  let nowMs = 0;
  const now = () => nowMs;
  const dependencies = { pacer, observer, clients, now };
  const describe = createDescribe(dependencies);
  const stsEndpoint = sts?.url ?? null;
  const identity = createIdentity({ ...dependencies, describe, stsEndpoint });
  onTestFinished(() => {
    identity.close();
    clients.close();
  });
  const target = targetOf({
    controlPlaneEndpoint: server.url,
    budgets: { invokesPerSecond: 1000, connectsPerSecond: 1000, burst: 100 },
    ...changes,
  });
  const look = (names: readonly string[] = ["fleet"]) => identity.of(target, names, NEVER);
  const later = (ms: number) => {
    nowMs += ms;
  };
  return { server, account, look, later };
}

function callerXml(account: string): ServerReply {
  const body = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
    <Arn>arn:aws:iam::${account}:user/ci</Arn><UserId>U</UserId><Account>${account}</Account>
    </GetCallerIdentityResult></GetCallerIdentityResponse>`;
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

async function startSts(reply: ServerReply): Promise<AwsServer> {
  return closing(await startAwsServer(() => reply));
}

describe("an authorizer's state", () => {
  test.each([
    ["it was modified", { lastModifiedDate: 1_700_000_001 }],
    ["a key was replaced", { tokenSigningPublicKeys: { k1: "PEM 1", k2: "PEM 3" } }],
    ["a key was removed", { tokenSigningPublicKeys: { k1: "PEM 1" } }],
    ["another token key is read", { tokenKeyName: "y-token" }],
    ["it was switched off", { status: "INACTIVE" }],
    ["signing was switched off", { signingDisabled: true }],
  ])("differs where %s, as soon as what was asked is 5 s old", async (_name, changes) => {
    const { account, look, later } = await startIdentity();
    const before = await look();
    expect(before.authorizers).toMatchObject([{ name: "fleet", state: { kind: "known" } }]);
    account.authorizer = authorizer(changes);
    expect(await look()).toEqual(before);
    later(5_001);
    expect((await look()).authorizers).not.toEqual(before.authorizers);
  });

  test("is the same in whatever order AWS lists its keys", async () => {
    const { account, look, later } = await startIdentity();
    const before = await look();
    account.authorizer = authorizer({ tokenSigningPublicKeys: { k2: "PEM 2", k1: "PEM 1" } });
    later(5_001);
    expect((await look()).authorizers).toEqual(before.authorizers);
  });

  test("is asked once for all who ask at once, and told in the order of names", async () => {
    const { server, look } = await startIdentity();
    const [found] = await Promise.all([look(["b", "a"]), look(["a", "b"]), look(["a"])]);
    expect(found.authorizers.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(server.requests.filter(({ path }) => path.startsWith("/authorizer/"))).toHaveLength(2);
  });

  test("is known to be absent, or not checked with the reason", async () => {
    const { account, look, later } = await startIdentity();
    account.authorizer = awsError(404, "ResourceNotFoundException");
    expect((await look(["gone", "no name"])).authorizers.map(({ state }) => state)).toEqual([
      { kind: "known", value: "absent" },
      { kind: "known", value: "absent" },
    ]);
    later(5_001);
    account.authorizer = NOT_PERMITTED;
    expect((await look()).authorizers[0]?.state).toEqual({
      kind: "not-checked",
      reason: expect.stringContaining("DescribeAuthorizer: AccessDeniedException"),
    });
  });
});

describe("who answers", () => {
  test.each([
    ["iot.eu-west-1.amazonaws.com", true],
    ["data.iot.cn-north-1.amazonaws.com.cn", true],
    ["iot.eu-west-1.api.aws", true],
    ["amazonaws.com.example.org", false],
    ["iot.eu-west-1.amazonaws.com.evil.example", false],
    ["notamazonaws.com", false],
    ["127.0.0.1", false],
  ])("%s: AWS %s", (host, isAws) => {
    expect(isAwsHost(host)).toBe(isAws);
    expect(realmOf(host, {})).toBe(isAws ? "aws" : "custom");
    expect(realmOf(host, { "x-fleet-smoke-emulator": "1" })).toBe("emulator");
  });

  test("is something else where the configuration points elsewhere, and never asked for AWS's credentials", async () => {
    const { look } = await startIdentity();
    expect(await look()).toMatchObject({
      realm: "custom",
      callerAccountId: { kind: "not-checked", reason: "the target's API is not AWS's own" },
    });
  });

  test("is the emulator where its answers say so, errors included", async () => {
    const { account, look } = await startIdentity();
    account.headers = { "x-fleet-smoke-emulator": "1" };
    account.authorizer = NOT_PERMITTED;
    expect((await look()).realm).toBe("emulator");
  });

  test("is the emulator where it is ours", async () => {
    const emulator = await startTestEmulator();
    onTestFinished(() => emulator.stop());
    const clients = createClients(CALLER);
    const dependencies = { pacer: createPacer({}), observer: { awsRequest: () => {} }, clients };
    const identity = createIdentity({ ...dependencies, describe: createDescribe(dependencies) });
    onTestFinished(() => {
      identity.close();
      clients.close();
    });
    const target = targetOf({ controlPlaneEndpoint: emulator.api, endpoint: ENDPOINT });
    expect(await identity.of(target, ["open-door"], NEVER)).toMatchObject({
      realm: "emulator",
      endpointIsOurs: { kind: "known", value: true },
      authorizers: [
        { name: "open-door", state: { kind: "known", value: expect.stringMatching(/^20\d\d-/) } },
      ],
    });
  });
});

describe("the endpoint", () => {
  test.each([
    ["the account's own", { endpoint: OWN }, { kind: "known", value: true }],
    [
      "nobody's in this account",
      { endpoint: "b2-ats.iot.eu-west-1.amazonaws.com" },
      { kind: "known", value: false },
    ],
  ])("is %s", async (_name, changes, endpointIsOurs) => {
    const { look } = await startIdentity(changes);
    expect((await look()).endpointIsOurs).toEqual(endpointIsOurs);
  });

  test("is not checked where AWS may not be asked", async () => {
    const { account, look } = await startIdentity();
    account.endpoint = NOT_PERMITTED;
    expect((await look()).endpointIsOurs).toMatchObject({ kind: "not-checked" });
  });
});

describe("the account of the credentials", () => {
  test("is what STS says", async () => {
    const { look } = await startIdentity({}, await startSts(callerXml("999999999999")));
    expect((await look()).callerAccountId).toEqual({ kind: "known", value: "999999999999" });
  });

  test.each([
    ["refuses", { status: 403, headers: { "content-type": "text/xml" }, body: "<ErrorResponse/>" }],
    ["breaks off", "reset" as const],
    ["answers nonsense", callerXml("not an account")],
  ])("is not checked where STS %s", async (_name, reply) => {
    const { look } = await startIdentity({}, await startSts(reply));
    expect((await look()).callerAccountId).toMatchObject({
      kind: "not-checked",
      reason: expect.stringContaining("GetCallerIdentity"),
    });
  });
});
