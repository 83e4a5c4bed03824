import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createClients } from "../../src/aws/client.ts";
import { createQuotas } from "../../src/aws/quotas.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { awsError, ok, type ServerReply, startAwsServer } from "../support/aws-server.ts";
import { targetOf } from "../support/fixtures.ts";
import { NEVER, useStaticCredentials } from "./aws-parts.ts";

beforeAll(useStaticCredentials);

const INVOKE = { QuotaName: "TestInvokeAuthorizer API TPS", Value: 10 };
const CONNECT = { QuotaName: "Connect requests per second per account", Value: 3000 };
const OTHER = { QuotaName: "DescribeAuthorizer API TPS", Value: 7 };

async function start(...replies: ServerReply[]) {
  let next = 0;
  const server = await startAwsServer(() => replies[Math.min(next++, replies.length - 1)] ?? ok({}));
  const clients = createClients();
  let nowMs = 0;
  const quotas = createQuotas({
    pacer: createPacer({}),
    observer: { awsRequest: () => {} },
    clients,
    endpoint: server.url,
    now: () => nowMs,
  });
  onTestFinished(async () => {
    quotas.close();
    clients.close();
    await server[Symbol.asyncDispose]();
  });
  const read = () => quotas.of(targetOf(), NEVER);
  return { server, read, later: (ms: number) => (nowMs += ms) };
}

test("limits are found by their names, over as many pages as it takes", async () => {
  const { server, read } = await start(
    ok({ Quotas: [OTHER, INVOKE], NextToken: "more" }),
    ok({ Quotas: [CONNECT], NextToken: "and more" }),
  );
  expect(await read()).toEqual({ kind: "known", value: { invokesPerSecond: 10, connectsPerSecond: 3000 } });
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ServiceCode: "iotcore", MaxResults: 100 },
    { ServiceCode: "iotcore", MaxResults: 100, NextToken: "more" },
  ]);
  expect(server.requests[0]?.headers["x-amz-target"]).toBe("ServiceQuotasV20190624.ListServiceQuotas");
});

test("one that is not listed, or is no number, is not known", async () => {
  const { read } = await start(ok({ Quotas: [{ ...INVOKE, Value: "many" }, { Value: 3 }, OTHER] }));
  expect(await read()).toEqual({ kind: "known", value: { invokesPerSecond: null, connectsPerSecond: null } });
});

test("pages without end are not read without end", async () => {
  const { server, read } = await start(ok({ Quotas: [OTHER], NextToken: "again" }));
  expect(await read()).toMatchObject({ kind: "known" });
  expect(server.requests).toHaveLength(10);
});

test("a missing permission is told, and not asked again for a while", async () => {
  const { server, read, later } = await start(awsError(400, "AccessDeniedException", "no"));
  expect(await read()).toEqual({
    kind: "not-checked",
    reason: expect.stringMatching(/^ListServiceQuotas: AccessDeniedException/),
  });
  await read();
  expect(server.requests).toHaveLength(1);
  later(60_001);
  await read();
  expect(server.requests).toHaveLength(2);
});

test("an answer is kept for an hour", async () => {
  const { server, read, later } = await start(ok({ Quotas: [INVOKE, CONNECT] }));
  await read();
  later(3_599_000);
  await read();
  expect(server.requests).toHaveLength(1);
});

test("where something else stands in AWS's place nothing is asked", async () => {
  const clients = createClients();
  const quotas = createQuotas({ pacer: createPacer({}), observer: { awsRequest: () => {} }, clients });
  const target = targetOf({ controlPlaneEndpoint: "http://127.0.0.1:1" });
  expect(await quotas.of(target, NEVER)).toEqual({
    kind: "not-checked",
    reason: "the target's API is not AWS's own",
  });
  quotas.close();
  clients.close();
});
