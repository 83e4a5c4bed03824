/**
 * Fails a test that leaves a socket, server, pipe, child process, file watcher or running timer behind, and a file
 * that leaves what its `beforeAll` opened.
 *
 * `async_hooks` tells when each handle is born and closed, also the unref'd ones that
 * `process.getActiveResourcesInfo()` does not show, and where it was created: the message says so.
 */
import { createHook } from "node:async_hooks";
import { beforeAll, beforeEach, type TestContext } from "vitest";

interface Born {
  readonly id: number;
  readonly type: HandleType;
  readonly triggerId: number;
  readonly handle: Handle;
  readonly origin: { readonly stack?: string };
}

/** What we use of Node's internal handle objects; each has only the functions of its type. */
interface Handle {
  readonly pid?: number;
  readonly _destroyed?: boolean;
  readonly _idleTimeout?: number;
  hasRef?(): boolean;
  getsockname?(into: Partial<Address>): number;
  getpeername?(into: Partial<Address>): number;
}

interface Address {
  address: string;
  port: number;
}

type HandleType = keyof typeof LABELS;

const LABELS = {
  TCPWRAP: "socket",
  TCPSERVERWRAP: "server",
  UDPWRAP: "UDP socket",
  PIPEWRAP: "pipe",
  PIPESERVERWRAP: "pipe server",
  PROCESSWRAP: "child process",
  FSEVENTWRAP: "file watcher",
  STATWATCHER: "file watcher",
  Timeout: "timer",
} as const;

const STACK_FRAMES = 30;
const POLL_MS = 10;
/** About two seconds: a close needs some turns of the event loop, a killed child some milliseconds. */
const POLLS = 200;

// Taken before a test can fake them.
const { setTimeout: realSetTimeout, setImmediate: realSetImmediate } = globalThis;

const open = new Map<number, Born>();
const reported = new Set<number>();
let newestId = 0;

// Created on first touch: afterwards they would look like a pipe of the test that prints first.
void process.stdout;
void process.stderr;

createHook({
  trackPromises: false,
  init(id, type, triggerId, handle) {
    if (!isHandleType(type)) return;
    newestId = id;
    open.set(id, { id, type, triggerId, handle: handle as Handle, origin: captureOrigin() });
  },
  destroy(id) {
    open.delete(id);
  },
}).enable();

// Registered before any hook of a test file, and cleanups run in reverse order: these two run last of all, after
// `onTestFinished` callbacks and the cleanups that other hooks return.
beforeAll(() => async () => failOn(await remaining(leftByFile), "this test file"));

beforeEach((context: TestContext) => {
  // What tests do side by side cannot be told apart: only the whole file is checked.
  if (context.task.concurrent) return;
  const before = newestId;
  context.onTestFinished(async () => {
    if (globalThis.setTimeout !== realSetTimeout) throw new Error("this test left fake timers installed");
    failOn(await remaining(() => leftByTest(before)), "this test");
  });
});

function leftByTest(before: number): Born[] {
  return alive().filter(
    (each) => each.id > before && !isPooled(each) && !acceptedByOlderServer(each, before),
  );
}

function leftByFile(): Born[] {
  return alive();
}

function alive(): Born[] {
  return [...open.values()].filter((each) => !reported.has(each.id) && isAlive(each) && !isOfVitest(each));
}

function isAlive({ type, handle }: Born): boolean {
  // An unref'd timer does not keep the process up and frees itself; connection pools are full of them.
  if (type === "Timeout") return handle._destroyed !== true && handle.hasRef?.() === true;
  return true;
}

/** An idle keep-alive socket of `fetch` is unref'd; it goes when its server does, at the latest at the file's end. */
function isPooled({ type, handle }: Born): boolean {
  return type === "TCPWRAP" && handle.hasRef?.() === false;
}

/** A connection accepted by a server that is meant to outlive the test. The client's end is judged by itself. */
function acceptedByOlderServer({ triggerId }: Born, before: number): boolean {
  return triggerId <= before && open.get(triggerId)?.type.endsWith("SERVERWRAP") === true;
}

function isOfVitest({ origin }: Born): boolean {
  return /\/node_modules\/(@?vitest|tinypool)\//.test(frames(origin)[0] ?? "");
}

async function remaining(find: () => Born[]): Promise<Born[]> {
  // What the test has only begun (a `listen`, a `connect`) exists after a turn of the event loop.
  await new Promise((resolve) => realSetImmediate(resolve));
  for (let polls = 0; polls < POLLS && find().length > 0; polls++) {
    await new Promise((resolve) => realSetTimeout(resolve, POLL_MS));
  }
  return find();
}

function failOn(leaks: readonly Born[], who: string): void {
  if (leaks.length === 0) return;
  for (const each of leaks) reported.add(each.id);
  throw new Error(`${who} left ${leaks.length} open:\n${leaks.map(describe).join("\n")}`);
}

function describe({ type, handle, origin }: Born): string {
  // A server given a host name is opened a turn later by Node itself: its address must do.
  const where = frames(origin).slice(0, 4).join("\n      ");
  return `  - ${LABELS[type]}${detail(type, handle)}\n      ${where || "(opened by Node itself)"}`;
}

function detail(type: HandleType, handle: Handle): string {
  if (type === "PROCESSWRAP") return ` ${handle.pid}`;
  if (type === "Timeout") return ` of ${handle._idleTimeout} ms`;
  const [from, to] = [address("getsockname", handle), address("getpeername", handle)];
  return `${from ? ` ${from}` : ""}${to ? ` to ${to}` : ""}`;
}

function address(which: "getsockname" | "getpeername", handle: Handle): string | null {
  const into: Partial<Address> = {};
  const failed = handle[which]?.(into) ?? -1;
  return failed === 0 && into.port !== undefined ? `${into.address}:${into.port}` : null;
}

function captureOrigin(): { readonly stack?: string } {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_FRAMES;
  const origin = {};
  // Formatted only when somebody reads `stack`, which is rare.
  Error.captureStackTrace(origin, captureOrigin);
  Error.stackTraceLimit = before;
  return origin;
}

/** The stack without Node's own frames and ours, nearest first. */
function frames(origin: { readonly stack?: string }): string[] {
  return (origin.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !/\(?node:|\/test\/setup\/leaks\.ts/.test(line))
    .map((line) => line.trim());
}

function isHandleType(type: string): type is HandleType {
  return Object.hasOwn(LABELS, type);
}
