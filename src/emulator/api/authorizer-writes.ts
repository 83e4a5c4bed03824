import { z } from "zod";
import { type Authorizer, authorizerArn, isRsaPublicKey } from "../authorizers/registry.ts";
import { noAuthorizer } from "./authorizer-operations.ts";
import {
  type ApiAnswer,
  type ApiInput,
  type ApiServices,
  failure,
  firstViolation,
  isAuthorizerName,
  NAME_RULE,
  type Operation,
  ok,
  violation,
} from "./operation.ts";

/** Quota page. */
const MAX_AUTHORIZERS = 100;
const MAX_ACTIVE = 32;

const settings = {
  authorizerFunctionArn: z.string().min(1).max(2048),
  tokenKeyName: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, "must satisfy [a-zA-Z0-9_-]+, 1 to 128"),
  tokenSigningPublicKeys: z.record(
    z.string().regex(/^[a-zA-Z0-9:_-]{1,128}$/),
    z.string().max(5120).refine(isRsaPublicKey, "must be an RSA public key of at least 2048 bits in PEM"),
  ),
  status: z.enum(["ACTIVE", "INACTIVE"]),
  enableCachingForHttp: z.boolean(),
};

const createSchema = z
  .object({ ...settings, signingDisabled: z.boolean() })
  .partial()
  .required({ authorizerFunctionArn: true });
const updateSchema = z.object(settings).partial();

type Create = z.output<typeof createSchema>;

/** The calls that change authorizers. The functions they name are those of the configuration's authorizers. */
export const AUTHORIZER_WRITES: readonly Operation[] = [
  {
    name: "CreateAuthorizer",
    plane: "control",
    method: "POST",
    path: /^\/authorizer\/([^/]+)$/,
    run: create,
  },
  { name: "UpdateAuthorizer", plane: "control", method: "PUT", path: /^\/authorizer\/([^/]+)$/, run: update },
  {
    name: "DeleteAuthorizer",
    plane: "control",
    method: "DELETE",
    path: /^\/authorizer\/([^/]+)$/,
    run: remove,
  },
  {
    name: "SetDefaultAuthorizer",
    plane: "control",
    method: "POST",
    path: /^\/default-authorizer$/,
    run: setDefault,
  },
  {
    name: "ClearDefaultAuthorizer",
    plane: "control",
    method: "DELETE",
    path: /^\/default-authorizer$/,
    run: clearDefault,
  },
];

function create({ account, config }: ApiServices, { name, body }: ApiInput): ApiAnswer {
  if (!isAuthorizerName(name)) return violation("authorizerName", NAME_RULE);
  const parsed = createSchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const { registry, behaviours } = account;
  const wanted = parsed.data;
  if (registry.get(name) !== null) {
    return failure("ResourceAlreadyExistsException", `Authorizer ${name} already exists`);
  }
  if (wanted.signingDisabled !== true && !hasKeys(wanted)) {
    return failure(
      "InvalidRequestException",
      "tokenKeyName and tokenSigningPublicKeys are needed for signing",
    );
  }
  const nowMs = Date.now();
  const authorizer: Authorizer = {
    name,
    arn: authorizerArn(config, name),
    functionArn: wanted.authorizerFunctionArn,
    status: wanted.status ?? behaviours.createdStatus,
    tokenKeyName: wanted.tokenKeyName ?? null,
    signingDisabled: wanted.signingDisabled ?? false,
    publicKeys: wanted.tokenSigningPublicKeys ?? {},
    enableCachingForHttp: wanted.enableCachingForHttp ?? false,
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
  };
  return store(account, authorizer);
}

function update({ account }: ApiServices, { name, body }: ApiInput): ApiAnswer {
  const parsed = updateSchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const before = account.registry.get(name);
  if (before === null) return noAuthorizer(name);
  const wanted = parsed.data;
  return store(account, {
    ...before,
    functionArn: wanted.authorizerFunctionArn ?? before.functionArn,
    tokenKeyName: wanted.tokenKeyName ?? before.tokenKeyName,
    publicKeys: wanted.tokenSigningPublicKeys ?? before.publicKeys,
    status: wanted.status ?? before.status,
    enableCachingForHttp: wanted.enableCachingForHttp ?? before.enableCachingForHttp,
    modifiedAtMs: Date.now(),
  });
}

function remove({ account }: ApiServices, { name }: ApiInput): ApiAnswer {
  const { registry } = account;
  const authorizer = registry.get(name);
  if (authorizer === null) return noAuthorizer(name);
  if (authorizer.status === "ACTIVE") {
    return failure("DeleteConflictException", `Authorizer ${name} is active`);
  }
  registry.remove(name);
  if (registry.defaultName === name) registry.defaultName = null;
  return ok({});
}

function setDefault({ account }: ApiServices, { body }: ApiInput): ApiAnswer {
  const { registry, behaviours } = account;
  const parsed = z.object({ authorizerName: z.string().refine(isAuthorizerName, NAME_RULE) }).safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const { authorizerName } = parsed.data;
  const authorizer = registry.get(authorizerName);
  if (authorizer === null) return noAuthorizer(authorizerName);
  const isOther = registry.defaultName !== null && registry.defaultName !== authorizerName;
  if (isOther && behaviours.setDefaultAgain !== "replace") {
    return failure("ResourceAlreadyExistsException", "A default authorizer is set");
  }
  registry.defaultName = authorizerName;
  return named(authorizer);
}

function clearDefault({ account }: ApiServices): ApiAnswer {
  account.registry.defaultName = null;
  return ok({});
}

function store({ registry }: ApiServices["account"], authorizer: Authorizer): ApiAnswer {
  const others = registry.list().filter(({ name }) => name !== authorizer.name);
  const active = others.filter(({ status }) => status === "ACTIVE").length;
  const isFull = others.length >= MAX_AUTHORIZERS || (authorizer.status === "ACTIVE" && active >= MAX_ACTIVE);
  if (isFull) return failure("LimitExceededException", "Too many authorizers");
  registry.put(authorizer);
  return named(authorizer);
}

function hasKeys({ tokenKeyName, tokenSigningPublicKeys = {} }: Create): boolean {
  return tokenKeyName !== undefined && Object.keys(tokenSigningPublicKeys).length > 0;
}

function named({ name, arn }: Authorizer): ApiAnswer {
  return ok({ authorizerName: name, authorizerArn: arn });
}
