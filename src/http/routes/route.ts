import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access, Guard } from "../guard.ts";
import type { OperationDoc } from "../operation-doc.ts";
import { type Refusal, refuse } from "../refusal.ts";

export const METHODS = ["GET", "POST", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** What one method of a path does. */
export interface Endpoint {
  readonly access: Access;
  /** For /openapi.json. */
  readonly doc: OperationDoc;
  /** false: HEAD is refused, which else does what GET does and leaves out the body. */
  readonly head?: false;
  /** Where the token is found in the body, for callers that cannot send headers. */
  readonly tokenIn?: (body: unknown) => string | null;
  /** How a refusal is sent; a problem document unless told otherwise. */
  readonly refuse?: (reply: FastifyReply, refusal: Refusal) => FastifyReply;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

export interface PathRoutes {
  /** In the router's notation: `/runs/:runId`. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<Method, Endpoint>>>;
}

/** The only way a route comes into being, so that none is without its guard. */
export function addRoutes(app: FastifyInstance, { path, methods }: PathRoutes, guard: Guard): void {
  for (const method of METHODS) {
    const endpoint = methods[method];
    if (endpoint !== undefined) addEndpoint(app, method, path, endpoint, guard);
  }
  addOtherMethods(app, path, methods, guard);
}

function addEndpoint(
  app: FastifyInstance,
  method: Method,
  url: string,
  endpoint: Endpoint,
  guard: Guard,
): void {
  const { access, tokenIn, refuse: say = refuse } = endpoint;
  const checkToken = async (request: FastifyRequest, inBody: string | null) =>
    access === "open" || access === "public" ? null : guard.token(request, access, inBody);
  app.route({
    method,
    url,
    exposeHeadRoute: hasHead(endpoint),
    onRequest: async (request, reply) => {
      const refusal =
        guard.address(request, access) ?? (tokenIn === undefined ? await checkToken(request, null) : null);
      if (refusal !== null) return say(reply, refusal);
    },
    preHandler: async (request, reply) => {
      if (tokenIn === undefined) return;
      const refusal = await checkToken(request, tokenIn(request.body));
      if (refusal !== null) return say(reply, refusal);
    },
    handler: (request, reply) => endpoint.handle(request, reply),
  });
}

function hasHead(endpoint: Endpoint | undefined): boolean {
  return endpoint !== undefined && endpoint.head !== false;
}

/** OPTIONS tells what a path can do; every other method is refused with the same list. */
function addOtherMethods(
  app: FastifyInstance,
  url: string,
  methods: PathRoutes["methods"],
  guard: Guard,
): void {
  const served: readonly string[] = [
    ...METHODS.filter((method) => methods[method] !== undefined),
    ...(hasHead(methods.GET) ? ["HEAD"] : []),
  ];
  const allow = [...served, "OPTIONS"].join(", ");
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const refusal = guard.address(request, "public");
    if (refusal !== null) return refuse(reply, refusal);
    if (request.method === "OPTIONS") return reply.code(204).header("allow", allow).send();
    return refuse(reply, { status: 405, detail: `expected one of ${allow}`, headers: { allow } });
  };
  const others = app.supportedMethods.filter((method) => !served.includes(method));
  app.route({ method: others, url, onRequest: answer, handler: answer });
}
