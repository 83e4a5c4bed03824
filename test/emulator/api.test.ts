import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeAuthorizerCommand,
  DescribeDefaultAuthorizerCommand,
  DescribeDomainConfigurationCommand,
  DescribeEndpointCommand,
  IoTClient,
  ListAuthorizersCommand,
  ListDomainConfigurationsCommand,
  TestInvokeAuthorizerCommand,
  type TestInvokeAuthorizerCommandInput,
} from "@aws-sdk/client-iot";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  admitted,
  CALLER,
  ENDPOINT,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";
import { signedHeaders } from "../support/signed-request.ts";

const FLEET = generateKeyPairSync("rsa", { modulusLength: 2048 });
const NEXT = generateKeyPairSync("rsa", { modulusLength: 2048 });
const NOBODY = generateKeyPairSync("rsa", { modulusLength: 2048 });

let folder: string;
let emulator: TestEmulator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-keys-"));
  const pem = { type: "spki", format: "pem" } as const;
  writeFileSync(join(folder, "fleet.pem"), FLEET.publicKey.export(pem));
  writeFileSync(join(folder, "next.pem"), NEXT.publicKey.export(pem));
  emulator = await startTestEmulator({
    credentials: [
      CALLER,
      { accessKeyId: "denied", secretAccessKey: "x", deny: ["iot:TestInvokeAuthorizer", "ListAuthorizers"] },
      { accessKeyId: "session", secretAccessKey: "x", sessionToken: "token" },
      { accessKeyId: "expired", secretAccessKey: "x", sessionToken: "token", expired: true },
    ],
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "/^right$/" }, answer: admitted(), gatewayAnswer: {} },
        {
          when: { "headers.X-Device": "d1", queryString: "?a=b", serverName: "sni.example" },
          answer: admitted(),
        },
        { when: { wireUsername: "u?k=v", clientId: "c" }, answer: admitted() },
        { when: { username: "throws" }, error: "boom with right" },
        { when: { username: "dashed" }, answer: { ...admitted(), principalId: "a-b" } },
        { when: { username: "text" }, answer: { isAuthenticated: true } },
      ]),
      {
        name: "signed",
        tokenKeyName: "x-token",
        publicKeyFiles: { k1: join(folder, "fleet.pem"), k2: join(folder, "next.pem") },
        handler: { table: [{ when: { token: "t1" }, answer: admitted() }] },
      },
      tableAuthorizer([], { name: "asleep", status: "INACTIVE" }),
    ],
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT },
      {
        name: "fleet",
        serverName: "iot.example.com",
        defaultAuthorizer: "signed",
        allowAuthorizerOverride: false,
        authenticationType: "CUSTOM_AUTH",
        applicationProtocol: "SECURE_MQTT",
        status: "DISABLED",
      },
    ],
    defaultAuthorizer: "signed",
  });
});
afterAll(async () => {
  await emulator.stop();
  rmSync(folder, { recursive: true });
});

function client(changes: object = {}, at: { readonly api: string } = emulator): IoTClient {
  const made = new IoTClient({
    region: "eu-west-1",
    endpoint: at.api,
    // The SDK writes into what it is given.
    credentials: { ...CALLER },
    maxAttempts: 1,
    ...changes,
  });
  onTestFinished(() => made.destroy());
  return made;
}

function invoke(input: Partial<TestInvokeAuthorizerCommandInput>, changes: object = {}) {
  return client(changes).send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door", ...input }));
}

const mqttContext = (username: string, password = "right") => ({
  username,
  password: new TextEncoder().encode(password),
});

