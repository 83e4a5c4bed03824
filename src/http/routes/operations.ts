import { textAnswer } from "../operation-doc.ts";
import type { HttpOptions } from "../ports.ts";
import type { PathRoutes } from "./route.ts";

const TEXT = "text/plain; charset=utf-8";

/** Metrics and health, named as Prometheus names them. */
export function operationRoutes({
  metricsPage,
  ready,
}: Pick<HttpOptions, "metricsPage" | "ready">): PathRoutes[] {
  return [
    {
      path: "/metrics",
      methods: {
        GET: {
          access: "open",
          doc: {
            summary: "Prometheus metrics (docs/metrics.md)",
            answers: { 200: textAnswer("The page", "text/plain; version=0.0.4; charset=utf-8") },
          },
          handle: async (_request, reply) => {
            const { contentType, body } = await metricsPage();
            return reply.type(contentType).send(body);
          },
        },
      },
    },
    {
      path: "/-/healthy",
      methods: {
        GET: {
          access: "open",
          doc: { summary: "Does the process live?", answers: { 200: textAnswer("It does", TEXT) } },
          handle: (_request, reply) => reply.type(TEXT).send("healthy\n"),
        },
      },
    },
    {
      path: "/-/ready",
      methods: {
        GET: {
          access: "open",
          doc: {
            summary: "Does it take work?",
            answers: { 200: textAnswer("It does", TEXT), 503: textAnswer("It does not: why", TEXT) },
          },
          handle: (_request, reply) => {
            const state = ready();
            return reply
              .code(state.ready ? 200 : 503)
              .type(TEXT)
              .send(`${state.reason}\n`);
          },
        },
      },
    },
  ];
}
