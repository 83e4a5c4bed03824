/** What a caller asked for; kept as it came and given back by DescribeJob. */
export interface JobRequest {
  readonly targets: readonly string[];
  readonly targetSelection: "CONTINUOUS" | "SNAPSHOT";
  readonly description: string | null;
  readonly documentSource: string | null;
  /** ISO date and time or `YYYY-MM-DD hh:mm` (UTC); null: at once. */
  readonly startTime: string | null;
  /** Members of the model's Job that are only passed on. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Job extends JobRequest {
  readonly id: string;
  readonly arn: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly cancellation: {
    readonly atMs: number;
    readonly forced: boolean;
    readonly reasonCode: string | null;
    readonly comment: string | null;
  } | null;
}

export type JobStatus = "SCHEDULED" | "IN_PROGRESS" | "CANCELED";

/** The account's jobs. No device ever executes one: a job goes on until it is cancelled. */
export class Jobs {
  readonly #jobs = new Map<string, Job>();

  get(id: string): Job | null {
    return this.#jobs.get(id) ?? null;
  }

  put(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  /** How many are not over. */
  get activeCount(): number {
    return [...this.#jobs.values()].filter(({ cancellation }) => cancellation === null).length;
  }
}

/** @param nowMs ms since the epoch */
export function statusOf({ cancellation, startTime }: Job, nowMs: number): JobStatus {
  if (cancellation !== null) return "CANCELED";
  return startTime !== null && (startTimeMs(startTime) ?? 0) > nowMs ? "SCHEDULED" : "IN_PROGRESS";
}

/** Ms since the epoch; null: not a date and time. */
export function startTimeMs(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (match === null) return null;
  const [, day, time, seconds = ":00", zone = "Z"] = match;
  const ms = Date.parse(`${day}T${time}${seconds}${zone}`);
  return Number.isNaN(ms) ? null : ms;
}
