import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions } from "../ports.ts";
import { NO_RUN, refuse } from "../refusal.ts";
import { latencies } from "../schemas/overview.ts";
import type { PathRoutes } from "./route.ts";

/** GET /api/v1/runs/{id}/latency: how the times of a run are spread, so far where it is under way. */
export function latencyRoutes(options: Pick<HttpOptions, "overview">): PathRoutes[] {
  return [
    {
      path: "/api/v1/runs/:runId/latency",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "How long each phase took over each protocol, in seconds; protocol api: the authorizer",
            answers: {
              200: jsonAnswer("Quantiles and distribution of each", latencies),
              404: problemAnswer("No such run"),
            },
          },
          handle: (request, reply) => showLatency(options, request, reply),
        },
      },
    },
  ];
}

function showLatency(
  { overview }: Pick<HttpOptions, "overview">,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const { runId } = request.params as { readonly runId: string };
  const items = overview.latency(runId);
  return items === null ? refuse(reply, NO_RUN) : reply.send({ items });
}
