import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions } from "../ports.ts";
import { refuse } from "../refusal.ts";
import { causes as causesSchema } from "../schemas/overview.ts";
import type { PathRoutes } from "./route.ts";

/** GET /api/v1/causes: the closed list of causes and what to do about each. */
export function causeRoutes({ causes }: Pick<HttpOptions, "causes">): PathRoutes[] {
  return [
    {
      path: "/api/v1/causes",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "Every cause there is, with its meaning and the next step",
            answers: {
              200: jsonAnswer("By whose fault it is", causesSchema),
              400: problemAnswer("No parameter is known here"),
            },
          },
          handle: (request, reply) => {
            const query = parseNoQuery(request.query);
            if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
            return reply.send({ items: causes });
          },
        },
      },
    },
  ];
}