describe("TestInvokeAuthorizer", () => {
  test("answers all five fields, documents as text", async () => {
    const { $metadata, ...answer } = await invoke({ mqttContext: mqttContext("device") });
    expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer).toEqual({
      isAuthenticated: true,
      principalId: "device",
      policyDocuments: [expect.stringContaining('"Effect":"Allow"')],
      refreshAfterInSeconds: 300,
      disconnectAfterInSeconds: 86_400,
    });
  });

  test("hands every context to the authorizer", async () => {
    const answer = await invoke({
      httpContext: { headers: { "x-device": "d1" }, queryString: "?a=b" },
      tlsContext: { serverName: "sni.example" },
    });
    expect(answer.isAuthenticated).toBe(true);
    const raw = await invoke({ mqttContext: { username: "u?k=v", clientId: "c" } });
    expect(raw.isAuthenticated).toBe(true);
  });

  test("answers not authenticated where no row of the table fits", async () => {
    expect(await invoke({ mqttContext: mqttContext("device", "wrong") })).toMatchObject({
      isAuthenticated: false,
    });
    expect(await invoke({})).toMatchObject({ isAuthenticated: false });
  });

  test("accepts a signature by any registered key", async () => {
    for (const { privateKey } of [FLEET, NEXT]) {
      expect(await invoke({ authorizerName: "signed", ...signed("t1", privateKey) })).toMatchObject({
        isAuthenticated: true,
      });
    }
  });

  test.each([
    ["no token", {}, "InvalidRequestException", 400],
    ["no signature", { token: "t1" }, "InvalidRequestException", 400],
    ["a stranger's signature", signed("t1", NOBODY.privateKey), "InvalidRequestException", 400],
    [
      "a signature of another token",
      { ...signed("t2", FLEET.privateKey), token: "t1" },
      "InvalidRequestException",
      400,
    ],
  ])("signing on, %s", async (_what, input, name, status) => {
    await expect(invoke({ authorizerName: "signed", ...input })).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: status },
    });
  });

  test.each([
    ["an unknown authorizer", { authorizerName: "nobody" }, "ResourceNotFoundException", 404],
    ["a base64url signature", { token: "t", tokenSignature: "a-_b" }, "InvalidRequestException", 400],
    ["an empty token", { token: "" }, "InvalidRequestException", 400],
    ["a token over 6144 characters", { token: "x".repeat(6145) }, "InvalidRequestException", 400],
    [
      "a query string over 4096 characters",
      { httpContext: { queryString: "x".repeat(4097) } },
      "InvalidRequestException",
      400,
    ],
    [
      "a server name over 253 characters",
      { tlsContext: { serverName: "x".repeat(254) } },
      "InvalidRequestException",
      400,
    ],
    ["an authorizer that throws", { mqttContext: mqttContext("throws") }, "InvalidResponseException", 400],
    ["a principal id with a dash", { mqttContext: mqttContext("dashed") }, "InvalidResponseException", 400],
    [
      "an answer without principal and policies",
      { mqttContext: mqttContext("text") },
      "InvalidResponseException",
      400,
    ],
  ])("%s", async (_what, input, name, status) => {
    const error: unknown = await invoke(input).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name, $metadata: { httpStatusCode: status } });
    expect(JSON.stringify(error)).not.toContain("boom");
  });

  test("a password keeps its bytes", async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xfe]);
    const answer = await invoke({ mqttContext: { username: "device", password: bytes } });
    expect(answer.isAuthenticated).toBe(false);
  });
});

