import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import type { RunSummary } from "../../model/run.ts";
import { closeSignal } from "../close-signal.ts";
import type { HttpLimits } from "../limits.ts";
import { problemAnswer, textAnswer } from "../operation-doc.ts";
import { parseNoQuery } from "../parse.ts";
import type { HttpOptions, RunsPort } from "../ports.ts";
import { NO_RUN, refuse } from "../refusal.ts";
import type { PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "runs"> & {
  readonly limits: Pick<HttpLimits, "streams" | "progressMs" | "heartbeatMs">;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
};

const TYPE = "text/event-stream; charset=utf-8";
/** What a browser waits before it comes back to a stream that was cut. */
const RETRY_MS = 2_000;

/**
 * GET /api/v1/runs/{id}/events, as server-sent events: `progress` with the counts whenever they have changed, and one
 * `end` when the run is over for good. A stream that ends without it was cut (the client was too slow, or the daemon
 * stopped, whose next process goes on with the run): come back.
 */
export function eventRoutes(options: Options): PathRoutes[] {
  const streams = { open: 0 };
  return [
    {
      path: "/api/v1/runs/:runId/events",
      methods: {
        GET: {
          access: "read",
          // Nobody wants a stream for its headers.
          head: false,
          doc: {
            summary: "Progress of a run as server-sent events: progress, end",
            answers: {
              200: textAnswer("The stream; it is over after the event end", TYPE),
              404: problemAnswer("No such run"),
              429: problemAnswer("Too many streams are open"),
            },
          },
          handle: (request, reply) => openStream(options, streams, request, reply),
        },
      },
    },
  ];
}

function openStream(
  { runs, limits, closing }: Options,
  streams: { open: number },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const query = parseNoQuery(request.query);
  if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
  const { runId } = request.params as { readonly runId: string };
  if (runs.get(runId) === null) return refuse(reply, NO_RUN);
  if (streams.open >= limits.streams) {
    const detail = `${limits.streams} streams are open already`;
    return refuse(reply, { status: 429, detail, headers: { "retry-after": "5" } });
  }
  streams.open += 1;
  const { signal, release } = closeSignal(request, closing);
  // One event waits at most: a client that does not read gets the newest counts when it does.
  const stream = Readable.from(events(runs, runId, limits, signal), { highWaterMark: 1 });
  stream.once("close", () => {
    streams.open -= 1;
    release();
  });
  // A proxy that collects what it passes on would show nothing until the end.
  return reply.type(TYPE).header("x-accel-buffering", "no").send(stream);
}

async function* events(
  runs: RunsPort,
  runId: string,
  { progressMs, heartbeatMs }: Options["limits"],
  signal: AbortSignal,
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  let said = "";
  let saidAtMs = monotonicMs();
  while (!signal.aborted) {
    const run = runs.get(runId);
    if (run === null) return;
    if (isOver(run)) {
      yield eventText("end", endOf(run));
      return;
    }
    const progress = eventText("progress", { runId, status: run.status, counts: run.counts });
    if (progress !== said || monotonicMs() - saidAtMs >= heartbeatMs) {
      yield progress === said ? ": still running\n\n" : progress;
      said = progress;
      saidAtMs = monotonicMs();
    }
    await sleep(progressMs, signal).catch(() => {});
  }
}

/** An interrupted run goes on in the next process. */
function isOver({ status }: RunSummary): boolean {
  return status === "finished" || status === "cancelled";
}

function endOf({ runId, status, decision, reason, counts }: RunSummary): object {
  return { runId, status, decision, reason, counts };
}

function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
