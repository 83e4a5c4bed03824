import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CALLER, connectMqtt, ENDPOINT } from "../support/emulator.ts";
import { PYTHON, runForeign } from "./foreign.ts";
import { SIGNATURE, STRANGERS_SIGNATURE, startWorld, TOKEN, type World } from "./world.ts";

/** boto3, AWS's SDK for Python, of 2022 (it signs for `execute-api`), against the API. */

const SCRIPT = new URL("boto3-calls.py", import.meta.url).pathname;
const KNOWN = [CALLER.accessKeyId, CALLER.secretAccessKey];

interface Call {
  readonly operation?: string;
  readonly arguments?: object;
  /** Asks for page after page of this size. */
  readonly pageSize?: number;
  readonly signed?: object;
  readonly caller?: readonly string[];
  readonly region?: string;
}

interface Reply {
  readonly status: number;
  readonly requestId: string | null;
  readonly answer?: Record<string, unknown>;
  readonly exception?: string;
  readonly code?: string;
  readonly message?: string;
}

async function boto3(calls: readonly Call[], { emulator } = world): Promise<Reply[]> {
  const task = { endpoint: emulator.api, calls: calls.map((call) => ({ caller: KNOWN, ...call })) };
  const { code, stdout, stderr } = await runForeign(PYTHON, [SCRIPT], { input: JSON.stringify(task) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const replies: Reply[] = JSON.parse(stdout);
  const whole = replies.filter((_reply, index) => calls[index]?.pageSize === undefined);
  for (const { requestId } of whole) expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  return replies;
}

let world: World;
beforeAll(async () => {
  world = await startWorld({ defaultAuthorizer: "open-door" });
});
afterAll(() => world.end());

function call(operation: string, args: object = {}): Call {
  return { operation, arguments: args };
}

function invoke(changes: object = {}): Call {
  return call("test_invoke_authorizer", { authorizerName: "open-door", ...changes });
}

function failed(name: string, status: number): object {
  return expect.objectContaining({ exception: name, code: name, status });
}

function answered(answer: object): object {
  return expect.objectContaining({ status: 200, answer: expect.objectContaining(answer) });
}

/** GetConnection, which Debian's boto3 does not know. */
function connection(clientId: string, service = "iotdata"): Call {
  return { signed: { service, method: "GET", path: `/connections/${clientId}` } };
}

const mqttContext = (username: string, password = "right") => ({ username, password, clientId: "c1" });

describe("boto3", () => {
  test("asks an authorizer", async () => {
    const context = { authorizerName: "signed", token: TOKEN };
    const replies = await boto3([
      invoke({ mqttContext: mqttContext("device") }),
      invoke({ httpContext: { headers: { "x-password": "right" }, queryString: "?a=b" } }),
      invoke({ mqttContext: mqttContext("device", "wrong"), tlsContext: { serverName: ENDPOINT } }),
      invoke({ ...context, tokenSignature: SIGNATURE }),
    ]);
    const allowed = answered({
      isAuthenticated: true,
      principalId: "device",
      policyDocuments: [expect.stringContaining('"Effect":"Allow"')],
      refreshAfterInSeconds: 300,
      disconnectAfterInSeconds: 86_400,
    });
    expect(replies).toEqual([allowed, allowed, answered({ isAuthenticated: false }), allowed]);
  });

  test("gets the exceptions of TestInvokeAuthorizer that a request or an authorizer causes", async () => {
    const signed = { authorizerName: "signed", token: TOKEN };
    expect(
      await boto3([
        invoke({ tokenSignature: "not base64" }),
        invoke({ authorizerName: "no.such.pattern" }),
        invoke({ mqttContext: { clientId: "x".repeat(65_536) } }),
        invoke({ ...signed, tokenSignature: STRANGERS_SIGNATURE }),
        invoke(signed),
        invoke({ mqttContext: mqttContext("dashed") }),
        invoke({ mqttContext: mqttContext("throws") }),
        invoke({ authorizerName: "nobody" }),
      ]),
    ).toEqual([
      ...Array(5).fill(failed("InvalidRequestException", 400)),
      failed("InvalidResponseException", 400),
      failed("InvalidResponseException", 400),
      failed("ResourceNotFoundException", 404),
    ]);
  });

  test("gets the front end's 403s for callers that are not known or not permitted", async () => {
    const as = (...caller: string[]) => ({ ...invoke(), caller });
    const replies = await boto3([
      as("test", "wrong"),
      as("stranger", "x"),
      as("expired", "x", "token"),
      as("denied", "x"),
      { ...invoke(), region: "us-east-1" },
      { ...call("describe_endpoint"), caller: ["denied", "x"] },
    ]);
    expect(replies.map(({ code, status }) => [code, status])).toEqual([
      ["InvalidSignatureException", 403],
      ["UnrecognizedClientException", 403],
      ["ExpiredTokenException", 403],
      ["AccessDeniedException", 403],
      ["InvalidSignatureException", 403],
      [undefined, 200],
    ]);
  });

  test("creates, changes, lists and deletes an authorizer", async () => {
    const name = { authorizerName: "made-here" };
    const create = call("create_authorizer", {
      ...name,
      authorizerFunctionArn: "arn:aws:lambda:eu-west-1:123456789012:function:open-door",
      tokenKeyName: "x-token",
      tokenSigningPublicKeys: { k1: world.publicKey },
      status: "ACTIVE",
    });
    const replies = await boto3([
      create,
      create,
      call("create_authorizer", { authorizerName: "keyless", authorizerFunctionArn: "arn:aws:lambda:x" }),
      call("describe_authorizer", name),
      call("set_default_authorizer", name),
      call("describe_default_authorizer"),
      call("delete_authorizer", name),
      call("update_authorizer", { ...name, status: "INACTIVE", enableCachingForHttp: true }),
      call("list_authorizers", { status: "INACTIVE", pageSize: 1, ascendingOrder: false }),
      call("clear_default_authorizer"),
      call("describe_default_authorizer"),
      call("delete_authorizer", name),
      call("describe_authorizer", name),
      call("update_authorizer", { ...name, status: "ACTIVE" }),
      call("delete_authorizer", name),
      call("set_default_authorizer", name),
      call("list_authorizers", { marker: "no number" }),
      call("update_authorizer", { authorizerName: "signed", tokenKeyName: "a key" }),
    ]);
    const named = { ...name, authorizerArn: "arn:aws:iot:eu-west-1:123456789012:authorizer/made-here" };
    const gone = failed("ResourceNotFoundException", 404);
    const description = {
      ...named,
      authorizerFunctionArn: "arn:aws:lambda:eu-west-1:123456789012:function:open-door",
      tokenKeyName: "x-token",
      tokenSigningPublicKeys: { k1: world.publicKey },
      status: "ACTIVE",
      signingDisabled: false,
      enableCachingForHttp: false,
      creationDate: expect.stringMatching(/^20\d\d-\d\d-\d\d /),
      lastModifiedDate: expect.stringMatching(/^20\d\d-\d\d-\d\d /),
    };
    expect(replies).toEqual([
      answered(named),
      failed("ResourceAlreadyExistsException", 409),
      failed("InvalidRequestException", 400),
      answered({ authorizerDescription: description }),
      answered(named),
      answered({ authorizerDescription: description }),
      failed("DeleteConflictException", 409),
      answered(named),
      answered({ authorizers: [named], nextMarker: expect.any(String) }),
      answered({}),
      gone,
      answered({}),
      ...[gone, gone, gone, gone],
      failed("InvalidRequestException", 400),
      failed("InvalidRequestException", 400),
    ]);
  });

  test("turns the pages of a list", async () => {
    const names = ["asleep", "deaf", "elsewhere", "narrow", "open-door", "signed"];
    const pages = { operation: "list_authorizers", pageSize: 2 };
    const [up, down] = await boto3([pages, { ...pages, arguments: { ascendingOrder: false } }]);
    const listed = (order: readonly string[]) =>
      answered({ authorizers: order.map((authorizerName) => expect.objectContaining({ authorizerName })) });
    expect([up, down]).toEqual([listed(names), listed(names.toReversed())]);
  });

  test("may keep 32 authorizers active", async () => {
    const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:open-door";
    const many = Array.from({ length: 32 }, (_, index) =>
      call("create_authorizer", {
        authorizerName: `active-${index}`,
        authorizerFunctionArn: functionArn,
        signingDisabled: true,
        status: "ACTIVE",
      }),
    );
    const other = await startWorld();
    onTestFinished(() => other.end());
    const replies = await boto3(many, other);
    expect(replies.at(0)).toEqual(answered({ authorizerName: "active-0" }));
    expect(replies.at(-1)).toEqual(failed("LimitExceededException", 410));
  });

  test("asks for endpoints and domain configurations", async () => {
    expect(
      await boto3([
        call("describe_endpoint", { endpointType: "iot:Data-ATS" }),
        call("describe_endpoint", { endpointType: "iot:Nonsense" }),
        call("describe_domain_configuration", { domainConfigurationName: "iot:Data-ATS" }),
        call("describe_domain_configuration", { domainConfigurationName: "nowhere" }),
        call("list_domain_configurations", { serviceType: "DATA" }),
      ]),
    ).toEqual([
      answered({ endpointAddress: ENDPOINT }),
      failed("InvalidRequestException", 400),
      answered({
        domainName: ENDPOINT,
        domainConfigurationStatus: "ENABLED",
        domainType: "ENDPOINT",
        serviceType: "DATA",
        authorizerConfig: { defaultAuthorizerName: "open-door", allowAuthorizerOverride: true },
      }),
      failed("ResourceNotFoundException", 404),
      answered({
        domainConfigurations: [
          expect.objectContaining({ domainConfigurationName: "iot:Data-ATS", serviceType: "DATA" }),
        ],
      }),
    ]);
  });

  test("starts a job and stops it", async () => {
    const job = { jobId: "rollout-1" };
    const create = call("create_job", {
      ...job,
      targets: ["arn:aws:iot:eu-west-1:123456789012:thing/pump-1"],
      document: '{"firmware":"4.2.0"}',
      jobExecutionsRolloutConfig: { maximumPerMinute: 10 },
    });
    const cancel = (changes: object) => call("cancel_job", { ...job, ...changes });
    const replies = await boto3([
      create,
      create,
      call("describe_job", job),
      cancel({ reasonCode: "lower case" }),
      cancel({ comment: "two\nlines" }),
      { ...cancel({}), caller: ["denied", "x"] },
      cancel({ reasonCode: "UNEXPECTED_ACCEPT", comment: "no-go", force: true }),
      call("describe_job", job),
      call("describe_job", { jobId: "none" }),
      call("cancel_job", { jobId: "none" }),
      call("create_job", { jobId: "bare", targets: ["arn:aws:iot:eu-west-1:123456789012:thing/pump-1"] }),
      call("create_job", { jobId: "no target", targets: ["pump-1"], document: "{}" }),
    ]);
    const named = { ...job, jobArn: "arn:aws:iot:eu-west-1:123456789012:job/rollout-1" };
    expect(replies).toEqual([
      answered(named),
      failed("ResourceAlreadyExistsException", 409),
      answered({
        job: expect.objectContaining({
          ...named,
          status: "IN_PROGRESS",
          jobExecutionsRolloutConfig: { maximumPerMinute: 10 },
        }),
      }),
      failed("InvalidRequestException", 400),
      failed("InvalidRequestException", 400),
      expect.objectContaining({ code: "AccessDeniedException", status: 403 }),
      answered(named),
      answered({
        job: expect.objectContaining({
          status: "CANCELED",
          reasonCode: "UNEXPECTED_ACCEPT",
          comment: "no-go",
          forceCanceled: true,
        }),
      }),
      failed("ResourceNotFoundException", 404),
      failed("ResourceNotFoundException", 404),
      failed("InvalidRequestException", 400),
      failed("InvalidRequestException", 400),
    ]);
  });

  test("asks what is connected, with requests that botocore signs", async () => {
    const device = await connectMqtt(world.emulator, { clientId: "seen-1", keepalive: 60 });
    const thing: Call = {
      signed: { service: "iot", method: "POST", path: "/things/seen-1/connectivity-data", body: {} },
    };
    const online = await boto3([
      thing,
      connection("seen-1"),
      connection("unseen", "iotdevicegateway"),
      connection("%24seen"),
      { ...connection("seen-1"), caller: ["test", "wrong"] },
      { ...thing, signed: { ...thing.signed, path: "/things/no%20name/connectivity-data" } },
    ]);
    await device.endAsync();
    expect(online).toEqual([
      answered({ thingName: "seen-1", connected: true, timestamp: expect.any(Number) }),
      answered({ connected: true, connectedSince: expect.any(Number) }),
      failed("ResourceNotFoundException", 404),
      failed("InvalidRequestException", 400),
      failed("InvalidSignatureException", 403),
      failed("InvalidRequestException", 400),
    ]);
    const [offline] = await boto3([thing]);
    expect(offline).toEqual(answered({ connected: false, disconnectReason: "CLIENT_INITIATED_DISCONNECT" }));
  });
});

/** Every operation that Debian's boto3 knows, with arguments that are in order. */
const EVERY_OPERATION: readonly Call[] = [
  invoke(),
  call("describe_authorizer", { authorizerName: "signed" }),
  call("describe_default_authorizer"),
  call("list_authorizers"),
  call("create_authorizer", { authorizerName: "n", authorizerFunctionArn: "arn", signingDisabled: true }),
  call("update_authorizer", { authorizerName: "signed", status: "ACTIVE" }),
  call("set_default_authorizer", { authorizerName: "signed" }),
  call("clear_default_authorizer"),
  call("delete_authorizer", { authorizerName: "asleep" }),
  call("describe_endpoint", { endpointType: "iot:Data-ATS" }),
  call("describe_domain_configuration", { domainConfigurationName: "iot:Data-ATS" }),
  call("list_domain_configurations"),
  call("create_job", {
    jobId: "j",
    targets: ["arn:aws:iot:eu-west-1:123456789012:thing/t"],
    document: "{}",
  }),
  call("describe_job", { jobId: "j" }),
  call("cancel_job", { jobId: "j" }),
];

test.each([
  ["ThrottlingException", 400, { faults: [{ kind: "api-throttle" }] }],
  ["InternalFailureException", 500, { faults: [{ kind: "api-5xx" }] }],
  ["ServiceUnavailableException", 503, { faults: [{ kind: "api-5xx", code: 503 }] }],
  [
    "UnauthorizedException",
    401,
    {
      behaviours: { callerNotPermitted: "UnauthorizedException" },
      credentials: [
        {
          ...CALLER,
          deny: EVERY_OPERATION.map(({ operation = "" }) =>
            operation.replace(/(^|_)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase()),
          ),
        },
      ],
    },
  ],
])("boto3 reads %s (%i) from every operation", async (name, status, changes) => {
  const struck = await startWorld(changes);
  onTestFinished(() => struck.end());
  const replies = await boto3(EVERY_OPERATION, struck);
  expect(replies).toEqual(EVERY_OPERATION.map(() => failed(name, status)));
});

test("boto3 is throttled beyond the quota, each operation by itself", async () => {
  const quotas = {
    invokesPerSecond: 0.001,
    callsPerSecond: 0.001,
    burst: 1,
    connectionQueriesPerSecondPerClientId: 0.001,
  };
  const slow = await startWorld({ quotas });
  onTestFinished(() => slow.end());
  // There is no default authorizer here.
  const once = EVERY_OPERATION.filter(({ operation }) => operation !== "describe_default_authorizer");
  const replies = await boto3([...once, ...once, connection("c1"), connection("c1")], slow);
  expect(replies.map(({ status, code }) => code ?? status)).toEqual([
    ...once.map(() => 200),
    ...once.map(() => "ThrottlingException"),
    ...["ResourceNotFoundException", "ThrottlingException"],
  ]);
  expect(replies.slice(once.length).map(({ status }) => status)).toEqual([...once.map(() => 400), 404, 429]);
});