describe("callers", () => {
  test.each([
    ["a wrong secret", { credentials: { ...CALLER, secretAccessKey: "no" } }, "InvalidSignatureException"],
    [
      "an unknown key",
      { credentials: { accessKeyId: "nobody", secretAccessKey: "x" } },
      "UnrecognizedClientException",
    ],
    [
      "a missing session token",
      { credentials: { accessKeyId: "session", secretAccessKey: "x" } },
      "UnrecognizedClientException",
    ],
    [
      "an expired session token",
      { credentials: { accessKeyId: "expired", secretAccessKey: "x", sessionToken: "token" } },
      "ExpiredTokenException",
    ],
    [
      "a missing permission",
      { credentials: { accessKeyId: "denied", secretAccessKey: "x" } },
      "AccessDeniedException",
    ],
    ["another Region", { region: "us-east-1" }, "InvalidSignatureException"],
    ["a clock an hour behind", { systemClockOffset: -3_600_000 }, "InvalidSignatureException"],
    ["a clock an hour ahead", { systemClockOffset: 3_600_000 }, "InvalidSignatureException"],
  ])("%s is refused with 403", async (_what, changes, name) => {
    await expect(invoke({ mqttContext: mqttContext("device") }, changes)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 403 },
    });
  });

  test("a session token that belongs to the key is accepted", async () => {
    const credentials = { accessKeyId: "session", secretAccessKey: "x", sessionToken: "token" };
    expect(await invoke({}, { credentials })).toMatchObject({ isAuthenticated: false });
  });

  test("an unsigned call is refused", async () => {
    const response = await fetch(`${emulator.api}/authorizers`);
    expect([response.status, response.headers.get("x-amzn-errortype")]).toEqual([
      403,
      "MissingAuthenticationTokenException:",
    ]);
  });
});

describe("describe and list", () => {
  test("DescribeAuthorizer", async () => {
    const { authorizerDescription } = await client().send(
      new DescribeAuthorizerCommand({ authorizerName: "signed" }),
    );
    expect(authorizerDescription).toMatchObject({
      authorizerName: "signed",
      authorizerArn: "arn:aws:iot:eu-west-1:123456789012:authorizer/signed",
      tokenKeyName: "x-token",
      status: "ACTIVE",
      signingDisabled: false,
      enableCachingForHttp: false,
    });
    expect(Object.keys(authorizerDescription?.tokenSigningPublicKeys ?? {})).toEqual(["k1", "k2"]);
    expect(authorizerDescription?.creationDate).toBeInstanceOf(Date);
  });

  test("DescribeDefaultAuthorizer", async () => {
    const { authorizerDescription } = await client().send(new DescribeDefaultAuthorizerCommand({}));
    expect(authorizerDescription?.authorizerName).toBe("signed");
  });

  test("ListAuthorizers pages, sorts and filters", async () => {
    const first = await client().send(new ListAuthorizersCommand({ pageSize: 2, ascendingOrder: false }));
    expect(first.authorizers?.map((each) => each.authorizerName)).toHaveLength(2);
    const second = await client().send(
      new ListAuthorizersCommand({ pageSize: 2, marker: first.nextMarker ?? "" }),
    );
    expect(second.nextMarker).toBeUndefined();
    const asleep = await client().send(new ListAuthorizersCommand({ status: "INACTIVE" }));
    expect(asleep.authorizers?.map((each) => each.authorizerName)).toEqual(["asleep"]);
  });

  test("DescribeEndpoint names the data endpoint", async () => {
    const { endpointAddress } = await client().send(
      new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }),
    );
    expect(endpointAddress).toBe(ENDPOINT);
    const odd = client().send(new DescribeEndpointCommand({ endpointType: "odd" }));
    await expect(odd).rejects.toMatchObject({ name: "InvalidRequestException" });
  });

  test("domain configurations are listed and described", async () => {
    const { domainConfigurations } = await client().send(
      new ListDomainConfigurationsCommand({ serviceType: "DATA" }),
    );
    expect(domainConfigurations?.map((each) => each.domainConfigurationName)).toEqual([
      "iot:Data-ATS",
      "fleet",
    ]);
    const domain = await client().send(
      new DescribeDomainConfigurationCommand({ domainConfigurationName: "fleet" }),
    );
    expect(domain).toMatchObject({
      domainName: "iot.example.com",
      domainConfigurationStatus: "DISABLED",
      domainType: "CUSTOMER_MANAGED",
      authorizerConfig: { defaultAuthorizerName: "signed", allowAuthorizerOverride: false },
      authenticationType: "CUSTOM_AUTH",
      applicationProtocol: "SECURE_MQTT",
    });
    const builtIn = await client().send(
      new DescribeDomainConfigurationCommand({ domainConfigurationName: "iot:Data-ATS" }),
    );
    expect(builtIn).toMatchObject({ domainType: "ENDPOINT", domainName: ENDPOINT });
    const none = client().send(new DescribeDomainConfigurationCommand({ domainConfigurationName: "none" }));
    await expect(none).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});

