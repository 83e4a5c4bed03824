import { createHash } from "node:crypto";
import { DescribeAuthorizerCommand } from "@aws-sdk/client-iot";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { AUTHORIZER_NAME, isOwnEndpoint } from "../lib/aws-limits.ts";
import { realm as configuredRealm } from "../lib/words.ts";
import type { AuthorizerFingerprint, TargetFingerprint } from "../model/fingerprint.ts";
import type { Checked } from "../model/preflight.ts";
import type { Realm } from "../model/realm.ts";
import type { ReadyTarget, Target } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import { ClientPool, ONE_TRY } from "./client-pool.ts";
import { type Describe, notChecked } from "./describe.ts";
import { text } from "./domain.ts";
import { readAuthorizer } from "./read-description.ts";
import { isAwsHost } from "./realm.ts";
import { Shared } from "./shared.ts";

export interface IdentityDependencies extends CallDependencies {
  readonly describe: Pick<Describe, "domain" | "accountEndpoint">;
  /** Instead of AWS's own STS. */
  readonly stsEndpoint?: string | null;
  /** Monotonic milliseconds, for how long answers are kept. */
  readonly now?: () => number;
}

/** Finds out what a decision about a target is bound to, as it is now. */
export interface Identity {
  /** @param authorizers those a run used */
  of(target: ReadyTarget, authorizers: readonly string[], signal: AbortSignal): Promise<TargetFingerprint>;
  /** Closes every connection. */
  close(): void;
}

/** Whoever asks for a decision wants to know what is so now; several who ask at once share the answer. */
const KEEP_MS = 5000;

/**
 * Makes the port behind a decision's fingerprint: the account of the credentials (sts:GetCallerIdentity), the
 * endpoint's owner, and the state of each authorizer. Answers are kept 5 seconds. What cannot be asked is not
 * checked, with the reason; it throws only the signal's reason.
 */
export function createIdentity(dependencies: IdentityDependencies): Identity {
  const { clients, describe, stsEndpoint = null, now } = dependencies;
  const callers = new Shared<Checked<string>>({ keepMs: () => KEEP_MS, now });
  const authorizers = new Shared<Checked<string>>({ keepMs: () => KEEP_MS, now });
  const pool = new ClientPool<STSClient>();

  function stsOf(target: Target): STSClient {
    const { name, region } = target;
    const { credentials } = clients.of(target).config;
    const elsewhere = stsEndpoint === null ? {} : { endpoint: stsEndpoint };
    return pool.of(name, () => new STSClient({ region, credentials, ...elsewhere, ...ONE_TRY }));
  }

  async function callerOf(target: ReadyTarget, signal: AbortSignal): Promise<Checked<string>> {
    // The credentials are for whatever stands in AWS's place, and are nobody else's business.
    const isElsewhere = stsEndpoint === null && realmOf(dependencies, target) !== "aws";
    if (isElsewhere) return { kind: "not-checked", reason: "the target's API is not AWS's own" };
    return callers.get(target.name, signal, (shared) =>
      getCaller(dependencies, stsOf(target), target, shared),
    );
  }

  return {
    async of(target, names, signal) {
      // First: who answers shows who it is.
      const states = await Promise.all(
        names.map(async (name): Promise<AuthorizerFingerprint> => {
          const key = `${target.name}\n${name}`;
          const work = (shared: AbortSignal) => stateOf(dependencies, target, name, shared);
          return { name, state: await authorizers.get(key, signal, work) };
        }),
      );
      const endpointIsOurs = await ownsEndpoint(describe, target, signal);
      const callerAccountId = await callerOf(target, signal);
      return {
        target: target.name,
        realm: realmFor(realmOf(dependencies, target), target, endpointIsOurs),
        region: target.region,
        accountId: target.accountId,
        callerAccountId,
        endpoint: target.endpoint,
        endpointIsOurs,
        authorizers: states.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      };
    },
    close: () => pool.close(),
  };
}

/** What the configuration overrides is not AWS; for the rest its answers tell, or the configuration until one came. */
function realmOf({ clients }: Pick<CallDependencies, "clients">, target: Target): Realm {
  const seen = clients.realm(target);
  return configuredRealm(target) === "aws" || seen === "emulator" ? (seen ?? "aws") : "custom";
}

/** Devices that connect to a name which is neither AWS's nor known to be the account's are not proven to reach AWS. */
function realmFor(api: Realm, { endpoint }: ReadyTarget, isOurs: Checked<boolean>): Realm {
  const isProven = isAwsHost(endpoint) || (isOurs.kind === "known" && isOurs.value);
  return api === "aws" && !isProven ? "custom" : api;
}

/** By DescribeEndpoint, or by a domain configuration of the account. */
async function ownsEndpoint(
  describe: IdentityDependencies["describe"],
  target: ReadyTarget,
  signal: AbortSignal,
): Promise<Checked<boolean>> {
  const { endpoint } = target;
  const own = await describe.accountEndpoint(target, signal);
  if (own.kind === "known" && (isSame(own.value, endpoint) || isOwnEndpoint(endpoint, own.value))) {
    return { kind: "known", value: true };
  }
  const domain = await describe.domain(target, signal);
  if (domain.kind === "known" && isSame(domain.value?.domainName ?? "", endpoint)) {
    return { kind: "known", value: true };
  }
  if (own.kind === "not-checked") return own;
  return domain.kind === "not-checked" ? domain : { kind: "known", value: false };
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

async function getCaller(
  dependencies: CallDependencies,
  client: STSClient,
  target: Target,
  signal: AbortSignal,
): Promise<Checked<string>> {
  const operation = "GetCallerIdentity";
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (_control, abortSignal) => client.send(new GetCallerIdentityCommand({}), { abortSignal }),
    signal,
  });
  if (reply.kind === "failed") return notChecked(operation, reply.failure);
  const account = text(reply.output.Account);
  return account !== null && /^\d{12}$/.test(account)
    ? { kind: "known", value: account }
    : { kind: "not-checked", reason: `${operation}: the answer holds no account` };
}

/** When an authorizer was last modified, with a checksum of what it checks tokens by; "absent" where it is none. */
async function stateOf(
  dependencies: CallDependencies,
  target: Target,
  name: string,
  signal: AbortSignal,
): Promise<Checked<string>> {
  if (!AUTHORIZER_NAME.test(name)) return ABSENT;
  const operation = "DescribeAuthorizer";
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (client, abortSignal) =>
      client.send(new DescribeAuthorizerCommand({ authorizerName: name }), { abortSignal }),
    signal,
  });
  if (reply.kind === "failed") return reply.failure.notFound ? ABSENT : notChecked(operation, reply.failure);
  const read = readAuthorizer(name, reply.output.authorizerDescription);
  if (read.kind === "not-checked") return read;
  const { active, signing, tokenKeyName, publicKeys } = read.value;
  const keys = Object.entries(publicKeys).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const checksum = createHash("sha256").update(JSON.stringify([active, signing, tokenKeyName, keys]));
  const modified = timeOf(reply.output.authorizerDescription?.lastModifiedDate);
  return { kind: "known", value: `${modified} ${checksum.digest("hex")}` };
}

const ABSENT: Checked<string> = { kind: "known", value: "absent" };

/** The SDK does not check the types of an answer. */
function timeOf(date: unknown): string {
  return date instanceof Date && !Number.isNaN(date.getTime()) ? date.toISOString() : "unknown";
}
