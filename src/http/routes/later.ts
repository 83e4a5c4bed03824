import type { Access } from "../guard.ts";
import type { Endpoint, PathRoutes } from "./route.ts";

/**
 * Routes the API promises and does not serve yet (design 6.4). 501 reads as a pass nowhere: Flagger passes on
 * 200 to 202 only and does not repeat a 501, Argo Rollouts counts everything but 2xx as an error.
 */
export function laterRoutes(): PathRoutes[] {
  return [
    { path: "/-/reload", methods: { POST: later("admin") } },
    { path: "/-/pause", methods: { POST: later("admin") } },
    { path: "/-/resume", methods: { POST: later("admin") } },
    { path: "/api/v1/runs/:runId/results", methods: { GET: later("read") } },
    { path: "/api/v1/runs/:runId/events", methods: { GET: later("read") } },
    { path: "/api/v1/gate/:suite", methods: { GET: later("read"), POST: later("trigger") } },
    { path: "/api/v1/gate/:suite/flagger", methods: { POST: later("trigger") } },
    { path: "/api/v1/gate/:suite/flagger/rollback", methods: { POST: later("trigger") } },
    { path: "/openapi.json", methods: { GET: later("read") } },
  ];
}

function later(access: Access): Endpoint {
  return { kind: "later", access };
}
