import type { FastifyReply, FastifyRequest } from "fastify";
import { assertNever } from "../../lib/errors.ts";
import type { Triggered } from "../../model/run.ts";
import { actorOf } from "../actor.ts";
import { keyHeader } from "../idempotency.ts";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions, RunsPort } from "../ports.ts";
import { NO_RUN, NO_SUITE, refuse, STOPPING } from "../refusal.ts";
import { pageQuery, parsePage, parseRunRequest, runBody } from "../run-request.ts";
import { page as pageOf } from "../schemas/common.ts";
import { run as runSchema } from "../schemas/run.ts";
import type { TriggerNotes } from "../trigger-notes.ts";
import type { PathRoutes } from "./route.ts";

const RUNS = "/api/v1/runs";

type Options = Pick<HttpOptions, "runs" | "audit"> & { readonly triggers: TriggerNotes };

const NOT_UNDERSTOOD = problemAnswer("The request cannot be understood");

/** POST and GET /api/v1/runs, GET and DELETE /api/v1/runs/{id} (design 6.4). */
export function runRoutes(options: Options): PathRoutes[] {
  const { runs } = options;
  return [
    {
      path: RUNS,
      methods: {
        POST: {
          access: "trigger",
          doc: {
            summary: "Start a run, or join the one of the same selection",
            headers: ["Idempotency-Key"],
            body: runBody,
            answers: {
              202: jsonAnswer("The run; its address is in Location", runSchema),
              400: NOT_UNDERSTOOD,
              404: problemAnswer("No such suite"),
              409: problemAnswer("Another selection of the suite is running"),
              503: problemAnswer("The daemon is stopping"),
            },
          },
          handle: (request, reply) => triggerRun(options, request, reply),
        },
        GET: {
          access: "read",
          doc: {
            summary: "Runs, newest first",
            query: pageQuery,
            answers: { 200: jsonAnswer("A page", pageOf(runSchema)), 400: NOT_UNDERSTOOD },
          },
          handle: (request, reply) => listRuns(runs, request, reply),
        },
      },
    },
    {
      path: `${RUNS}/:runId`,
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "A run as it stands",
            answers: { 200: jsonAnswer("The run", runSchema), 404: problemAnswer("No such run") },
          },
          handle: (request, reply) => showRun(runs, request, reply),
        },
        DELETE: {
          access: "trigger",
          doc: {
            summary: "Cancel a run: nothing more is begun, what is in flight may finish",
            answers: {
              202: jsonAnswer("The run as it stands", runSchema),
              404: problemAnswer("No such run"),
              409: problemAnswer("The run is over"),
            },
          },
          handle: (request, reply) => cancelRun(options, request, reply),
        },
      },
    },
  ];
}

function triggerRun({ runs, triggers }: Options, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const parsed = parseRunRequest(request.body, keyHeader(request));
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });

  const { cohorts, devices, sample, idempotencyKey } = parsed.value;
  const known = runs.suites();
  const suite = parsed.value.suite ?? defaultSuite(known);
  if (suite === null) {
    return refuse(reply, { status: 400, detail: "suite: missing; the daemon has more than one" });
  }
  if (!known.includes(suite)) return refuse(reply, NO_SUITE);
  // Whoever may trigger may not decide about live devices: that takes the command line (design 6.1).
  const selection = { suite, cohorts, devices, allowDeviceIdentity: 0, ...(sample && { sample }) };
  const actor = actorOf(request);
  const answer = runs.trigger(selection, idempotencyKey, actor);
  if (answer.kind === "started" || answer.kind === "joined") {
    triggers.note(actor, answer.run.runId, `suite ${suite} over the API`);
  }
  return answerTrigger(answer, reply);
}

function answerTrigger(answer: Triggered, reply: FastifyReply): FastifyReply {
  switch (answer.kind) {
    case "started":
    case "joined":
    case "known":
      return reply.code(202).header("location", `${RUNS}/${answer.run.runId}`).send(answer.run);
    case "busy": {
      const { runId, reason } = answer;
      return refuse(reply, { status: 409, detail: reason, members: { runId } });
    }
    case "draining":
      return refuse(reply, STOPPING);
    default:
      return assertNever(answer, "trigger answer");
  }
}

/** As the `run` command: the only one, else `all`. */
function defaultSuite(known: readonly string[]): string | null {
  const [only, ...more] = known;
  if (only !== undefined && more.length === 0) return only;
  return known.includes("all") ? "all" : null;
}

function listRuns(runs: RunsPort, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const page = parsePage(request.query);
  if (page.kind === "invalid") return refuse(reply, { status: 400, detail: page.detail });
  const { items, nextCursor } = runs.list(page.value.cursor, page.value.limit);
  return reply.send({ items, nextCursor });
}

function showRun(runs: RunsPort, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const { runId } = request.params as { readonly runId: string };
  const run = runs.get(runId);
  return run === null ? refuse(reply, NO_RUN) : reply.send(run);
}

function cancelRun({ runs, audit }: Options, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const { runId } = request.params as { readonly runId: string };
  const cancelled = runs.cancel(runId);
  if (cancelled !== null) {
    audit.note(actorOf(request), "cancel", `suite ${cancelled.suite}, run ${runId}`);
    return reply.code(202).send(cancelled);
  }
  const run = runs.get(runId);
  return run === null
    ? refuse(reply, NO_RUN)
    : refuse(reply, { status: 409, detail: `the run is ${run.status}` });
}
