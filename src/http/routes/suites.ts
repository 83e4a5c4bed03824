import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions } from "../ports.ts";
import { refuse, STOPPING } from "../refusal.ts";
import { suites } from "../schemas/overview.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "runs" | "gate" | "overview" | "ready">;

/** GET /api/v1/suites: what the gate of every suite says now, and by which rules. Triggers nothing. */
export function suiteRoutes(options: Options): PathRoutes[] {
  return [
    {
      path: "/api/v1/suites",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "The decision of every suite as it is now; triggers nothing",
            answers: {
              200: jsonAnswer("In the order of the configuration", suites),
              503: problemAnswer("The daemon is stopping"),
            },
          },
          handle: (request, reply) => listSuites(options, request, reply),
        },
      },
    },
  ];
}

async function listSuites(options: Options, request: FastifyRequest, reply: FastifyReply) {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  // As the gate's own route: what it could say now would be given up in a moment.
  if (!options.ready().ready) return refuse(reply, STOPPING);
  const items = await Promise.all(options.runs.suites().map((suite) => showSuite(options, suite)));
  return reply.send({ items });
}

async function showSuite({ gate, overview }: Options, suite: string): Promise<object> {
  const answer = await gate.glance(suite);
  return {
    suite,
    answer,
    rules: overview.lastWhole(suite)?.gate?.rules ?? [],
    running: overview.running(suite),
    lastGo: overview.lastGo(suite),
  };
}
