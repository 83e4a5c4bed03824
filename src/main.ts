#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { EXIT, type Io, type ParentChannel, signalExit } from "./cli/io.ts";
import { Batch } from "./lib/batch.ts";
import { errorMessage, UsageError } from "./lib/errors.ts";

/* The only file that touches `process`: arguments, environment, streams, signals, exit code. */

// With DEBUG set, the MQTT codec prints user names. It reads the variable when it is loaded.
delete process.env.DEBUG;

// A daemon that is told to reload while it starts does it then; SIGHUP would end it.
let isReloadAsked = false;
const onEarlyReload = () => {
  isReloadAsked = true;
};
if (process.argv[2] === "daemon") process.on("SIGHUP", onEarlyReload);

const { runProgram } = await import("./cli/program.ts");

function createIo(): Io {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The first one ends in good order, a second one at once.
      if (controller.signal.aborted) process.exit(signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm);
      controller.abort(signal);
    });
  }
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
    onReload: (listener) => {
      process.on("SIGHUP", listener);
      process.off("SIGHUP", onEarlyReload);
      if (isReloadAsked) listener();
      return () => process.off("SIGHUP", listener);
    },
    self: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
    parent: process.argv[2] === "shard-worker" ? parentChannel() : null,
    version,
    tempFolder: tmpdir(),
    killGroup,
  };
}

function parentChannel(): ParentChannel | null {
  if (process.send === undefined) return null;
  const early: unknown[] = [];
  let listener = (message: unknown): void => {
    early.push(message);
  };
  process.on("message", (messages) => {
    for (const message of messages as readonly unknown[]) listener(message);
  });
  const closed = new AbortController();
  process.once("disconnect", () => closed.abort(new Error("the parent is gone")));
  const outgoing = new Batch<unknown>((messages) => {
    // Nobody is left to be told of what cannot be sent any more.
    if (process.connected) process.send?.(messages, undefined, undefined, () => {});
  });
  return {
    send: (message) => outgoing.add(message),
    onMessage: (next) => {
      listener = next;
      for (const message of early.splice(0)) next(message);
    },
    closed: closed.signal,
  };
}

function killGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Reading our output may end early (`| head`): nothing is left to tell, and nobody to tell it to. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const io = createIo();
try {
  process.exitCode = await runProgram(process.argv.slice(2), io);
} catch (error) {
  // What a signal broke off is no error.
  const bySignal = signalExit(io.signal);
  if (bySignal === null && errorMessage(error) !== "") {
    process.stderr.write(`fleet-smoke: ${errorMessage(error)}\n`);
  }
  process.exitCode = bySignal ?? (error instanceof UsageError ? EXIT.usage : EXIT.toolError);
}
