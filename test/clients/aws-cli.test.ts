import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CALLER, ENDPOINT } from "../support/emulator.ts";
import { AWS_CLI, runForeign } from "./foreign.ts";
import { SIGNATURE, startWorld, TOKEN, type World } from "./world.ts";

/** The AWS CLI (version 2, Debian's) against the API. A call takes it half a second, so calls are few. */

const FAULTS = [
  { match: { authorizer: "throttled" }, kind: "api-throttle" },
  { match: { authorizer: "broken" }, kind: "api-5xx" },
  { match: { authorizer: "overloaded" }, kind: "api-5xx", code: 503 },
];

let world: World;
beforeAll(async () => {
  world = await startWorld({ faults: FAULTS });
});
afterAll(() => world.end());

/** Its exit code where the service refused the call (AWS CLI user guide, return codes). */
const SERVICE_REFUSED = 254;

interface Reply {
  readonly error: string | null;
  readonly operation: string | null;
  readonly answer: Record<string, unknown>;
}

interface Caller {
  readonly key?: string;
  readonly secret?: string;
  readonly token?: string;
}

const { accessKeyId, secretAccessKey } = CALLER;

async function aws(
  args: readonly string[],
  { key = accessKeyId, secret = secretAccessKey, token }: Caller = {},
  { emulator } = world,
): Promise<Reply> {
  const options = ["--endpoint-url", emulator.api, "--region", "eu-west-1", "--output", "json"];
  const env = {
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    ...(token !== undefined && { AWS_SESSION_TOKEN: token }),
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_MAX_ATTEMPTS: "1",
    AWS_PAGER: "",
  };
  const { code, stdout, stderr } = await runForeign(AWS_CLI, ["iot", ...args, ...options], { env });
  const refused = /An error occurred \((\w+)\) when calling the (\w+) operation/.exec(stderr);
  expect({ code, stderr }).toEqual(
    refused ? { code: SERVICE_REFUSED, stderr: expect.any(String) } : { code: 0, stderr: "" },
  );
  const [, error = null, operation = null] = refused ?? [];
  return { error, operation, answer: stdout.trim() === "" ? {} : JSON.parse(stdout) };
}

/** Calls that do not depend on one another, two at a time. */
function all(calls: readonly (() => Promise<Reply>)[]): Promise<Reply[]> {
  const two = pLimit(2);
  return Promise.all(calls.map((call) => two(call)));
}

const invoke = (authorizer: string, ...args: string[]) => [
  ...["test-invoke-authorizer", "--authorizer-name", authorizer],
  ...args,
];
const mqttContext = (username: string, password = "right") => [
  "--mqtt-context",
  JSON.stringify({ username, password: Buffer.from(password).toString("base64"), clientId: "c1" }),
];
const answered = (answer: object) => ({ error: null, answer: expect.objectContaining(answer) });

