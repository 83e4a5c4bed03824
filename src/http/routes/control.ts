import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { assertNever } from "../../lib/errors.ts";
import type { Pause } from "../../model/pause.ts";
import { actorOf } from "../actor.ts";
import { reasonText } from "../gate-request.ts";
import { jsonAnswer, problemAnswer } from "../operation-doc.ts";
import { parse, parseNoQuery, strict } from "../parse.ts";
import type { ControlPort, HttpOptions } from "../ports.ts";
import { refuse } from "../refusal.ts";
import type { Endpoint, PathRoutes } from "./route.ts";

type Options = Pick<HttpOptions, "control">;

const pauseBody = strict({ reason: reasonText.optional() });
const nothingBody = z.strictObject({}, { error: () => "expected no body, or an empty object" });

const pause: z.ZodType<Pause> = z.object({
  actor: z.string(),
  reason: z.string().describe("Empty where none was given"),
  since: z.iso.datetime(),
});
const pauseState = z.object({ paused: pause.nullable() }).meta({ id: "PauseState" });

/** POST /-/pause, /-/resume and /-/reload (design 6.4): what an administrator tells the daemon. */
export function controlRoutes({ control }: Options): PathRoutes[] {
  const told = jsonAnswer("Whether it is paused now", pauseState);
  return [
    post("/-/pause", "Connect no device and ask no authorizer until /-/resume", pauseBody, {
      answers: { 200: told },
      handle: (request, reply, { reason = "" }) =>
        reply.send({ paused: control.pause(actorOf(request), reason) }),
    }),
    post("/-/resume", "End a pause", nothingBody, {
      answers: { 200: told },
      handle: (request, reply) => {
        control.resume(actorOf(request));
        return reply.send({ paused: null });
      },
    }),
    post("/-/reload", "Read the configuration and the profiles again, all or nothing", nothingBody, {
      answers: {
        200: jsonAnswer("It is in force", z.object({ reloaded: z.literal(true) })),
        409: problemAnswer("A reload is under way"),
        422: problemAnswer("Something is wrong, `problems` says what; the old configuration stays"),
      },
      handle: (request, reply) => reload(control, request, reply),
    }),
  ];
}

async function reload(control: ControlPort, request: FastifyRequest, reply: FastifyReply) {
  const answer = await control.reload(actorOf(request));
  switch (answer.kind) {
    case "reloaded":
      return reply.send({ reloaded: true });
    case "rejected": {
      const { problems } = answer;
      const detail = "the configuration was not taken; the old one stays";
      return refuse(reply, { status: 422, detail, members: { problems } });
    }
    case "busy":
      return refuse(reply, { status: 409, detail: answer.reason });
    default:
      return assertNever(answer, "reload answer");
  }
}

/** A route for administrators, whose body may be left out. */
function post<T>(
  path: string,
  summary: string,
  body: z.ZodType<T>,
  told: Pick<Endpoint["doc"], "answers"> & {
    readonly handle: (request: FastifyRequest, reply: FastifyReply, body: T) => unknown;
  },
): PathRoutes {
  const answers = { ...told.answers, 400: problemAnswer("The request cannot be understood") };
  const endpoint: Endpoint = {
    access: "admin",
    doc: { summary, body, answers },
    handle: (request, reply) => {
      const query = parseNoQuery(request.query);
      if (query.kind === "invalid") return refuse(reply, { status: 400, detail: query.detail });
      const parsed = parse(body, request.body ?? {});
      if (parsed.kind === "invalid") return refuse(reply, { status: 400, detail: parsed.detail });
      return told.handle(request, reply, parsed.value);
    },
  };
  return { path, methods: { POST: endpoint } };
}