describe("quotas", () => {
  test("calls beyond the burst are throttled with 400, each operation by itself", async () => {
    const slow = await startTestEmulator({
      quotas: { invokesPerSecond: 0.001, callsPerSecond: 0.001, burst: 2 },
    });
    onTestFinished(() => slow.stop());
    const aws = client({}, slow);
    const call = () => aws.send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door" }));
    await call();
    await call();
    await expect(call()).rejects.toMatchObject({
      name: "ThrottlingException",
      $metadata: { httpStatusCode: 400 },
    });
    await aws.send(new ListAuthorizersCommand({}));
  });
});

describe("switches", () => {
  test("each changes what the API does", async () => {
    const odd = await startTestEmulator({
      authorizers: [
        { ...tableAuthorizer([{ when: { password: "x" }, error: "boom" }]) },
        tableAuthorizer([], { name: "asleep", status: "INACTIVE" }),
        {
          name: "signed",
          tokenKeyName: "t",
          publicKeyFiles: { k: join(folder, "fleet.pem") },
          handler: { table: [] },
        },
      ],
      credentials: [CALLER, { accessKeyId: "denied", secretAccessKey: "x", deny: ["ListAuthorizers"] }],
      behaviours: {
        testInvokeInactive: "InvalidRequestException",
        testInvokeSignatureFailure: "not-authenticated",
        testInvokeFunctionError: "InternalFailureException",
        callerNotPermitted: "UnauthorizedException",
        testInvokeExtractsToken: true,
      },
    });
    onTestFinished(() => odd.stop());
    const aws = client({}, odd);
    const call = (input: TestInvokeAuthorizerCommandInput) =>
      aws.send(new TestInvokeAuthorizerCommand(input));
    await expect(call({ authorizerName: "asleep" })).rejects.toMatchObject({
      name: "InvalidRequestException",
    });
    expect(await call({ authorizerName: "signed" })).toMatchObject({ isAuthenticated: false });
    await expect(
      call({ authorizerName: "open-door", mqttContext: mqttContext("a", "x") }),
    ).rejects.toMatchObject({
      name: "InternalFailureException",
      $metadata: { httpStatusCode: 500 },
    });
    const denied = client({ credentials: { accessKeyId: "denied", secretAccessKey: "x" } }, odd);
    await expect(denied.send(new ListAuthorizersCommand({}))).rejects.toMatchObject({
      name: "UnauthorizedException",
      $metadata: { httpStatusCode: 401 },
    });
  });
});

describe("robustness", () => {
  test.each([
    ["no JSON", "{"],
    ["a list", "[1]"],
    ["null", "null"],
    ["a number where an object is due", '{"mqttContext":1}'],
    ["not UTF-8", new Uint8Array([0xff, 0xfe])],
  ])("a body that is %s is a 4xx, not a crash", async (_what, body) => {
    const response = await signedFetch("/authorizer/open-door/test", body);
    expect(response.status).toBe(400);
  });

  test("a body over 1 MB is refused", async () => {
    expect((await signedFetch("/authorizer/open-door/test", "x".repeat(2_000_000))).status).toBe(413);
  });
});

/** Signed by hand: the SDK sends nothing malformed. */
function signedFetch(path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  const { host } = new URL(emulator.api);
  const headers = signedHeaders({
    ...{ method: "POST", target: path, host, service: "execute-api", body },
    credentials: CALLER,
  });
  return fetch(`${emulator.api}${path}`, { method: "POST", body, headers });
}

function signed(
  token: string,
  privateKey: Parameters<typeof sign>[2],
): { token: string; tokenSignature: string } {
  return { token, tokenSignature: sign("sha256", Buffer.from(token), privateKey).toString("base64") };
}
