import { DescribeDefaultAuthorizerCommand, DescribeEndpointCommand } from "@aws-sdk/client-iot";
import { assertNever } from "../lib/errors.ts";
import { KEEP_ANSWER_MS } from "../lib/pacing.ts";
import { scrub } from "../lib/scrub.ts";
import type { CauseCode } from "../model/causes.ts";
import type { DefaultAuthorizer } from "../model/invocation.ts";
import type { DefaultAuthorizerFn, NeedsCertificateFn } from "../model/ports.ts";
import type { Checked, DomainDescription } from "../model/preflight.ts";
import type { ReadyTarget, Target } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import { type Domain, type DomainAnswer, findDomain, text } from "./domain.ts";
import type { Failure } from "./errors.ts";
import { Shared } from "./shared.ts";

export type EndpointAnswer =
  | { readonly kind: "ready"; readonly target: ReadyTarget }
  /** `message` is scrubbed. */
  | { readonly kind: "failed"; readonly cause: CauseCode; readonly message: string };

export type ResolveEndpointFn = (target: Target, signal: AbortSignal) => Promise<EndpointAnswer>;

/** What is asked about a target as a whole; each answer is shared by its devices. */
export interface Describe {
  readonly resolveEndpoint: ResolveEndpointFn;
  readonly defaultAuthorizer: DefaultAuthorizerFn;
  readonly needsCertificate: NeedsCertificateFn;
  /** The domain configuration behind the target's endpoint; null: none is. */
  readonly domain: (target: ReadyTarget, signal: AbortSignal) => Promise<Checked<DomainDescription | null>>;
  /** The account's own data endpoint, also where another one is configured. */
  readonly accountEndpoint: (target: Target, signal: AbortSignal) => Promise<Checked<string>>;
}

export interface DescribeDependencies extends CallDependencies {
  /** Monotonic milliseconds, for how long answers are kept. */
  readonly now?: () => number;
}

/** How long nobody asks again after a failure: a missing permission is no question for every check. */
export const KEEP_FAILURE_MS = 30_000;

/**
 * Makes the ports that ask AWS about a target. Answers are kept 5 minutes, failures 30 seconds, and an endpoint for
 * good: it never changes for an account in a Region (API_DescribeEndpoint). They throw only the signal's reason.
 */
export function createDescribe(dependencies: DescribeDependencies): Describe {
  const { now } = dependencies;
  const endpoints = new Shared<OwnEndpoint>({
    keepMs: ({ kind }) => (kind === "failed" ? KEEP_FAILURE_MS : Number.POSITIVE_INFINITY),
    now,
  });
  const domains = new Shared<DomainAnswer>({
    keepMs: ({ kind }) => (kind === "failed" ? KEEP_FAILURE_MS : KEEP_ANSWER_MS),
    now,
  });
  const defaults = new Shared<DefaultAuthorizer>({
    keepMs: ({ kind }) => (kind === "unknown" ? KEEP_FAILURE_MS : KEEP_ANSWER_MS),
    now,
  });

  function domainOf(target: ReadyTarget, signal: AbortSignal): Promise<DomainAnswer> {
    return domains.get(target.name, signal, (shared) => findDomain(dependencies, target, shared));
  }

  function ownEndpoint(target: Target, signal: AbortSignal): Promise<OwnEndpoint> {
    return endpoints.get(target.name, signal, (shared) => describeEndpoint(dependencies, target, shared));
  }

  return {
    async resolveEndpoint(target, signal) {
      const { endpoint } = target;
      if (endpoint !== null) return { kind: "ready", target: { ...target, endpoint } };
      const answer = await ownEndpoint(target, signal);
      return answer.kind === "failed"
        ? answer
        : { kind: "ready", target: { ...target, endpoint: answer.endpoint } };
    },
    async accountEndpoint(target, signal) {
      const answer = await ownEndpoint(target, signal);
      return answer.kind === "failed"
        ? { kind: "not-checked", reason: answer.message }
        : { kind: "known", value: answer.endpoint };
    },
    defaultAuthorizer(target, signal) {
      return defaults.get(target.name, signal, async (shared) =>
        chooseDefault(dependencies, target, await domainOf(target, shared), shared),
      );
    },
    async needsCertificate(target, signal) {
      const answer = await domainOf(target, signal);
      switch (answer.kind) {
        case "found":
          return answer.domain.needsCertificate;
        case "none":
          return false;
        case "failed":
          return "unknown";
        default:
          return assertNever(answer, "domain");
      }
    },
    async domain(target, signal) {
      const answer = await domainOf(target, signal);
      switch (answer.kind) {
        case "found":
          return answer.domain.description;
        case "none":
          return { kind: "known", value: null };
        case "failed":
          return notChecked(answer.operation, answer.failure);
        default:
          return assertNever(answer, "domain");
      }
    },
  };
}

