import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { onTestFinished } from "vitest";
import type { ControlPort, GatePort, HttpOptions, OverviewPort, RunsPort } from "../../src/http/ports.ts";
import { type HttpServer, startHttp } from "../../src/http/server.ts";
import { createLog } from "../../src/lib/log.ts";
import type { HttpConfig } from "../../src/model/config.ts";
import type { GateAnswer, GateReply, GateRequest } from "../../src/model/gate-answer.ts";
import type { RunSummary, Selection, Triggered } from "../../src/model/run.ts";

export const RUN_ID = "20261123T011729Z-4f1c9a";

export const CONFIG: HttpConfig = { host: "127.0.0.1", port: 0, tls: null, allowedHosts: [], tokens: [] };

export interface Running extends HttpServer {
  readonly port: number;
  /** What was logged so far, all levels. */
  readonly log: () => string;
  readonly call: (path: string, options?: CallOptions) => Promise<Answer>;
}

/** Nobody pauses, and every reload succeeds. */
export const NO_CONTROL: ControlPort = {
  paused: () => null,
  pause: (actor, reason) => ({ actor, reason, since: "2026-11-23T01:17:29.000Z" }),
  resume: () => {},
  reload: async () => ({ kind: "reloaded" }),
};

/** Nothing was ever run. */
export const NO_OVERVIEW: OverviewPort = {
  running: () => null,
  lastWhole: () => null,
  lastGo: () => null,
  history: () => ({ items: [], nextCursor: null }),
  latency: () => null,
  ofDevice: () => ({ items: [], nextCursor: null }),
};

/** A real server on a free port, closed after the test. */
export async function startServer(
  config: Partial<HttpConfig> = {},
  options: Partial<HttpOptions> = {},
): Promise<Running> {
  const { log, text } = recordingLog();
  const http = await startHttp({
    config: { ...CONFIG, ...config },
    log,
    runs: recordingRuns().runs,
    results: { results: () => null },
    overview: NO_OVERVIEW,
    causes: [],
    gate: recordingGate().gate,
    probes: { probe: async () => ({ kind: "unknown", reason: "no such device" }) },
    audit: { note: () => {} },
    control: NO_CONTROL,
    metricsPage: async () => ({ contentType: "text/plain; version=0.0.4; charset=utf-8", body: "up 1\n" }),
    ready: () => ({ ready: true, reason: "ready" }),
    ...options,
  });
  onTestFinished(() => http.close());
  return {
    ...http,
    port: Number(new URL(http.url).port),
    log: text,
    call: (path, call) => request(http.url, path, call),
  };
}

export function recordingLog() {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { log: createLog("trace", sink), text: () => text };
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** A value is sent as JSON. */
  readonly json?: unknown;
  readonly ca?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => unknown;
}

/** One request on a connection of its own; unlike with `fetch`, any header and path can be sent. */
export async function request(
  url: string,
  path: string,
  { method = "GET", headers = {}, body, json, ca }: CallOptions = {},
): Promise<Answer> {
  const send = url.startsWith("https:") ? tlsRequest : plainRequest;
  const typed = json === undefined ? headers : { "content-type": "application/json", ...headers };
  const { hostname, port } = new URL(url);
  const outgoing = send({ hostname, port, path, method, headers: typed, agent: false, ...(ca && { ca }) });
  outgoing.end(json === undefined ? body : JSON.stringify(json));
  const [response] = await once(outgoing, "response");
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** Sends the bytes as they are, keeps its own side open, and gives what came back until the server hung up. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(bytes);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  socket.destroy();
  return text;
}

export interface Triggering {
  readonly selection: Selection;
  readonly idempotencyKey: string | null;
}

/** Runs that keep what they were asked; everything else is as the test says. */
export function recordingRuns(
  changes: {
    readonly suites?: readonly string[];
    readonly answer?: Triggered;
    readonly list?: RunsPort["list"];
    readonly get?: RunsPort["get"];
    readonly cancel?: RunsPort["cancel"];
  } = {},
) {
  const triggered: Triggering[] = [];
  const runs: RunsPort = {
    suites: () => changes.suites ?? ["all"],
    trigger: (selection, idempotencyKey) => {
      triggered.push({ selection, idempotencyKey });
      return changes.answer ?? { kind: "started", run: summary() };
    },
    get: changes.get ?? ((runId) => (runId === RUN_ID ? summary() : null)),
    cancel: changes.cancel ?? ((runId) => (runId === RUN_ID ? summary() : null)),
    list: changes.list ?? (() => ({ items: [summary()], nextCursor: null })),
  };
  return { runs, triggered };
}

/** A gate whose answers the test scripts; the last one stays. `peek` and `ask` read the same script. */
export function recordingGate(...script: readonly GateReply[]) {
  const asked: { readonly request: GateRequest; readonly actor: string }[] = [];
  const peeked: string[] = [];
  const left = [...script];
  const next = (): GateReply => (left.length > 1 ? left.shift() : left[0]) ?? gateAnswerOf();
  const look = async (suite: string) => {
    peeked.push(suite);
    const answer = next();
    if ("kind" in answer) throw new Error("peek has answers only");
    return answer;
  };
  const gate: GatePort = {
    peek: look,
    glance: look,
    ask: async (request, actor) => {
      asked.push({ request, actor });
      return next();
    },
  };
  return { gate, asked, peeked };
}

export function gateAnswerOf(changes: Partial<GateAnswer> = {}): GateAnswer {
  const decision = changes.decision ?? "go";
  return {
    suite: "all",
    decision,
    ok: decision === "go",
    runId: RUN_ID,
    reason: "every rule is met",
    nothingSelected: false,
    realm: "aws",
    decidedAt: "2026-11-23T01:17:40.000Z",
    expiresAt: "2026-11-23T01:32:40.000Z",
    counts: summary().counts,
    causes: [],
    override: null,
    ...changes,
  };
}

export function summary(): RunSummary {
  const counts = { planned: 2, checks: 2, pass: 2, fail: 0, inconclusive: 0, skipped: 0 };
  return {
    runId: RUN_ID,
    suite: "all",
    selection: { cohorts: null, devices: null, allowDeviceIdentity: 0 },
    status: "running",
    decision: null,
    reason: "",
    startedAt: "2026-11-23T01:17:29.000Z",
    decidedAt: null,
    durationSeconds: 1,
    counts: { ...counts, notRun: 0, derived: 0, invalidProfiles: 0 },
    groups: [],
    gate: null,
    agreement: [],
    causes: [],
    latency: [],
    preflight: [],
    drift: null,
    fingerprint: null,
    notes: [],
  };
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-http-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
