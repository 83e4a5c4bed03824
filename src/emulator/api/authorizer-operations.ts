import type { Authorizer } from "../authorizers/registry.ts";
import { type ApiAnswer, failure, type Operation, ok, page } from "./operation.ts";

const MAX_PAGE = 250;

export const AUTHORIZER_OPERATIONS: readonly Operation[] = [
  {
    name: "DescribeAuthorizer",
    plane: "control",
    method: "GET",
    path: /^\/authorizer\/([^/]+)$/,
    run: ({ account }, { name }) => {
      const authorizer = account.registry.get(name);
      return authorizer === null ? noAuthorizer(name) : described(authorizer);
    },
  },
  {
    name: "DescribeDefaultAuthorizer",
    plane: "control",
    method: "GET",
    path: /^\/default-authorizer$/,
    run: ({ account }) => {
      const { registry } = account;
      const authorizer = registry.defaultName === null ? null : registry.get(registry.defaultName);
      return authorizer === null
        ? failure("ResourceNotFoundException", "No default authorizer is set")
        : described(authorizer);
    },
  },
  {
    name: "ListAuthorizers",
    plane: "control",
    method: "GET",
    path: /^\/authorizers$/,
    run: ({ account }, { query }) => {
      const status = query.get("status");
      if (status !== null && status !== "ACTIVE" && status !== "INACTIVE") {
        return failure("InvalidRequestException", "status must be ACTIVE or INACTIVE");
      }
      const all = account.registry.list().filter((each) => status === null || each.status === status);
      const found = page(query.get("isAscendingOrder") === "false" ? all.toReversed() : all, query, MAX_PAGE);
      if (found === null) return failure("InvalidRequestException", "pageSize or marker is not valid");
      const authorizers = found.items.map(({ name, arn }) => ({ authorizerName: name, authorizerArn: arn }));
      return ok({ authorizers, ...(found.nextMarker !== null && { nextMarker: found.nextMarker }) });
    },
  },
];

export function noAuthorizer(name: string): ApiAnswer {
  return failure("ResourceNotFoundException", `Authorizer ${name} does not exist`);
}

function described(authorizer: Authorizer): ApiAnswer {
  return ok({
    authorizerDescription: {
      authorizerName: authorizer.name,
      authorizerArn: authorizer.arn,
      authorizerFunctionArn: authorizer.functionArn,
      ...(authorizer.tokenKeyName !== null && { tokenKeyName: authorizer.tokenKeyName }),
      tokenSigningPublicKeys: authorizer.publicKeys,
      status: authorizer.status,
      creationDate: Math.floor(authorizer.createdAtMs / 1000),
      lastModifiedDate: Math.floor(authorizer.modifiedAtMs / 1000),
      signingDisabled: authorizer.signingDisabled,
      enableCachingForHttp: authorizer.enableCachingForHttp,
    },
  });
}