type OwnEndpoint =
  | { readonly kind: "known"; readonly endpoint: string }
  | Extract<EndpointAnswer, { readonly kind: "failed" }>;

/** Always `iot:Data-ATS`: custom authentication and MQTT 5 need it, and what an omitted type returns is not stated. */
async function describeEndpoint(
  dependencies: CallDependencies,
  target: Target,
  signal: AbortSignal,
): Promise<OwnEndpoint> {
  const command = new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" });
  const reply = await askAws(dependencies, {
    target,
    operation: "DescribeEndpoint",
    send: (client, abortSignal) => client.send(command, { abortSignal }),
    signal,
  });
  if (reply.kind === "failed") {
    const { cause, code, message } = reply.failure;
    return {
      kind: "failed",
      cause: causeOfDescribe(cause),
      message: `DescribeEndpoint: ${code}: ${message}`,
    };
  }
  const endpoint = text(reply.output.endpointAddress);
  if (endpoint === null || !HOST_NAME.test(endpoint)) {
    const message = "DescribeEndpoint: the answer holds no host name";
    return { kind: "failed", cause: "API_UNAVAILABLE", message };
  }
  return { kind: "known", endpoint };
}

/** What is dialled and sent as SNI comes from outside: nothing but a host name may be. */
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** A domain's default comes before the account's (custom-auth-create-authorizer, API_SetDefaultAuthorizer). */
async function chooseDefault(
  dependencies: CallDependencies,
  target: ReadyTarget,
  answer: DomainAnswer,
  signal: AbortSignal,
): Promise<DefaultAuthorizer> {
  if (answer.kind === "failed") return unknownDefault(answer.failure);
  const domain = answer.kind === "found" ? answer.domain : null;
  if (domain?.defaultAuthorizer) return { kind: "known", name: domain.defaultAuthorizer, from: "domain" };
  const reply = await askAws(dependencies, {
    target,
    operation: "DescribeDefaultAuthorizer",
    send: (client, abortSignal) => client.send(new DescribeDefaultAuthorizerCommand(), { abortSignal }),
    signal,
  });
  if (reply.kind === "failed") {
    return reply.failure.notFound ? noDefault(target, domain) : unknownDefault(reply.failure);
  }
  const name = text(reply.output.authorizerDescription?.authorizerName);
  return name !== null ? { kind: "known", name, from: "account" } : noDefault(target, domain);
}

function noDefault({ accountId, region, endpoint }: ReadyTarget, domain: Domain | null): DefaultAuthorizer {
  const place =
    domain === null ? `no domain configuration for ${endpoint}` : `domain ${domain.name} has none`;
  const evidence = `the device names no authorizer, ${place}, and account ${accountId} in ${region} has no default`;
  return { kind: "none", evidence };
}

function unknownDefault({ cause, code, message }: Failure): DefaultAuthorizer {
  return { kind: "unknown", cause: causeOfDescribe(cause), code, message };
}

/** What a call that failed leaves open, and why. */
export function notChecked(operation: string, { code, message }: Failure): Checked<never> {
  return { kind: "not-checked", reason: scrub(`${operation}: ${code}: ${message}`, []) };
}

/** A description that is not there is no missing authorizer. */
function causeOfDescribe(cause: CauseCode): CauseCode {
  return cause === "AUTHORIZER_NOT_FOUND" || cause === "AUTHORIZER_RESPONSE_INVALID"
    ? "API_UNAVAILABLE"
    : cause;
}
