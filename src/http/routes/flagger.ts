import type { FastifyReply, FastifyRequest } from "fastify";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import type { GateAnswer } from "../../model/gate-answer.ts";
import { actorOf } from "../actor.ts";
import { closeSignal } from "../close-signal.ts";
import { flaggerBody, flaggerToken, parseFlaggerRequest } from "../gate-request.ts";
import type { HttpLimits } from "../limits.ts";
import { textAnswer } from "../operation-doc.ts";
import { type Parsed, parseNoQuery } from "../parse.ts";
import type { HttpOptions } from "../ports.ts";
import { NO_SUITE, type Refusal, refuseInWords } from "../refusal.ts";
import type { TriggerNotes } from "../trigger-notes.ts";
import { isAnswer, noteTrigger } from "./gate.ts";
import type { Endpoint, PathRoutes } from "./route.ts";

export type FlaggerOptions = Pick<HttpOptions, "gate" | "runs" | "ready"> & {
  readonly triggers: TriggerNotes;
  readonly limits: Pick<HttpLimits, "flaggerWaitMs" | "flaggerWaits">;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
};

/** How often a run is looked at that a call waits for. */
const LOOK_MS = 250;
const MAX_LINE = 300;
const TEXT = "text/plain; charset=utf-8";

/**
 * POST /api/v1/gate/{suite}/flagger and …/flagger/rollback. Flagger takes 200, 201 and 202 for a yes, repeats 429 and
 * 5xx and then throws the body away, and shows the body of any other status: so a yes is 200, every other answer is
 * 412 with one line.
 */
export function flaggerRoutes(options: FlaggerOptions): PathRoutes[] {
  const waits = { open: 0 };
  return [
    {
      path: "/api/v1/gate/:suite/flagger",
      methods: {
        POST: flaggerEndpoint(
          "For Flagger's webhooks: is it a go? Joins or triggers a run, and waits some seconds for it",
          { yes: "go", no: "Anything but a go: why, in one line" },
          async (suite, asked, request) => {
            const decided = await decide(options, suite, asked.key, request, waits);
            return typeof decided === "string" ? no(decided) : goOf(decided, asked.requireAws);
          },
          options,
        ),
      },
    },
    {
      path: "/api/v1/gate/:suite/flagger/rollback",
      methods: {
        POST: flaggerEndpoint(
          "For Flagger's rollback webhook: is it a no-go? Triggers nothing",
          { yes: "no-go: roll back", no: "Anything but a no-go" },
          async (suite) => noGoOf(await options.gate.peek(suite)),
          options,
        ),
      },
    },
  ];
}

interface Reading {
  readonly isYes: boolean;
  readonly line: string;
}

type Decide = (
  suite: string,
  asked: { readonly key: string; readonly requireAws: boolean },
  request: FastifyRequest,
) => Promise<Reading>;

function flaggerEndpoint(
  summary: string,
  said: { readonly yes: string; readonly no: string },
  decideOn: Decide,
  { runs, ready }: FlaggerOptions,
): Endpoint {
  return {
    access: "trigger",
    tokenIn: flaggerToken,
    refuse: refuseInWords,
    doc: {
      summary: `${summary}. The token may be in metadata.token`,
      body: flaggerBody,
      answers: { 200: textAnswer(said.yes, TEXT), 412: textAnswer(said.no, TEXT) },
    },
    handle: async (request, reply) => {
      const { suite } = request.params as { readonly suite: string };
      const parsed = parseCall(request, suite);
      if (parsed.kind === "invalid") return refuseInWords(reply, { status: 400, detail: parsed.detail });
      if (!runs.suites().includes(suite)) return refuseInWords(reply, NO_SUITE);
      if (!ready().ready) return answer(reply, no("the daemon is stopping"));
      return answer(reply, await decideOn(suite, parsed.value, request));
    },
  };
}

function parseCall(request: FastifyRequest, suite: string): ReturnType<typeof parseFlaggerRequest> {
  const query: Parsed<object> = parseNoQuery(request.query);
  return query.kind === "invalid" ? query : parseFlaggerRequest(request.body, suite);
}

function answer(reply: FastifyReply, { isYes, line }: Reading): FastifyReply {
  const short = line.replace(/\s+/g, " ").slice(0, MAX_LINE);
  if (isYes) return reply.code(200).type(TEXT).send(`${short}\n`);
  const refusal: Refusal = { status: 412, detail: short };
  return refuseInWords(reply, refusal);
}

/**
 * The suite's newest decision. Where none holds a run is joined or triggered: with the canary's key first, so that a
 * call that is repeated finds its run, and without it where that run came to nothing, for a canary that is tried again
 * has the same key. Words: why there is no decision.
 */
async function decide(
  options: FlaggerOptions,
  suite: string,
  key: string,
  request: FastifyRequest,
  waits: { open: number },
): Promise<GateAnswer | string> {
  const { gate, triggers, limits, closing } = options;
  const actor = actorOf(request);
  const present = await gate.peek(suite);
  if (present.decision === "go" || present.decision === "no-go") return present;
  for (const idempotencyKey of present.decision === "running" ? [] : [key, null]) {
    const asked = await gate.ask({ suite, idempotencyKey, override: null }, actor);
    if (!isAnswer(asked)) return asked.kind === "draining" ? "the daemon is stopping" : asked.reason;
    noteTrigger(asked, triggers, actor);
    if (asked.decision !== "inconclusive") break;
  }
  if (waits.open >= limits.flaggerWaits) return gate.peek(suite);
  waits.open += 1;
  const { signal, release } = closeSignal(request, closing);
  try {
    return await ended(options, suite, signal);
  } finally {
    waits.open -= 1;
    release();
  }
}

/** As it stands once no run is under way, or when time is up. */
async function ended(
  { gate, limits }: FlaggerOptions,
  suite: string,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const untilMs = monotonicMs() + limits.flaggerWaitMs;
  for (;;) {
    const now = await gate.peek(suite);
    if (now.decision !== "running" || signal.aborted || monotonicMs() >= untilMs) return now;
    await sleep(LOOK_MS, signal).catch(() => {});
  }
}

/** A go that holds, and nothing else. */
function goOf(now: GateAnswer, requireAws: boolean): Reading {
  const { decision, ok, realm, reason } = now;
  if (decision !== "go" || !ok) return no(wordsOf(now));
  if (requireAws && realm !== "aws") return no(`inconclusive: measured against ${realm}, not AWS: ${reason}`);
  return { isYes: true, line: wordsOf(now) };
}

/** Rolling back takes a no-go that holds: not knowing is no reason to. */
function noGoOf(now: GateAnswer): Reading {
  return now.decision === "no-go" ? { isYes: true, line: wordsOf(now) } : no(`no rollback: ${wordsOf(now)}`);
}

function no(line: string): Reading {
  return { isYes: false, line };
}

function wordsOf({ decision, reason, runId }: GateAnswer): string {
  return `${decision}: ${reason}${runId === null ? "" : ` (run ${runId})`}`;
}
