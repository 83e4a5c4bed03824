import { type DestinationStream, type Logger, pino } from "pino";
import { UsageError } from "./errors.ts";

export type Log = Logger;

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Structured lines on standard error: standard output carries only answers. */
export function createLog(level: string, destination?: DestinationStream): Log {
  if (!LEVELS.includes(level)) {
    throw new UsageError(`FLEET_SMOKE_LOG_LEVEL: expected one of ${LEVELS.join(", ")}`);
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
