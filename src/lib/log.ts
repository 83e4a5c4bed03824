import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** Structured lines on standard error: standard output carries only answers. */
export function createLog(level: string, destination?: DestinationStream): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
