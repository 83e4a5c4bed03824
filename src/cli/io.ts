import type { Readable } from "node:stream";

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
}

/** A pipe to the process that started this one; messages arrive in order. */
export interface ParentChannel {
  send(message: object): void;
  /** Where messages go from now on; those that came before are kept until then. */
  onMessage(listener: (message: unknown) => void): void;
  /** Aborted when the other side is gone. */
  readonly closed: AbortSignal;
}

/** A command's view of the process; only main.ts touches the process itself. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Answers only. */
  readonly stdout: Output;
  /** Logs, progress and errors. */
  readonly stderr: Output;
  /** Aborted by SIGINT or SIGTERM; its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Calls the listener at each SIGHUP, which else ends the process, until the answer is called. */
  readonly onReload: (listener: () => void) => () => void;
  /** How to start this program again: the runtime and its arguments up to the command. */
  readonly self: readonly string[];
  /** The process that started this one as its worker; null: nobody did. */
  readonly parent: ParentChannel | null;
  readonly version: string;
  readonly tempFolder: string;
  /** Kills a process and all it has started; does nothing where there is none. */
  readonly killGroup: (leaderPid: number) => void;
}

/** Exit codes (design 6.1). */
export const EXIT = {
  go: 0,
  ok: 0,
  toolError: 1,
  usage: 2,
  noGo: 3,
  inconclusive: 4,
  nothingSelected: 5,
  unknownDevice: 5,
  sigint: 130,
  sigterm: 143,
} as const;

/** 130 for SIGINT, 143 for SIGTERM; null where no signal came. */
export function signalExit(signal: AbortSignal): number | null {
  if (!signal.aborted) return null;
  return signal.reason === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
}
