import type { Behaviours } from "../behaviours.ts";
import type { Domain } from "../domains.ts";
import type { RefusalCause } from "../refusal-causes.ts";
import type { Account } from "./account.ts";
import { type AuthorizerResponse, clampLifetime, readAnswer } from "./answer.ts";
import type { Presented } from "./event.ts";
import { askFunction } from "./invoke.ts";
import { authorizerNames, type Parameters, readParameters, signatures } from "./parameters.ts";
import type { Authorizer, AuthorizerRegistry } from "./registry.ts";
import { isSignedBy } from "./signature.ts";

/** Reasons as the log event Connection.AuthNError names them (DG cwl-format). */
export type LogReason =
  | "CUSTOM_AUTHORIZER_LAMBDA_EXECUTION_ERROR"
  | "CUSTOM_AUTHORIZER_NOT_FOUND"
  | "CUSTOM_AUTHORIZER_PARAMETER_INVALID"
  | "DOMAIN_CONFIGURATION_DISABLED"
  | "DOMAIN_CONFIGURATION_INVALID"
  | "NOT_AUTHENTICATED"
  | "AUTHORIZATION_FAILURE"
  | "CLIENT_ERROR"
  | "THROTTLED"
  | "SNI_MISUSED";

export interface Refused {
  readonly kind: "refused";
  readonly cause: RefusalCause;
  readonly reason: LogReason;
  /** For the emulator's own log: never holds what the device presented. */
  readonly details: string;
}

export interface Admitted {
  readonly kind: "admitted";
  readonly authorizer: Authorizer;
  readonly response: AuthorizerResponse;
}

/** Authorizer and token of a device, its signature verified; the function has not been asked. */
interface Checked {
  readonly kind: "checked";
  readonly authorizer: Authorizer;
  readonly token: string | null;
  readonly verified: boolean;
}

/**
 * The gateway's authentication by custom authorizer: chooses the authorizer (DG custom-auth), verifies the token's
 * signature before anything is invoked (so strangers cost no invocation), asks the function, checks its answer.
 */
export async function authenticate(
  account: Account,
  domain: Domain,
  presented: Presented,
  signal: AbortSignal,
): Promise<Admitted | Refused> {
  const checked = checkCredentials(account, domain, presented);
  if (checked.kind === "refused") return checked;
  return askAuthorizer(account, checked, presented, signal);
}

/** The part of authentication that needs no invocation. */
export function checkCredentials(
  { registry, behaviours }: Account,
  domain: Domain,
  presented: Presented,
): Checked | Refused {
  const parameters = readParameters(presented, behaviours);
  if (parameters.isMalformed)
    return refused("Signature", "CUSTOM_AUTHORIZER_PARAMETER_INVALID", "two ? in the user name");
  const chosen = chooseAuthorizer(registry, behaviours, domain, parameters);
  if (chosen.kind === "refused") return chosen;
  return checkSignature(registry, behaviours, chosen, parameters);
}

async function askAuthorizer(
  account: Account,
  { authorizer, token, verified }: Checked,
  presented: Presented,
  signal: AbortSignal,
): Promise<Admitted | Refused> {
  const signed = { token, verified };
  const result = await askFunction(account, { authorizer, presented, signed, face: "gateway" }, signal);
  const failed = (details: string) =>
    refused("AuthorizerError", "CUSTOM_AUTHORIZER_LAMBDA_EXECUTION_ERROR", `${authorizer.name}: ${details}`);
  if (result.kind === "failed") return failed(result.reason);
  const read = readAnswer(result.answer, presented.tls?.certificate?.id ?? null);
  if (read === null) return failed("the answer is no object with isAuthenticated");
  const { response, breaches, lifetimeOutOfRange } = read;
  if (!response.isAuthenticated)
    return refused("NotAuthenticated", "NOT_AUTHENTICATED", `${authorizer.name}: isAuthenticated false`);
  if (breaches.length > 0) return failed(breaches.join("; "));
  if (!lifetimeOutOfRange) return { kind: "admitted", authorizer, response };
  if (account.behaviours.lifetimeOutOfRange === "refuse")
    return failed("a lifetime is outside 300 to 86400 seconds");
  const { refreshAfterInSeconds: refresh, disconnectAfterInSeconds } = response;
  return {
    kind: "admitted",
    authorizer,
    response: {
      ...response,
      refreshAfterInSeconds: refresh === null ? null : clampLifetime(refresh),
      disconnectAfterInSeconds: clampLifetime(disconnectAfterInSeconds),
    },
  };
}

interface Chosen {
  readonly kind: "chosen";
  readonly authorizer: Authorizer;
}

function chooseAuthorizer(
  registry: AuthorizerRegistry,
  behaviours: Behaviours,
  domain: Domain,
  parameters: Parameters,
): Chosen | Refused {
  const [named, second] = authorizerNames(parameters);
  if (second !== undefined && behaviours.conflictingCredentials === "refuse") return conflict();
  const mayName = domain.allowAuthorizerOverride || named === domain.defaultAuthorizer;
  if (named !== undefined && !mayName && behaviours.overrideDisallowed === "refuse") {
    return refused(
      "NoAuthorizer",
      "DOMAIN_CONFIGURATION_INVALID",
      "the domain does not let devices name an authorizer",
    );
  }
  const fallback = domain.defaultAuthorizer ?? registry.defaultName;
  const name = named !== undefined && mayName ? named : fallback;
  if (name === null) {
    return refused("NoAuthorizer", "CUSTOM_AUTHORIZER_NOT_FOUND", "none is named, and there is no default");
  }
  const authorizer = registry.get(name);
  if (authorizer?.status === "ACTIVE") return { kind: "chosen", authorizer };
  const why = authorizer === null ? "there is no such authorizer" : `${authorizer.name} is inactive`;
  return refused("NoAuthorizer", "CUSTOM_AUTHORIZER_NOT_FOUND", why);
}

function checkSignature(
  registry: AuthorizerRegistry,
  behaviours: Behaviours,
  { authorizer }: Chosen,
  parameters: Parameters,
): Checked | Refused {
  const form = behaviours.tokenUrlDecoding ? "decoded" : "raw";
  const tokens = authorizer.tokenKeyName === null ? [] : parameters.values(authorizer.tokenKeyName, form);
  const offered = signatures(parameters);
  const isAmbiguous = tokens.length > 1 || (offered.length > 1 && !authorizer.signingDisabled);
  if (isAmbiguous && behaviours.conflictingCredentials === "refuse") return conflict();
  const [token = null] = tokens;
  if (authorizer.signingDisabled) return { kind: "checked", authorizer, token, verified: false };
  const [signature] = offered;
  const invalid = (details: string) =>
    refused("Signature", "CUSTOM_AUTHORIZER_PARAMETER_INVALID", `${authorizer.name}: ${details}`);
  if (token === null) return invalid("the token is missing");
  if (signature === undefined) return invalid("the signature is missing");
  return isSignedBy(registry.publicKeysOf(authorizer), token, signature)
    ? { kind: "checked", authorizer, token, verified: true }
    : invalid("no registered key made the signature");
}

function conflict(): Refused {
  return refused(
    "Signature",
    "CUSTOM_AUTHORIZER_PARAMETER_INVALID",
    "header, query string and user name disagree",
  );
}

export function refused(cause: RefusalCause, reason: LogReason, details: string): Refused {
  return { kind: "refused", cause, reason, details };
}
