import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import type { HttpOptions } from "../ports.ts";
import { refuse } from "../refusal.ts";
import { NO_CURSOR, pageQuery, parsePage } from "../run-request.ts";
import { page } from "../schemas/common.ts";
import { deviceResult } from "../schemas/overview.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "overview">;

/** GET /api/v1/devices/{id}/results: what became of one device in every run that is kept. */
export function deviceRoutes(options: Options): PathRoutes[] {
  return [
    {
      path: "/api/v1/devices/:device/results",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "Results of one device over all runs, the newest run first, in a run in plan order",
            query: pageQuery,
            answers: {
              200: jsonAnswer("A page; empty where nothing is kept of such a device", page(deviceResult)),
              400: problemAnswer("A parameter is unknown or has an unknown value"),
            },
          },
          handle: (request, reply) => listResults(options, request, reply),
        },
      },
    },
  ];
}

function listResults({ overview }: Options, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const parsed = parsePage(request.query);
  if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
  const { device } = request.params as { readonly device: string };
  const found = overview.ofDevice(device, parsed.value.cursor, parsed.value.limit);
  return found === null
    ? refuse(reply, { status: 400, detail: `cursor: ${NO_CURSOR}` })
    : reply.send({ items: found.items, nextCursor: found.nextCursor });
}
