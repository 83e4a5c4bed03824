import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import type { HttpOptions } from "../ports.ts";
import { NO_RUN, refuse } from "../refusal.ts";
import { parseResultsQuery, resultsQuery } from "../run-request.ts";
import { page } from "../schemas/common.ts";
import { result } from "../schemas/result.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "runs" | "results">;

/** GET /api/v1/runs/{id}/results: what became of each check, a page at a time in the order of the plan. */
export function resultRoutes(options: Options): PathRoutes[] {
  return [
    {
      path: "/api/v1/runs/:runId/results",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "Results of a run in plan order; of one that is under way those there are so far",
            query: resultsQuery,
            answers: {
              200: jsonAnswer("A page", page(result)),
              400: problemAnswer("A parameter is unknown or has an unknown value"),
              404: problemAnswer("No such run, or nothing is kept of its results"),
            },
          },
          handle: (request, reply) => listResults(options, request, reply),
        },
      },
    },
  ];
}

function listResults({ runs, results }: Options, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const parsed = parseResultsQuery(request.query);
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
  const { runId } = request.params as { readonly runId: string };
  const { limit } = parsed.value;
  // One more tells whether there is another page.
  const found = results.results(runId, { ...parsed.value, limit: limit + 1 });
  if (found === null) {
    const isKnown = runs.get(runId) !== null;
    return refuse(reply, isKnown ? { status: 404, detail: "nothing is kept of this run's results" } : NO_RUN);
  }
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return reply.send({ items, nextCursor: last === undefined ? null : String(last.seq) });
}
