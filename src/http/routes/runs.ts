import type { FastifyReply, FastifyRequest } from "fastify";
import { assertNever } from "../../lib/errors.ts";
import { actorOf } from "../actor.ts";
import type { HttpOptions, RunsPort, TriggerAnswer } from "../ports.ts";
import { refuse } from "../refusal.ts";
import { parseNoQuery, parsePage, parseRunRequest } from "../run-request.ts";
import type { PathRoutes } from "./route.ts";

const RUNS = "/api/v1/runs";
/** A drained daemon is usually followed by a new one. */
const RETRY_AFTER_SECONDS = "30";

/** POST and GET /api/v1/runs, GET /api/v1/runs/{id} (design 6.4). */
export function runRoutes({ runs }: Pick<HttpOptions, "runs">): PathRoutes[] {
  return [
    {
      path: RUNS,
      methods: {
        POST: {
          kind: "served",
          access: "trigger",
          handle: (request, reply) => triggerRun(runs, request, reply),
        },
        GET: { kind: "served", access: "read", handle: (request, reply) => listRuns(runs, request, reply) },
      },
    },
    {
      path: `${RUNS}/:runId`,
      methods: {
        GET: { kind: "served", access: "read", handle: (request, reply) => showRun(runs, request, reply) },
        DELETE: { kind: "later", access: "trigger" },
      },
    },
  ];
}

function triggerRun(runs: RunsPort, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const header = request.headers["idempotency-key"];
  const parsed = parseRunRequest(request.body, header === undefined ? null : String(header));
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });

  const { cohorts, devices, idempotencyKey } = parsed.value;
  const known = runs.suites();
  const suite = parsed.value.suite ?? defaultSuite(known);
  if (suite === null) {
    return refuse(reply, { status: 400, detail: "suite: missing; the daemon has more than one" });
  }
  if (!known.includes(suite)) return refuse(reply, { status: 404, detail: "no such suite" });
  // Whoever may trigger may not decide about live devices: that takes the command line (design 6.1).
  const selection = { suite, cohorts, devices, allowDeviceIdentity: 0 };
  return answerTrigger(runs.trigger(selection, idempotencyKey, actorOf(request)), reply);
}

function answerTrigger(answer: TriggerAnswer, reply: FastifyReply): FastifyReply {
  switch (answer.kind) {
    case "started":
    case "joined":
    case "known":
      return reply.code(202).header("location", `${RUNS}/${answer.run.runId}`).send(answer.run);
    case "busy": {
      const { runId, reason } = answer;
      return refuse(reply, { status: 409, detail: reason, members: { runId } });
    }
    case "draining": {
      const headers = { "retry-after": RETRY_AFTER_SECONDS };
      return refuse(reply, { status: 503, detail: "the daemon is stopping", headers });
    }
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
  return run === null ? refuse(reply, { status: 404, detail: "no such run" }) : reply.send(run);
}