describe("AWS CLI", () => {
  test("asks an authorizer", async () => {
    const replies = await all([
      () => aws(invoke("open-door", ...mqttContext("device"))),
      () => aws(invoke("open-door", ...mqttContext("device", "wrong"))),
      () => aws(invoke("signed", "--token", TOKEN, "--token-signature", SIGNATURE)),
    ]);
    const allowed = answered({
      isAuthenticated: true,
      principalId: "device",
      policyDocuments: [expect.stringContaining('"Effect":"Allow"')],
      refreshAfterInSeconds: 300,
      disconnectAfterInSeconds: 86_400,
    });
    expect(replies).toMatchObject([allowed, answered({ isAuthenticated: false }), allowed]);
  });

  test("reads each exception of TestInvokeAuthorizer, and the front end's", async () => {
    const unauthorized = await startWorld({
      credentials: [{ ...CALLER, deny: ["TestInvokeAuthorizer"] }],
      behaviours: { callerNotPermitted: "UnauthorizedException" },
    });
    onTestFinished(() => unauthorized.end());
    const cases: readonly (readonly [string, () => Promise<Reply>])[] = [
      ["InvalidRequestException", () => aws(invoke("open-door", "--token-signature", "not base64"))],
      ["InvalidResponseException", () => aws(invoke("open-door", ...mqttContext("dashed")))],
      ["ResourceNotFoundException", () => aws(invoke("nobody"))],
      ["ThrottlingException", () => aws(invoke("throttled"))],
      ["InternalFailureException", () => aws(invoke("broken"))],
      ["ServiceUnavailableException", () => aws(invoke("overloaded"))],
      ["UnauthorizedException", () => aws(invoke("open-door"), {}, unauthorized)],
      ["InvalidSignatureException", () => aws(invoke("open-door"), { secret: "wrong" })],
      ["UnrecognizedClientException", () => aws(invoke("open-door"), { key: "stranger" })],
      [
        "ExpiredTokenException",
        () => aws(invoke("open-door"), { key: "expired", secret: "x", token: "token" }),
      ],
      ["AccessDeniedException", () => aws(invoke("open-door"), { key: "denied", secret: "x" })],
    ];
    const replies = await all(cases.map(([, call]) => call));
    expect(replies).toMatchObject(cases.map(([error]) => ({ error, operation: "TestInvokeAuthorizer" })));
  });

  test("takes an authorizer from its creation to its deletion", async () => {
    const name = ["--authorizer-name", "from-cli"];
    const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:open-door";
    const create = [
      ...["create-authorizer", ...name, "--authorizer-function-arn", functionArn, "--status", "ACTIVE"],
      ...[
        "--token-key-name",
        "x-token",
        "--token-signing-public-keys",
        JSON.stringify({ k1: world.publicKey }),
      ],
    ];
    const named = {
      authorizerName: "from-cli",
      authorizerArn: expect.stringMatching(/authorizer\/from-cli$/),
    };
    const description = { ...named, status: "ACTIVE", tokenSigningPublicKeys: { k1: world.publicKey } };

    expect(await aws(create)).toMatchObject(answered(named));
    expect(await aws(["set-default-authorizer", ...name])).toMatchObject(answered(named));
    expect(
      await all([
        () => aws(create),
        () => aws(["describe-authorizer", ...name]),
        () => aws(["describe-default-authorizer"]),
        () => aws(["delete-authorizer", ...name]),
        () => aws(["list-authorizers", "--status", "ACTIVE"]),
      ]),
    ).toMatchObject([
      { error: "ResourceAlreadyExistsException", operation: "CreateAuthorizer" },
      answered({ authorizerDescription: expect.objectContaining(description) }),
      answered({ authorizerDescription: expect.objectContaining(description) }),
      { error: "DeleteConflictException", operation: "DeleteAuthorizer" },
      answered({ authorizers: expect.arrayContaining([named]) }),
    ]);
    expect(
      await all([
        () => aws(["update-authorizer", ...name, "--status", "INACTIVE"]),
        () => aws(["clear-default-authorizer"]),
      ]),
    ).toMatchObject([answered(named), { error: null }]);
    expect(await aws(["delete-authorizer", ...name])).toMatchObject({ error: null });
  });

  test("asks for endpoints and domain configurations", async () => {
    expect(
      await all([
        () => aws(["describe-endpoint", "--endpoint-type", "iot:Data-ATS"]),
        () => aws(["describe-endpoint", "--endpoint-type", "iot:Nonsense"]),
        () => aws(["describe-domain-configuration", "--domain-configuration-name", "iot:Data-ATS"]),
        () => aws(["list-domain-configurations"]),
      ]),
    ).toMatchObject([
      answered({ endpointAddress: ENDPOINT }),
      { error: "InvalidRequestException", operation: "DescribeEndpoint" },
      answered({ domainName: ENDPOINT, domainConfigurationStatus: "ENABLED" }),
      answered({
        domainConfigurations: [expect.objectContaining({ domainConfigurationName: "iot:Data-ATS" })],
      }),
    ]);
  });

  test("starts a job and stops it", async () => {
    const id = ["--job-id", "rollout-2"];
    const targets = ["--targets", "arn:aws:iot:eu-west-1:123456789012:thing/pump-1"];
    const create = ["create-job", ...id, ...targets, "--document", '{"firmware":"4.2.0"}'];
    const cancel = [
      "cancel-job",
      ...id,
      "--reason-code",
      "UNEXPECTED_ACCEPT",
      "--comment",
      "no-go",
      "--force",
    ];
    const named = { jobId: "rollout-2", jobArn: expect.stringMatching(/job\/rollout-2$/) };
    expect(await aws(create)).toMatchObject(answered(named));
    expect(
      await all([
        () => aws(create),
        () => aws(["describe-job", ...id]),
        () => aws(["cancel-job", ...id, "--reason-code", "lower case"]),
      ]),
    ).toMatchObject([
      { error: "ResourceAlreadyExistsException", operation: "CreateJob" },
      answered({ job: expect.objectContaining({ ...named, status: "IN_PROGRESS" }) }),
      { error: "InvalidRequestException", operation: "CancelJob" },
    ]);
    expect(await aws(cancel)).toMatchObject(answered(named));
    expect(await aws(["describe-job", ...id])).toMatchObject(
      answered({
        job: expect.objectContaining({
          status: "CANCELED",
          reasonCode: "UNEXPECTED_ACCEPT",
          forceCanceled: true,
        }),
      }),
    );
  });
});
