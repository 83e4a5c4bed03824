import type { Shard } from "../../model/shard.ts";

/** Of what a run and its workers say to each other: another number for each change that the other side would not understand. */
export const PROTOCOL = 1;

/** What a job carries. */
export interface ShardJob {
  /** `PROTOCOL` of whoever handed it out. */
  readonly protocol: number;
  readonly shard: Shard;
  /** Of the process that handed it out: one that goes on with a run after a restart has another. */
  readonly epoch: string;
}

/** A job's lock is renewed at half of this; who does not for so long is taken for lost. */
export const LOCK_MS = 30_000;

/** Of the queue that workers at a location take from; null: that all take from. BullMQ's names hold no colon. */
export function queueName(location: string | null): string {
  return location === null ? "shards" : `shards-${location}`;
}

/** Where what comes of a run's shards is told: a stream. */
export function reportsKey(prefix: string, runId: string, epoch: string): string {
  return `${prefix}:reports:${runId}:${epoch}`;
}

/**
 * Whose run it is now and whether workers are to go on, as `controlText` writes it; gone some time after the process
 * that handed out the shards.
 */
export function controlKey(prefix: string, runId: string): string {
  return `${prefix}:control:${runId}`;
}

export type Control = "go" | "stop" | "abort";

export function controlText(epoch: string, control: Control): string {
  return `${epoch} ${control}`;
}

/** What it says to a worker on a shard of this epoch; null: nobody waits for the shard any more. */
export function readControl(text: string | null, epoch: string): Control | null {
  const [whose, control] = text?.split(" ") ?? [];
  return whose === epoch ? (control as Control) : null;
}

/** Places in the plan whose result a job has told: who does it again leaves them out. */
export function doneKey(prefix: string, jobId: string): string {
  return `${prefix}:done:${jobId}`;
}

/** BullMQ's own: who holds a job. */
export function lockKey(prefix: string, queue: string, jobId: string): string {
  return `${prefix}:${queue}:${jobId}:lock`;
}
