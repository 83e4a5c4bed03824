import { z } from "zod";
import { openApiDocument } from "../openapi.ts";
import { jsonAnswer } from "../operation-doc.ts";
import type { PathRoutes } from "./route.ts";

/** GET /openapi.json: what the other routes are, and this one. */
export function openApiRoutes(others: readonly PathRoutes[]): PathRoutes[] {
  const routes: PathRoutes[] = [
    {
      path: "/openapi.json",
      methods: {
        GET: {
          access: "read",
          doc: {
            summary: "This document",
            answers: { 200: jsonAnswer("OpenAPI 3.1", z.record(z.string(), z.unknown())) },
          },
          handle: (_request, reply) => reply.send(document),
        },
      },
    },
  ];
  const document = openApiDocument([...others, ...routes]);
  return routes;
}
