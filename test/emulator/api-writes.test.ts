import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import {
  ClearDefaultAuthorizerCommand,
  CreateAuthorizerCommand,
  DeleteAuthorizerCommand,
  DescribeAuthorizerCommand,
  DescribeDefaultAuthorizerCommand,
  IoTClient,
  ListAuthorizersCommand,
  SetDefaultAuthorizerCommand,
  TestInvokeAuthorizerCommand,
  UpdateAuthorizerCommand,
} from "@aws-sdk/client-iot";
import { expect, onTestFinished, test } from "vitest";
import { CALLER, connackOf, ENDPOINT, startTestEmulator, type TestEmulator } from "../support/emulator.ts";

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = KEYS.publicKey.export({ type: "spki", format: "pem" }).toString();
const FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:open-door";

async function start(changes: object = {}): Promise<{ emulator: TestEmulator; aws: IoTClient }> {
  const emulator = await startTestEmulator({
    domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT }],
    ...changes,
  });
  const aws = new IoTClient({
    region: "eu-west-1",
    endpoint: emulator.api,
    credentials: { ...CALLER },
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    aws.destroy();
    await emulator.stop();
  });
  return { emulator, aws };
}

test("an authorizer lives from its creation to its deletion", async () => {
  const { emulator, aws } = await start();
  const authorizerName = "made";
  const created = await aws.send(
    new CreateAuthorizerCommand({
      authorizerName,
      authorizerFunctionArn: FUNCTION,
      signingDisabled: true,
      status: "ACTIVE",
    }),
  );
  expect(created).toMatchObject({
    authorizerName,
    authorizerArn: "arn:aws:iot:eu-west-1:123456789012:authorizer/made",
  });
  expect(await connackOf(emulator, { username: "device?x-amz-customauthorizer-name=made" })).toBe(0);
  expect(await connackOf(emulator)).toBe("closed");

  await aws.send(new SetDefaultAuthorizerCommand({ authorizerName }));
  expect(await connackOf(emulator)).toBe(0);
  const { authorizerDescription } = await aws.send(new DescribeDefaultAuthorizerCommand({}));
  expect(authorizerDescription?.authorizerName).toBe(authorizerName);

  await expect(aws.send(new DeleteAuthorizerCommand({ authorizerName }))).rejects.toMatchObject({
    name: "DeleteConflictException",
    $metadata: { httpStatusCode: 409 },
  });
  await aws.send(new UpdateAuthorizerCommand({ authorizerName, status: "INACTIVE" }));
  expect(await connackOf(emulator)).toBe("closed");
  await aws.send(new DeleteAuthorizerCommand({ authorizerName }));
  await expect(aws.send(new DescribeAuthorizerCommand({ authorizerName }))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  await expect(aws.send(new DescribeDefaultAuthorizerCommand({}))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
});

test.each([
  [{}, "INACTIVE"],
  [{ createdStatus: "ACTIVE" }, "ACTIVE"],
])("behaviours %j: one created without a status is %s", async (behaviours, expected) => {
  const { aws } = await start({ behaviours });
  const authorizerName = "new";
  await aws.send(
    new CreateAuthorizerCommand({ authorizerName, authorizerFunctionArn: FUNCTION, signingDisabled: true }),
  );
  const { authorizerDescription } = await aws.send(new DescribeAuthorizerCommand({ authorizerName }));
  expect(authorizerDescription?.status).toBe(expected);
});

test("keys can be rotated, and a function that is not there may not be invoked", async () => {
  const { aws } = await start();
  const authorizerName = "signed";
  const base = { authorizerName, authorizerFunctionArn: `${FUNCTION}-none` };
  await aws.send(
    new CreateAuthorizerCommand({ ...base, tokenKeyName: "t", tokenSigningPublicKeys: { k1: PEM } }),
  );
  await aws.send(
    new UpdateAuthorizerCommand({ authorizerName, tokenSigningPublicKeys: { k1: PEM, k2: PEM } }),
  );
  const { authorizerDescription } = await aws.send(new DescribeAuthorizerCommand({ authorizerName }));
  expect(authorizerDescription).toMatchObject({
    status: "INACTIVE",
    tokenSigningPublicKeys: { k1: PEM, k2: PEM },
  });
  await aws.send(new CreateAuthorizerCommand({ ...base, authorizerName: "nothing", signingDisabled: true }));
  await expect(
    aws.send(new TestInvokeAuthorizerCommand({ authorizerName: "nothing" })),
  ).rejects.toMatchObject({
    name: "InvalidResponseException",
  });
});

test("what breaks the model or a rule is refused with the documented exception", async () => {
  const { aws } = await start({ behaviours: { setDefaultAgain: "ResourceAlreadyExistsException" } });
  const create = (input: object) =>
    aws.send(
      new CreateAuthorizerCommand({
        authorizerName: "new",
        authorizerFunctionArn: FUNCTION,
        signingDisabled: true,
        ...input,
      }),
    );
  await expect(create({ authorizerName: "open-door" })).rejects.toMatchObject({
    name: "ResourceAlreadyExistsException",
    $metadata: { httpStatusCode: 409 },
  });
  const invalid = { name: "InvalidRequestException", $metadata: { httpStatusCode: 400 } };
  await expect(create({ authorizerName: "a b" })).rejects.toMatchObject(invalid);
  await expect(create({ signingDisabled: undefined })).rejects.toMatchObject(invalid);
  await expect(create({ tokenKeyName: "a b" })).rejects.toMatchObject(invalid);
  await expect(create({ tokenSigningPublicKeys: { k: "no key" } })).rejects.toMatchObject(invalid);
  await expect(create({ authorizerFunctionArn: undefined })).rejects.toMatchObject(invalid);
  const unknown = { authorizerName: "nobody" };
  const missing = { name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } };
  await expect(aws.send(new UpdateAuthorizerCommand(unknown))).rejects.toMatchObject(missing);
  await expect(aws.send(new DeleteAuthorizerCommand(unknown))).rejects.toMatchObject(missing);
  await expect(aws.send(new SetDefaultAuthorizerCommand(unknown))).rejects.toMatchObject(missing);
  await create({});
  await aws.send(new SetDefaultAuthorizerCommand({ authorizerName: "open-door" }));
  await aws.send(new SetDefaultAuthorizerCommand({ authorizerName: "open-door" }));
  await expect(aws.send(new SetDefaultAuthorizerCommand({ authorizerName: "new" }))).rejects.toMatchObject({
    name: "ResourceAlreadyExistsException",
  });
  await aws.send(new ClearDefaultAuthorizerCommand({}));
  await aws.send(new SetDefaultAuthorizerCommand({ authorizerName: "new" }));
});

test("32 authorizers may be active, 100 may exist", async () => {
  const { aws } = await start();
  const create = (index: number, status: "ACTIVE" | "INACTIVE") =>
    aws.send(
      new CreateAuthorizerCommand({
        authorizerName: `a${index}`,
        authorizerFunctionArn: FUNCTION,
        signingDisabled: true,
        status,
      }),
    );
  const full = { name: "LimitExceededException", $metadata: { httpStatusCode: 410 } };
  // One is there already, and active.
  for (let index = 1; index < 32; index++) await create(index, "ACTIVE");
  await expect(create(32, "ACTIVE")).rejects.toMatchObject(full);
  for (let index = 32; index < 100; index++) await create(index, "INACTIVE");
  await expect(create(100, "INACTIVE")).rejects.toMatchObject(full);
  const { authorizers } = await aws.send(new ListAuthorizersCommand({}));
  expect(authorizers).toHaveLength(100);
});

test("the API can be served over HTTPS with the emulator's certificate", async () => {
  const { emulator } = await start({ listen: { apiTls: true } });
  expect(emulator.api).toMatch(/^https:/);
  const httpsAgent = new Agent({ ca: readFileSync(emulator.caFile), keepAlive: false });
  const aws = new IoTClient({
    region: "eu-west-1",
    endpoint: emulator.api,
    credentials: { ...CALLER },
    maxAttempts: 1,
    requestHandler: { httpsAgent },
  });
  onTestFinished(() => aws.destroy());
  expect((await aws.send(new ListAuthorizersCommand({}))).authorizers).toHaveLength(1);
});
