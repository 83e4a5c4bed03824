import {
  CancelJobCommand,
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeJobCommand,
  IoTClient,
} from "@aws-sdk/client-iot";
import { errorCode, errorMessage } from "../lib/errors.ts";
import { scrub } from "../lib/scrub.ts";

export type JobReply<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** `reason`: scrubbed, with the error's name. */
  | { readonly kind: "failed"; readonly reason: string };

/** AWS IoT Jobs, as far as a gate starts and stops one. */
export interface Jobs {
  create(input: CreateJobInput): Promise<JobReply<{ readonly jobId: string }>>;
  /** `IN_PROGRESS`, `COMPLETED`, `CANCELED` … (API_Job). */
  status(jobId: string): Promise<JobReply<string>>;
  /** Devices that have begun go on: `force` is never set. */
  cancel(
    jobId: string,
    why: { readonly reasonCode: string; readonly comment: string },
  ): Promise<JobReply<null>>;
  close(): void;
}

/** The request of API_CreateJob, as `aws iot create-job --cli-input-json` takes it. */
export type CreateJobInput = CreateJobCommandInput;

/** @param region null: as the SDK finds it (AWS_REGION, the shared configuration file) */
export function createJobs(region: string | null): Jobs {
  const client = new IoTClient({ ...(region === null ? {} : { region }), maxAttempts: 3 });
  return {
    create: (input) =>
      attempt(async () => ({ jobId: (await client.send(new CreateJobCommand(input))).jobId ?? "" })),
    status: (jobId) =>
      attempt(async () => (await client.send(new DescribeJobCommand({ jobId }))).job?.status ?? "unknown"),
    cancel: (jobId, { reasonCode, comment }) =>
      attempt(async () => {
        await client.send(new CancelJobCommand({ jobId, ...cancellation(reasonCode, comment) }));
        return null;
      }),
    close: () => client.destroy(),
  };
}

const MAX_REASON_CODE = 128;
const MAX_COMMENT = 2028;

/** As the model of CancelJob wants them: reasonCode `[\p{Upper}\p{Digit}_]+`, comment without control characters. */
export function cancellation(reasonCode: string, comment: string): { reasonCode: string; comment: string } {
  const code = reasonCode.replace(/[^A-Z0-9_]/g, "_").slice(0, MAX_REASON_CODE);
  return {
    reasonCode: code === "" ? "NO_GO" : code,
    comment: comment.replace(/\p{C}/gu, " ").slice(0, MAX_COMMENT),
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<JobReply<T>> {
  try {
    return { kind: "ok", value: await work() };
  } catch (error) {
    const name =
      error instanceof Error && error.name !== "Error" ? error.name : (errorCode(error) ?? "Error");
    return { kind: "failed", reason: scrub(`${name}: ${errorMessage(error)}`, []) };
  }
}
