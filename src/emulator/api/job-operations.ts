import { arnOf } from "../arn.ts";
import { type Job, statusOf } from "../jobs.ts";
import { cancelJobSchema, createJobSchema, settingsSchema } from "./job-schema.ts";
import {
  type ApiAnswer,
  type ApiInput,
  type ApiServices,
  failure,
  firstViolation,
  type Operation,
  ok,
  violation,
} from "./operation.ts";

/** Quotas of IoT Device Management: targets of one job, jobs that are not over. */
const MAX_TARGETS = 100;
const MAX_ACTIVE = 100;

/** Enough for a gate to start a job and to stop it. */
export const JOB_OPERATIONS: readonly Operation[] = [
  { name: "CreateJob", plane: "control", method: "PUT", path: /^\/jobs\/([^/]+)$/, run: create },
  { name: "DescribeJob", plane: "control", method: "GET", path: /^\/jobs\/([^/]+)$/, run: describe },
  { name: "CancelJob", plane: "control", method: "PUT", path: /^\/jobs\/([^/]+)\/cancel$/, run: cancel },
];

function create({ jobs, config }: ApiServices, { name: id, body }: ApiInput): ApiAnswer {
  const invalidId = idViolation(id);
  if (invalidId !== null) return invalidId;
  const parsed = createJobSchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const settings = settingsSchema.safeParse(body);
  if (!settings.success) return firstViolation(settings.error);
  const { document, documentSource, jobTemplateArn, targets, targetSelection, description } = parsed.data;
  if (jobTemplateArn !== undefined) {
    return failure("ResourceNotFoundException", `Job template ${jobTemplateArn} does not exist`);
  }
  if ((document === undefined) === (documentSource === undefined)) {
    return failure("InvalidRequestException", "Exactly one of document and documentSource is needed");
  }
  if (document !== undefined && !isJson(document)) {
    return failure("InvalidRequestException", "The job document is not JSON");
  }
  if (jobs.get(id) !== null) return failure("ResourceAlreadyExistsException", `Job ${id} already exists`);
  if (targets.length > MAX_TARGETS || jobs.activeCount >= MAX_ACTIVE) {
    return failure("LimitExceededException", "Too many targets or active jobs");
  }
  const nowMs = Date.now();
  const job: Job = {
    id,
    arn: arnOf(config, "iot", `job/${id}`),
    targets,
    targetSelection,
    description: description ?? null,
    documentSource: documentSource ?? null,
    startTime: settings.data.schedulingConfig?.startTime ?? null,
    settings: settings.data,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    cancellation: null,
  };
  jobs.put(job);
  return named(job);
}

function describe({ jobs }: ApiServices, { name: id }: ApiInput): ApiAnswer {
  const job = jobs.get(id);
  if (job === null) return idViolation(id) ?? noJob(id);
  const { cancellation } = job;
  const status = statusOf(job, Date.now());
  const things = job.targets.filter((target) => target.includes(":thing/")).length;
  return ok({
    ...(job.documentSource !== null && { documentSource: job.documentSource }),
    job: {
      jobArn: job.arn,
      jobId: job.id,
      targetSelection: job.targetSelection,
      status,
      ...(cancellation !== null && {
        forceCanceled: cancellation.forced,
        ...(cancellation.reasonCode !== null && { reasonCode: cancellation.reasonCode }),
        ...(cancellation.comment !== null && { comment: cancellation.comment }),
        completedAt: cancellation.atMs / 1000,
      }),
      targets: job.targets,
      ...(job.description !== null && { description: job.description }),
      ...job.settings,
      createdAt: job.createdAtMs / 1000,
      lastUpdatedAt: job.updatedAtMs / 1000,
      jobProcessDetails: {
        numberOfQueuedThings: status === "IN_PROGRESS" ? things : 0,
        numberOfCanceledThings: status === "CANCELED" ? things : 0,
        numberOfInProgressThings: 0,
        numberOfSucceededThings: 0,
        numberOfFailedThings: 0,
        numberOfRejectedThings: 0,
        numberOfRemovedThings: 0,
        numberOfTimedOutThings: 0,
      },
    },
  });
}

function cancel({ jobs, account }: ApiServices, { name: id, query, body }: ApiInput): ApiAnswer {
  const force = query.get("force") ?? "false";
  if (!/^(true|false)$/i.test(force)) return violation("force", "must be true or false");
  const parsed = cancelJobSchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const job = jobs.get(id);
  if (job === null) return idViolation(id) ?? noJob(id);
  if (job.cancellation !== null) {
    return account.behaviours.cancelJobAgain === "answer"
      ? named(job)
      : failure("InvalidRequestException", `Job ${id} is canceled already`);
  }
  const atMs = Date.now();
  const { reasonCode = null, comment = null } = parsed.data;
  const forced = force.toLowerCase() === "true";
  const canceled = { ...job, updatedAtMs: atMs, cancellation: { atMs, forced, reasonCode, comment } };
  jobs.put(canceled);
  return named(canceled);
}

function idViolation(id: string): ApiAnswer | null {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return null;
  return violation("jobId", "must satisfy regular expression pattern: [a-zA-Z0-9_-]+, 1 to 64 characters");
}

function noJob(id: string): ApiAnswer {
  return failure("ResourceNotFoundException", `Job ${id} does not exist`);
}

function named({ arn, id, description }: Job): ApiAnswer {
  return ok({ jobArn: arn, jobId: id, ...(description !== null && { description }) });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
