import { DescribeAuthorizerCommand } from "@aws-sdk/client-iot";
import { AUTHORIZER_NAME } from "../lib/aws-limits.ts";
import { KEEP_ANSWER_MS } from "../lib/pacing.ts";
import type { PreflightFn } from "../model/ports.ts";
import type { AuthorizerDescription, Checked } from "../model/preflight.ts";
import type { ReadyTarget } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import { type Describe, KEEP_FAILURE_MS, notChecked } from "./describe.ts";
import { readAuthorizer } from "./read-description.ts";
import { Shared } from "./shared.ts";

export interface PreflightDependencies extends CallDependencies {
  /** Endpoint and domain are asked about for other reasons too: once for all. */
  readonly describe: Pick<Describe, "domain" | "accountEndpoint">;
  /** Monotonic milliseconds, for how long answers are kept. */
  readonly now?: () => number;
}

type Authorizer = Checked<AuthorizerDescription | null>;

/**
 * Makes the port that looks at what a check depends on in the account: the authorizer, the domain configuration, the
 * endpoint and the clock. Answers are kept 5 minutes, failures 30 seconds. What cannot be asked (a permission that
 * is missing, throttling, an outage, an answer that cannot be read) is not checked, with the reason.
 */
export function createPreflight(dependencies: PreflightDependencies): PreflightFn {
  const { describe, clients, now } = dependencies;
  const authorizers = new Shared<Authorizer>({
    keepMs: ({ kind }) => (kind === "known" ? KEEP_ANSWER_MS : KEEP_FAILURE_MS),
    now,
  });

  async function authorizerOf(target: ReadyTarget, name: string | null, signal: AbortSignal) {
    if (name === null) return NO_NAME;
    if (!AUTHORIZER_NAME.test(name)) return NOBODY;
    const key = `${target.name}\n${name}`;
    return authorizers.get(key, signal, (shared) => describeAuthorizer(dependencies, target, name, shared));
  }

  return async (target, name, signal) => {
    const [authorizer, domain, accountEndpoint] = await Promise.all([
      authorizerOf(target, name, signal),
      describe.domain(target, signal),
      describe.accountEndpoint(target, signal),
    ]);
    // Last: each of those answers may have shown AWS's clock.
    return { authorizer, domain, accountEndpoint, clockSkewMs: skew(clients.clockSkewMs(target)) };
  };
}

const NO_NAME: Authorizer = { kind: "not-checked", reason: "no authorizer is known to apply" };
/** Nobody can have this name, so nobody is asked. */
const NOBODY: Authorizer = { kind: "known", value: null };

async function describeAuthorizer(
  dependencies: CallDependencies,
  target: ReadyTarget,
  name: string,
  signal: AbortSignal,
): Promise<Authorizer> {
  const operation = "DescribeAuthorizer";
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (client, abortSignal) =>
      client.send(new DescribeAuthorizerCommand({ authorizerName: name }), { abortSignal }),
    signal,
  });
  if (reply.kind === "ok") return readAuthorizer(name, reply.output.authorizerDescription);
  return reply.failure.notFound ? { kind: "known", value: null } : notChecked(operation, reply.failure);
}

function skew(skewMs: number | null): Checked<number> {
  return skewMs === null
    ? { kind: "not-checked", reason: "no answer of AWS showed its time" }
    : { kind: "known", value: skewMs };
}
