import { z } from "zod";
import type { AnswerDoc, OperationDoc } from "./operation-doc.ts";
import { type Endpoint, METHODS, type Method, type PathRoutes } from "./routes/route.ts";
import { problem } from "./schemas/common.ts";

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of the routes: what they check requests with, and what they answer. */
export function openApiDocument(routes: readonly PathRoutes[]): Json {
  const schemas: Record<string, unknown> = {};
  const paths = routes.map(({ path, methods }) => {
    const operations = METHODS.flatMap((method) => {
      const endpoint = methods[method];
      return endpoint === undefined
        ? []
        : [[method.toLowerCase(), operation(method, path, endpoint, schemas)] as const];
    });
    return [inBraces(path), { ...pathParameters(path), ...Object.fromEntries(operations) }] as const;
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "fleet-smoke",
      version: "1",
      description: "Will the devices still get in? Members may be added to any answer.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A token of http.tokens; its scopes are roles",
        },
      },
    },
  };
}

function operation(method: Method, path: string, endpoint: Endpoint, schemas: Record<string, unknown>): Json {
  const { access, doc } = endpoint;
  const isOpen = access === "open" || access === "public";
  const answers = Object.entries(doc.answers).map(([status, answer]) => [status, response(answer, schemas)]);
  return {
    operationId: operationId(method, path),
    summary: doc.summary,
    ...(isOpen ? { security: [] } : { security: [{ bearer: [access] }] }),
    ...parametersOf(doc, schemas),
    ...(doc.body === undefined ? {} : { requestBody: requestBody(doc.body, schemas) }),
    responses: {
      ...Object.fromEntries(answers),
      default: response(
        { description: "Refused (RFC 9457)", type: "application/problem+json", schema: problem },
        schemas,
      ),
    },
  };
}

function response({ description, type, schema }: AnswerDoc, schemas: Record<string, unknown>): Json {
  if (type === null) return { description };
  const isProblem = type === "application/problem+json";
  const described = schema ?? (isProblem ? problem : null);
  const content = described === null ? { type: "string" } : jsonSchema(described, schemas);
  return { description, content: { [type]: { schema: content } } };
}

function requestBody(body: z.ZodType, schemas: Record<string, unknown>): Json {
  const schema = jsonSchema(body, schemas);
  return { required: "required" in schema, content: { "application/json": { schema } } };
}

function parametersOf({ query, headers = [] }: OperationDoc, schemas: Record<string, unknown>): Json {
  const { properties = {}, required = [] } = (query === undefined ? {} : jsonSchema(query, schemas)) as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  const inQuery = Object.entries(properties).map(([name, schema]) => {
    return { name, in: "query", required: required.includes(name), schema };
  });
  const inHeader = headers.map((name) => ({ name, in: "header", schema: { type: "string" } }));
  const parameters = [...inQuery, ...inHeader];
  return parameters.length === 0 ? {} : { parameters };
}

function pathParameters(path: string): Json {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  if (names.length === 0) return {};
  return {
    parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
  };
}

/** As it is sent, not as it is after reading; named schemas move into the components. */
function jsonSchema(schema: z.ZodType, schemas: Record<string, unknown>): Json {
  const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io: "input" });
  const name = schema.meta()?.id;
  const moved = inComponents({ ...root, id: undefined }) as Json;
  for (const [each, definition] of Object.entries($defs))
    schemas[each] ??= withoutId(inComponents(definition));
  if (name === undefined) return moved;
  schemas[name] ??= withoutId(moved);
  return { $ref: `#/components/schemas/${name}` };
}

function withoutId(definition: unknown): unknown {
  const { id: _, ...rest } = definition as Json;
  return rest;
}

function inComponents(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function inBraces(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

/** For example `getApiV1RunsByRunId`. */
function operationId(method: Method, path: string): string {
  const words = path
    .replace(/:(\w+)/g, "by-$1")
    .split(/\W+/)
    .filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
