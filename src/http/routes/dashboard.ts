import { type DashboardFiles, readDashboard } from "../dashboard-files.ts";
import { problemAnswer, textAnswer } from "../operation-doc.ts";
import { refuse } from "../refusal.ts";
import type { PathRoutes } from "./route.ts";

const HTML = "text/html; charset=utf-8";
/** Nothing from elsewhere, nothing inline, nothing to be framed by; it sends no forms. */
const POLICY = [
  "default-src 'none'",
  ...["script-src", "style-src", "connect-src"].map((kind) => `${kind} 'self'`),
  "img-src 'self' data:",
  ...["base-uri", "form-action", "frame-ancestors"].map((kind) => `${kind} 'none'`),
].join("; ");
/** Names of assets hold a checksum of what is in them. */
const FOR_EVER = "public, max-age=31536000, immutable";

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>fleet-smoke</title></head>
<body>
<h1>fleet-smoke</h1>
<p>The dashboard is not built: <code>npm run build</code>, then start the daemon again. Meanwhile:</p>
<ul>
<li><a href="/api/v1/runs">Runs</a></li>
<li><a href="/metrics">Metrics</a></li>
<li><a href="/-/ready">Readiness</a></li>
<li><a href="/openapi.json">The API</a></li>
</ul>
</body>
</html>
`;

/** The dashboard. Its files are the same for everybody and know no device: what it shows it asks the API for. */
export function dashboardRoutes(files: DashboardFiles = readDashboard()): PathRoutes[] {
  return [
    {
      path: "/",
      methods: {
        GET: {
          access: "public",
          doc: { summary: "The dashboard", answers: { 200: textAnswer("HTML", HTML) } },
          handle: (_request, reply) =>
            reply
              .header("content-security-policy", POLICY)
              .type(HTML)
              .send(files.page ?? NOT_BUILT),
        },
      },
    },
    {
      path: "/assets/:file",
      methods: {
        GET: {
          access: "public",
          doc: {
            summary: "A script or style of the dashboard",
            answers: {
              200: textAnswer("The file", "text/javascript; charset=utf-8"),
              404: problemAnswer("No such file"),
            },
          },
          handle: (request, reply) => {
            const { file } = request.params as { readonly file: string };
            const asset = files.assets.get(file);
            if (asset === undefined) return refuse(reply, { status: 404, detail: "no such file" });
            return reply.header("cache-control", FOR_EVER).type(asset.type).send(asset.body);
          },
        },
      },
    },
  ];
}
