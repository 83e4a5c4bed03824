import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readAnswer } from "../../src/cli/gate/answer.ts";
import { waitForDecision } from "../../src/cli/gate/wait.ts";
import type { GateAnswer } from "../../src/model/gate-answer.ts";
import { sampleSummary } from "../report/sample.ts";
import { startTestEmulator, type TestEmulator } from "../support/emulator.ts";
import { runInProcess } from "../support/in-process.ts";
import { run, start } from "../support/program.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

type Scripted = Partial<GateAnswer> | { readonly status: number; readonly text: string } | "cut";

/** A daemon that answers by script; the last answer stays. */
let daemon: Server;
let script: Scripted[];
let asked: Asked[];
let folder: string;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gate-"));
  writeFileSync(join(folder, "token"), "s3cret-token\n");
  asked = [];
  script = [{}];
  daemon = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, url: path, headers, body: JSON.parse(await text(request)) });
    const next = (script.length > 1 ? script.shift() : script[0]) ?? {};
    if (next === "cut") request.socket.destroy();
    else if ("text" in next && "status" in next) response.writeHead(next.status as number).end(next.text);
    else response.end(JSON.stringify({ data: answerOf(next as Partial<GateAnswer>) }));
  });
  await new Promise<void>((resolve) => daemon.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(daemon.address() as AddressInfo).port}`;
});
afterEach(async () => {
  daemon.closeAllConnections();
  await new Promise((resolve) => daemon.close(resolve));
  rmSync(folder, { recursive: true });
});

function answerOf(changes: Partial<GateAnswer> = {}): GateAnswer {
  const decision = changes.decision ?? "go";
  return {
    suite: "pre-rollout",
    decision,
    ok: decision === "go",
    runId: "r1",
    reason: "every rule is met",
    nothingSelected: false,
    realm: "aws",
    decidedAt: "2026-11-23T00:00:00.000Z",
    expiresAt: "2026-11-23T00:15:00.000Z",
    counts: sampleSummary.counts,
    causes: [],
    override: null,
    ...changes,
  };
}

const RUNNING = { decision: "running", reason: "12 of 500 checks", counts: null } as const;
const NO_GO = {
  decision: "no-go",
  reason: "valves: minPassRatio",
  causes: ["POLICY_CONNECT_DENIED"],
} as const;

function args(...more: string[]): string[] {
  return ["--url", url, "--token-file", join(folder, "token"), "--suite", "pre-rollout", ...more];
}

function gate(...more: string[]) {
  return runInProcess(["gate", ...args(...more)]);
}

describe("gate", () => {
  it.each([
    ["go", {}, 0],
    ["no-go", NO_GO, 3],
    ["inconclusive", { decision: "inconclusive" }, 4],
    ["inconclusive because nothing was selected", { decision: "inconclusive", nothingSelected: true }, 5],
    ["a go that does not hold any more", { ok: false }, 4],
  ] as const)("%s: exit code %#", async (_name, answer, code) => {
    script = [answer];
    const ended = await gate();
    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(code);
    expect(ended.stdout).toContain("r1");
  });

  it("asks with its token and one key until there is a decision", async () => {
    script = [RUNNING, {}];
    const ended = await gate();
    expect(ended.code).toBe(0);
    expect(ended.stderr).toBe("12 of 500 checks\n");
    expect(asked.map(({ method, url: path }) => `${method} ${path}`)).toEqual(
      Array(2).fill("POST /api/v1/gate/pre-rollout"),
    );
    expect(new Set(asked.map(({ body }) => body.idempotencyKey)).size).toBe(1);
    expect(asked[0]?.headers.authorization).toBe("Bearer s3cret-token");
  });

  it("without a decision in time is inconclusive, and says what was going on", async () => {
    script = [RUNNING];
    const ended = await gate("--timeout", "100ms");
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain("no decision in time: 12 of 500 checks");
  });

  it.each([
    [
      "a wrong token",
      { status: 401, text: '{"detail":"a bearer token is needed"}' },
      "is the token the daemon's?",
    ],
    ["a token that may only read", { status: 403, text: "{}" }, "the token needs the scope `trigger`"],
    ["an unknown suite", { status: 404, text: '{"detail":"no such suite"}' }, "HTTP 404: no such suite"],
    ["another selection that runs", { status: 409, text: '{"detail":"busy"}' }, "HTTP 409: busy"],
    ["a proxy's page", { status: 200, text: "<html>login</html>" }, "none of a fleet-smoke daemon"],
    [
      "an answer of another kind",
      { status: 200, text: '{"data":{"verdict":"pass"}}' },
      "`decision` is unknown",
    ],
    ["a redirect", { status: 302, text: "" }, "HTTP 302"],
    [
      "202, which is a pass nowhere",
      { status: 202, text: '{"data":{"decision":"go","ok":true}}' },
      "HTTP 202",
    ],
    [
      "a daemon that is stopping",
      { status: 503, text: '{"detail":"stopping"}' },
      "does not answer: HTTP 503",
    ],
    ["a connection that is cut", "cut", "does not answer"],
  ] as const)("%s: exit code 1 with the reason", async (_name, answer, message) => {
    script = [answer];
    const ended = await gate();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr + ended.stdout).not.toContain("s3cret-token");
  });

  it("is a command of the program", async () => {
    const ended = await run(["gate", ...args()]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("a daemon that is not there: exit code 1 with the reason", async () => {
    const ended = await runInProcess([
      "gate",
      "--url",
      "http://127.0.0.1:1",
      "--token-file",
      join(folder, "token"),
    ]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("the daemon does not answer: ECONNREFUSED");
  });

  it.each([
    ["a URL of another kind", ["--url", "ftp://x"], "--url: expected the daemon's address"],
    ["credentials in the URL", ["--url", "http://u:p@127.0.0.1"], "the token comes from --token-file"],
    ["no token file", ["--token-file", "/nonexistent"], "--token-file /nonexistent"],
    ["a duration of another kind", ["--timeout", "soon"], '--timeout "soon": expected a duration'],
    ["pass without a reason", ["--on-inconclusive", "pass"], "needs --reason"],
    ["a job file that is none", ["--then-create-job", "/etc/hostname"], "--then-create-job /etc/hostname"],
  ])("%s is a usage error", async (_name, more, message) => {
    const given = ["--url", url, "--token-file", join(folder, "token")];
    const merged = given.flatMap((value, at) =>
      at % 2 === 0 && !more.includes(value) ? [value, given[at + 1] ?? ""] : [],
    );
    const ended = await runInProcess(["gate", ...merged, ...more]);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(2);
    expect(asked).toEqual([]);
  });

  it("takes a go from the emulator only when told to", async () => {
    script = [{ realm: "emulator" }];
    const refused = await gate();
    expect(refused.code).toBe(4);
    expect(refused.stdout).toContain("measured against emulator, not AWS");
    expect((await gate("--require-realm", "any")).code).toBe(0);
    script = [{ realm: null }];
    expect((await gate()).code).toBe(4);
  });

  it("lets the daemon record who passed an inconclusive decision, and why", async () => {
    const override = { actor: "ci", reason: "known outage" };
    script = [{ decision: "inconclusive", ok: true, override }];
    const ended = await gate("--on-inconclusive", "pass", "--reason", "known outage");
    expect(asked[0]?.body).toMatchObject({ onInconclusive: "pass", reason: "known outage" });
    expect(ended.stdout).toContain("passed by ci: known outage");
    expect(ended.code).toBe(0);
  });

  it("does not let an override pass a no-go, whatever the daemon says", async () => {
    script = [{ ...NO_GO, ok: true }];
    const ended = await gate("--on-inconclusive", "pass", "--reason", "x");
    expect(ended.code).toBe(1);
  });

  it("ends at a signal", async () => {
    script = [RUNNING];
    const program = start(["gate", ...args()]);
    await program.says(/12 of 500/);
    program.process.kill("SIGTERM");
    expect(await program.ended).toBe(143);
  });

  it("writes outputs, summary and one annotation for GitHub, and nothing in them is a command", async () => {
    const [output, summary] = [join(folder, "output"), join(folder, "summary")];
    for (const file of [output, summary]) writeFileSync(file, "before\n");
    script = [{ ...NO_GO, reason: "a\n::error::b % <script> @all" }];
    const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary };
    const ended = await runInProcess(["gate", ...args()], { env });
    expect(ended.code).toBe(3);
    expect(ended.stdout.split("\n").filter((line) => line.startsWith("::"))).toEqual([
      "::error title=fleet-smoke no-go%3A pre-rollout::a%0A::error::b %25 <script> @all",
    ]);
    expect(readFileSync(output, "utf8").split("\n")).toEqual([
      "before",
      "decision=no-go",
      "ok=false",
      "run-id=r1",
      `success-ratio=${480 / 492}`,
      "reason=a ::error::b % <script> @all",
      "",
    ]);
    const written = readFileSync(summary, "utf8");
    expect(written).toContain("## ❌ no-go: pre-rollout");
    expect(written).toContain("`POLICY_CONNECT_DENIED`");
    expect(written).not.toMatch(/<script|@all|\n::error/);
  });
});

describe("gate and watch with AWS IoT Jobs", () => {
  let emulator: TestEmulator;
  beforeEach(async () => {
    emulator = await startTestEmulator();
    const env = {
      AWS_ENDPOINT_URL_IOT: emulator.api,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret",
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    writeFileSync(
      join(folder, "job.json"),
      JSON.stringify({ jobId: "fw-7", targets: [TARGET], document: "{}" }),
    );
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await emulator.stop();
  });
  const TARGET = "arn:aws:iot:eu-west-1:123456789012:thinggroup/pumps";
  const THEN = ["--then-create-job"] as const;

  const gateJob = () => runInProcess(["gate", ...args(...THEN, join(folder, "job.json"))]);
  const watchJob = (...more: string[]) =>
    runInProcess(["watch", ...args("--job-id", "fw-7", "--interval", "50ms", ...more)]);

  it("a job is created on go, once", async () => {
    const created = await gateJob();
    expect(created.stdout).toContain("created job fw-7");
    expect(created.code).toBe(0);
    const again = await gateJob();
    expect(again.stderr).toContain("the decision is go, but the job was not created: ResourceAlreadyExists");
    expect(again.code).toBe(1);
  });

  it.each([
    ["no-go", NO_GO, 3],
    ["inconclusive", { decision: "inconclusive" }, 4],
    ["a go that is none", { ok: false }, 4],
    ["a go of another realm", { realm: "custom" }, 4],
  ] as const)("no job is created on %s", async (_name, answer, code) => {
    script = [answer];
    expect((await gateJob()).code).toBe(code);
    script = [{}];
    expect((await gateJob()).stdout).toContain("created job");
  });

  it("a running job is cancelled on no-go with its first cause, and only then", async () => {
    await gateJob();
    script = [{}, { decision: "inconclusive" }, "cut", { ...NO_GO, reason: "line\nbreak" }];
    const watched = await watchJob();
    expect(watched.stdout).toContain("job fw-7 cancelled: fleet-smoke no-go: line break (run r1)");
    expect(watched.code).toBe(3);
    const after = await watchJob();
    expect(after.stdout).toBe("job fw-7 is CANCELED\n");
    expect(after.code).toBe(0);
  });

  it("a job that does not exist is an error", async () => {
    const watched = await watchJob();
    expect(watched.stderr).toContain("job fw-7: ResourceNotFoundException");
    expect(watched.code).toBe(1);
  });
});

describe("waiting for a decision", () => {
  it("bears with a daemon that is restarted in between, and not with one that stays away", async () => {
    const decided = { kind: "answer", answer: answerOf() } as const;
    const running = { kind: "answer", answer: answerOf(RUNNING) } as const;
    const away = { kind: "unreachable", reason: "ECONNREFUSED" } as const;
    const wait = (replies: (typeof decided | typeof running | typeof away)[], patienceMs: number) =>
      waitForDecision({
        ask: async () => (replies.length > 1 ? replies.shift() : replies[0]) ?? away,
        timeoutMs: 60_000,
        passInconclusive: null,
        onProgress: () => {},
        signal: new AbortController().signal,
        pollMs: 1,
        patienceMs,
      });
    expect(await wait([running, away, away, decided], 60_000)).toMatchObject({ kind: "decided" });
    expect(await wait([running, away], 5)).toMatchObject({ kind: "failed" });
    expect(await wait([away, decided], 60_000)).toMatchObject({ kind: "failed" });
  });
});

describe("an answer", () => {
  it("is read only where everything that decides makes sense", () => {
    expect(readAnswer({ data: answerOf() })).toEqual(answerOf());
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const read = readAnswer(body);
        return (
          typeof read === "string" ||
          read.ok === (read.decision === "go") ||
          read.override !== null ||
          !read.ok
        );
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("decision", "ok", "reason", "runId", "realm"),
        fc.jsonValue(),
        (field, value) => {
          const read = readAnswer({ data: { ...answerOf(NO_GO), [field]: value } });
          return typeof read === "string" || !read.ok || (field === "decision" && value === "go");
        },
      ),
    );
  });
});
