import { textAnswer } from "../operation-doc.ts";
import type { Endpoint } from "./route.ts";

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>fleet-smoke</title></head>
<body>
<h1>fleet-smoke</h1>
<p>Will the devices still get in?</p>
<ul>
<li><a href="/api/v1/runs">Runs</a></li>
<li><a href="/metrics">Metrics</a></li>
<li><a href="/-/ready">Readiness</a></li>
<li><a href="/openapi.json">The API</a></li>
</ul>
</body>
</html>
`;

/** The same for everybody: it knows no device and no run. */
export const landingPage: Endpoint = {
  access: "public",
  doc: { summary: "A page for people", answers: { 200: textAnswer("HTML", "text/html; charset=utf-8") } },
  handle: (_request, reply) => reply.type("text/html; charset=utf-8").send(PAGE),
};
