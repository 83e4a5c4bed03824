import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import type { HttpOptions } from "../ports.ts";
import { NO_SUITE, refuse } from "../refusal.ts";
import { historyQuery, parseHistoryQuery } from "../run-request.ts";
import { page } from "../schemas/common.ts";
import { runPoint } from "../schemas/overview.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "runs" | "overview">;

/** GET /api/v1/history: the runs of a suite as points in time, newest first. */
export function historyRoutes(options: Options): PathRoutes[] {
  return [
    {
      path: "/api/v1/history",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "Runs of a suite as points in time, newest first",
            query: historyQuery,
            answers: {
              200: jsonAnswer("A page", page(runPoint)),
              400: problemAnswer("A parameter is missing, unknown or has an unknown value"),
              404: problemAnswer("No such suite"),
            },
          },
          handle: (request, reply) => showHistory(options, request, reply),
        },
      },
    },
  ];
}

function showHistory({ runs, overview }: Options, request: FastifyRequest, reply: FastifyReply) {
  const parsed = parseHistoryQuery(request.query);
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
  const { suite, cursor, limit } = parsed.value;
  if (!runs.suites().includes(suite)) return refuse(reply, NO_SUITE);
  return reply.send(overview.history(suite, cursor, limit));
}
