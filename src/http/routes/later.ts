import type { Access } from "../guard.ts";
import { problemAnswer } from "../operation-doc.ts";
import type { Endpoint, PathRoutes } from "./route.ts";

/**
 * Routes the API promises and does not serve yet (design 6.4). 501 reads as a pass nowhere: Flagger passes on
 * 200 to 202 only and does not repeat a 501, Argo Rollouts counts everything but 2xx as an error.
 */
export function laterRoutes(): PathRoutes[] {
  return [
    { path: "/-/reload", methods: { POST: later("admin", "Read the configuration again") } },
    { path: "/-/pause", methods: { POST: later("admin", "Connect no device until /-/resume") } },
    { path: "/-/resume", methods: { POST: later("admin", "End a pause") } },
  ];
}

function later(access: Access, summary: string): Endpoint {
  return {
    kind: "later",
    access,
    doc: { summary, answers: { 501: problemAnswer("Not yet available") } },
  };
}
