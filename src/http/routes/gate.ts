import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { GateAnswer, GateReply } from "../../model/gate-answer.ts";
import { actorOf } from "../actor.ts";
import { gateBody, parseGateRequest } from "../gate-request.ts";
import { keyHeader } from "../idempotency.ts";
import { jsonAnswer, type OperationDoc, problemAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions } from "../ports.ts";
import { NO_SUITE, type Refusal, refuse, STOPPING } from "../refusal.ts";
import { gateAnswer } from "../schemas/gate.ts";
import type { TriggerNotes } from "../trigger-notes.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "gate" | "runs" | "ready"> & { readonly triggers: TriggerNotes };

const ANSWERS: OperationDoc["answers"] = {
  200: jsonAnswer("The decision, whatever it is", z.object({ data: gateAnswer })),
  400: problemAnswer("The request cannot be understood"),
  404: problemAnswer("No such suite"),
  503: problemAnswer("The daemon is stopping; the next one goes on with its runs"),
};

/**
 * POST and GET /api/v1/gate/{suite}: 200 whatever the decision is, for Argo Rollouts takes everything else for an error
 * of the measurement. The one exception beside a refused caller is a daemon that is stopping: its runs are interrupted
 * and go on in the next process, so that any decision it could give now would be given up in a moment; an error is
 * asked again by Argo Rollouts and by the `gate` command alike.
 */
export function gateRoutes(options: Options): PathRoutes[] {
  return [
    {
      path: "/api/v1/gate/:suite",
      methods: {
        GET: {
          access: "read",
          doc: { summary: "May the rollout go on? Triggers nothing", answers: ANSWERS },
          handle: (request, reply) => showGate(options, request, reply),
        },
        POST: {
          access: "trigger",
          doc: {
            summary:
              "May the rollout go on? The run of a known key; else joins the run of the suite, takes a decision that still holds, or triggers a run",
            headers: ["Idempotency-Key"],
            body: gateBody,
            answers: { ...ANSWERS, 409: problemAnswer("Another selection of the suite is running") },
          },
          handle: (request, reply) => askGate(options, request, reply),
        },
      },
    },
  ];
}

async function showGate(options: Options, request: FastifyRequest, reply: FastifyReply) {
  const suite = suiteOf(request);
  const refusal = refusalOf(options, suite, request);
  if (refusal !== null) return refuse(reply, refusal);
  return reply.send({ data: await options.gate.peek(suite) });
}

async function askGate(options: Options, request: FastifyRequest, reply: FastifyReply) {
  const suite = suiteOf(request);
  const refusal = refusalOf(options, suite, request);
  if (refusal !== null) return refuse(reply, refusal);
  const parsed = parseGateRequest(request.body, keyHeader(request));
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
  const { idempotencyKey, passReason } = parsed.value;
  const actor = actorOf(request);
  const override = passReason === null ? null : { actor, reason: passReason };
  const asked = await options.gate.ask({ suite, idempotencyKey, override }, actor);
  noteTrigger(asked, options.triggers, actor);
  return send(asked, reply);
}

/** A run that is under way was asked for; by whom is told once. */
export function noteTrigger(asked: GateReply, triggers: TriggerNotes, actor: string): void {
  if (isAnswer(asked) && asked.decision === "running" && asked.runId !== null) {
    triggers.note(actor, asked.runId, `suite ${asked.suite} by its gate`);
  }
}

export function isAnswer(asked: GateReply): asked is GateAnswer {
  return !("kind" in asked);
}

function send(asked: GateReply, reply: FastifyReply): FastifyReply {
  if (isAnswer(asked)) return reply.send({ data: asked });
  if (asked.kind === "draining") return refuse(reply, STOPPING);
  return refuse(reply, { status: 409, detail: asked.reason, members: { runId: asked.runId } });
}

function suiteOf({ params }: FastifyRequest): string {
  return (params as { readonly suite: string }).suite;
}

function refusalOf({ runs, ready }: Options, suite: string, request: FastifyRequest): Refusal | null {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return { status: 400, detail: query.detail };
  if (!runs.suites().includes(suite)) return NO_SUITE;
  return ready().ready ? null : STOPPING;
}
