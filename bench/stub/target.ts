/**
 * Loaded before the program (`node --import bench/stub/target.ts src/main.ts run …`): neither the API nor the gateway
 * is asked, both answers are given here at once. Everything else is the program's own: reading profiles, planning,
 * pacing, building contexts, predicting, judging, counting and keeping. At its end the process writes its peak memory
 * and CPU time to the file that BENCH_PEAK names. BENCH_DIST is where the built program is.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Invocation } from "../../src/model/invocation.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import type { Ports } from "../../src/pipeline.ts";

const { BENCH_DIST = "", BENCH_PEAK } = process.env;
const { App } = (await import(`${BENCH_DIST}/app.js`)) as typeof import("../../src/app.ts");
const { examine } = (await import(`${BENCH_DIST}/pipeline.js`)) as typeof import("../../src/pipeline.ts");
const { unchecked } = (await import(
  `${BENCH_DIST}/lib/unchecked.js`
)) as typeof import("../../src/lib/unchecked.ts");
const { createPacer } = (await import(
  `${BENCH_DIST}/run/pacer.js`
)) as typeof import("../../src/run/pacer.ts");
const { createCredentials } = (await import(
  `${BENCH_DIST}/profiles/credentials.js`
)) as typeof import("../../src/profiles/credentials.ts");

const ports: Ports = {
  credentials: createCredentials({ env: process.env }),
  defaultAuthorizer: () => Promise.resolve({ kind: "none", evidence: "the stub has none" }),
  needsCertificate: () => Promise.resolve(false),
  preflight: () => Promise.resolve(unchecked("the stub has no API")),
  invoke: ({ authorizer }) => later(() => allowed(authorizer)),
  pacer: createPacer({}),
  probe: () => later(accepted),
  connectionState: () => Promise.resolve({ kind: "unknown", reason: "the stub has no data plane" }),
};

App.prototype.examine = function examineStub(check, signal) {
  const target = this.config.targets.find(({ name }) => name === check.profile.target);
  if (target?.endpoint == null) throw new Error(`no endpoint of ${check.profile.target}`);
  return examine(check, target as ReadyTarget, ports, signal);
};

if (BENCH_PEAK !== undefined && process.send === undefined) {
  process.on("exit", () => {
    const [own, workers] = [process.resourceUsage(), childrenCpuSeconds()];
    const cpuSeconds = (own.userCPUTime + own.systemCPUTime) / 1e6 + workers;
    writeFileSync(BENCH_PEAK, JSON.stringify({ peakBytes: own.maxRSS * 1024, cpuSeconds }));
  });
}

/** user+sys of children that have ended (proc_pid_stat(5): cutime, cstime, in ticks of 10 ms). */
function childrenCpuSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // The second field is the program's name in brackets, with anything in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** In another turn of the event loop, as an answer from outside would come. */
function later<T>(answer: () => T): Promise<T> {
  return new Promise((resolve) => setImmediate(() => resolve(answer())));
}

function allowed(authorizer: string): Invocation {
  const policy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "iot:Connect", Resource: "*" }],
  };
  const answer = {
    isAuthenticated: true,
    principalId: "stub",
    policyDocuments: [policy],
    policyHash: "0".repeat(64),
    refreshAfterSeconds: 300,
    disconnectAfterSeconds: 86_400,
  };
  return {
    kind: "allowed",
    authorizer,
    answer,
    durationMs: 20 + 20 * Math.random(),
    delayMs: 0,
    requestId: null,
  };
}

function accepted(): Outcome {
  const phasesMs = { dns: 1, tcp: 10, tls: 30 + 10 * Math.random(), connack: 40 + 40 * Math.random() };
  const durationMs = phasesMs.dns + phasesMs.tcp + phasesMs.tls + phasesMs.connack;
  const transport = {
    address: "127.0.0.1",
    tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: "mqtt" },
    certificateExpiresAtMs: null,
    packets: ["> CONNECT", "< CONNACK 0", "> DISCONNECT"],
    phasesMs,
    durationMs,
    delayMs: 0,
    startedAtMs: Date.now(),
  };
  return { kind: "accepted", transport, code: 0, sessionPresent: false, topics: [] };
}
