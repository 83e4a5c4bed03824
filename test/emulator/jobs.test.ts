import {
  CancelJobCommand,
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeJobCommand,
  IoTClient,
} from "@aws-sdk/client-iot";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { startTimeMs } from "../../src/emulator/jobs.ts";
import { CALLER, startTestEmulator } from "../support/emulator.ts";

const THING = "arn:aws:iot:eu-west-1:123456789012:thing/pump-1";
const GROUP = "arn:aws:iot:eu-west-1:123456789012:thinggroup/pumps";

async function start(changes: object = {}) {
  const emulator = await startTestEmulator(changes);
  const aws = new IoTClient({
    ...{ region: "eu-west-1", endpoint: emulator.api, credentials: { ...CALLER }, maxAttempts: 1 },
  });
  onTestFinished(async () => {
    aws.destroy();
    await emulator.stop();
  });
  return {
    create: (input: Partial<CreateJobCommandInput>) =>
      aws.send(new CreateJobCommand({ jobId: "j1", targets: [THING], document: "{}", ...input })),
    describe: (jobId: string) => aws.send(new DescribeJobCommand({ jobId })),
    cancel: (jobId: string, input: object = {}) => aws.send(new CancelJobCommand({ jobId, ...input })),
  };
}

test("a job is started, described and stopped", async () => {
  const { create, describe, cancel } = await start();
  const rollout: Partial<CreateJobCommandInput> = {
    description: "firmware 4.2.0",
    targetSelection: "CONTINUOUS",
    jobExecutionsRolloutConfig: {
      exponentialRate: {
        ...{ baseRatePerMinute: 50, incrementFactor: 1.5 },
        rateIncreaseCriteria: { numberOfSucceededThings: 10 },
      },
    },
    abortConfig: {
      criteriaList: [
        {
          ...{ failureType: "ALL" as const, action: "CANCEL" as const },
          ...{ thresholdPercentage: 12.5, minNumberOfExecutedThings: 5 },
        },
      ],
    },
    timeoutConfig: { inProgressTimeoutInMinutes: 60 },
  };
  const before = Math.floor(Date.now() / 1000) * 1000;
  const created = await create({ targets: [THING, GROUP], ...rollout });
  const jobArn = "arn:aws:iot:eu-west-1:123456789012:job/j1";
  expect(created).toMatchObject({ jobArn, jobId: "j1", description: "firmware 4.2.0" });

  const { job } = await describe("j1");
  expect(job).toMatchObject({
    ...{ jobArn, jobId: "j1", status: "IN_PROGRESS", targets: [THING, GROUP], ...rollout },
    jobProcessDetails: { numberOfQueuedThings: 1, numberOfCanceledThings: 0 },
  });
  expect(job?.createdAt?.getTime()).toBeGreaterThanOrEqual(before);

  const comment = "3 of 200 pumps are refused";
  const reasonCode = "AUTHORIZER_DENIED_EXPECTED_ALLOW";
  expect(await cancel("j1", { reasonCode, comment })).toMatchObject({ jobArn, jobId: "j1" });
  expect((await describe("j1")).job).toMatchObject({
    ...{ status: "CANCELED", forceCanceled: false, reasonCode, comment, completedAt: expect.any(Date) },
    jobProcessDetails: { numberOfQueuedThings: 0, numberOfCanceledThings: 1 },
  });
});

test("force is told, and cancelling twice is a switch", async () => {
  const { create, describe, cancel } = await start();
  await create({});
  await cancel("j1", { force: true });
  expect((await describe("j1")).job?.forceCanceled).toBe(true);
  await cancel("j1");
  const strict = await start({ behaviours: { cancelJobAgain: "InvalidRequestException" } });
  await strict.create({});
  await strict.cancel("j1");
  await expect(strict.cancel("j1")).rejects.toMatchObject({ name: "InvalidRequestException" });
});

test("a job with a later start is scheduled, and its document may be elsewhere", async () => {
  const { create, describe } = await start();
  const documentSource = "https://s3.eu-west-1.amazonaws.com/b/job.json";
  const startTime = new Date(Date.now() + 3_600_000).toISOString().slice(0, 16).replace("T", " ");
  await create({ document: undefined, documentSource, schedulingConfig: { startTime } });
  expect(await describe("j1")).toMatchObject({
    documentSource,
    job: { status: "SCHEDULED", schedulingConfig: { startTime } },
  });
});

test("what does not exist, exists already or is too much is refused as the model says", async () => {
  const { create, describe, cancel } = await start();
  const missing = { name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } };
  await expect(describe("nothing")).rejects.toMatchObject(missing);
  await expect(cancel("nothing")).rejects.toMatchObject(missing);
  const jobTemplateArn = "arn:aws:iot:eu-west-1:123456789012:jobtemplate/t";
  await expect(create({ document: undefined, jobTemplateArn })).rejects.toMatchObject(missing);
  await create({});
  await expect(create({})).rejects.toMatchObject({
    ...{ name: "ResourceAlreadyExistsException", $metadata: { httpStatusCode: 409 } },
  });
  const tooMuch = { name: "LimitExceededException", $metadata: { httpStatusCode: 410 } };
  const targets = Array.from({ length: 101 }, (_, index) => `${THING}${index}`);
  await expect(create({ jobId: "j2", targets })).rejects.toMatchObject(tooMuch);
  for (let job = 2; job <= 100; job++) await create({ jobId: `j${job}` });
  await expect(create({ jobId: "j101" })).rejects.toMatchObject(tooMuch);
  await cancel("j1");
  await create({ jobId: "j101" });
});

test("what breaks the model is an invalid request", async () => {
  const { create, cancel, describe } = await start();
  const invalid = { name: "InvalidRequestException", $metadata: { httpStatusCode: 400 } };
  const refused: readonly Partial<CreateJobCommandInput>[] = [
    { jobId: "a.b" },
    { jobId: "x".repeat(65) },
    { targets: [] },
    { targets: ["pump-1"] },
    { document: undefined },
    { document: "no JSON" },
    { documentSource: "https://a.example/j" },
    { description: "two\nlines" },
    { jobExecutionsRolloutConfig: { maximumPerMinute: 1001 } },
    { schedulingConfig: { startTime: "tomorrow" } },
  ];
  for (const each of refused) {
    await expect(create(each), JSON.stringify(each)).rejects.toMatchObject(invalid);
  }
  await create({});
  const reasons = [
    { reasonCode: "lower" },
    { reasonCode: "A-B" },
    { reasonCode: "A".repeat(129) },
    { comment: "two\nlines" },
    { comment: "x".repeat(2029) },
  ];
  for (const each of reasons) {
    await expect(cancel("j1", each), JSON.stringify(each)).rejects.toMatchObject(invalid);
  }
  await expect(describe("a.b")).rejects.toMatchObject(invalid);
  expect((await describe("j1")).job?.status).toBe("IN_PROGRESS");
  await cancel("j1", { reasonCode: "A".repeat(128), comment: "x".repeat(2028) });
});

test("a time of the caller's is read, whatever its form", () => {
  const at = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(at, (date) => {
      const iso = date.toISOString();
      expect(startTimeMs(iso)).toBe(date.getTime());
      expect(startTimeMs(iso.slice(0, 16).replace("T", " "))).toBe(
        Math.floor(date.getTime() / 60_000) * 60_000,
      );
      expect(startTimeMs(iso.slice(0, 10))).toBeNull();
    }),
  );
});
