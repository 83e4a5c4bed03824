import {
  DescribeDomainConfigurationCommand,
  type DescribeDomainConfigurationCommandOutput,
  ListDomainConfigurationsCommand,
  type ListDomainConfigurationsCommandOutput,
} from "@aws-sdk/client-iot";
import type { Checked, DomainDescription } from "../model/preflight.ts";
import type { ReadyTarget } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import type { Failure } from "./errors.ts";
import { readDomain } from "./read-description.ts";

/** What a check's way depends on, and the whole as far as all of it could be read. */
export interface Domain {
  readonly name: string;
  readonly defaultAuthorizer: string | null;
  readonly needsCertificate: boolean;
  readonly description: Checked<DomainDescription>;
}

export type DomainAnswer =
  | { readonly kind: "found"; readonly domain: Domain }
  /** No domain configuration of the account has the target's endpoint as its domain name. */
  | { readonly kind: "none" }
  | FailedCall;

interface FailedCall {
  readonly kind: "failed";
  readonly operation: string;
  readonly failure: Failure;
}

/** The name under which the account's own endpoint is described. */
const BUILT_IN = "iot:Data-ATS";
/** The account's own endpoint: `<prefix>-ats.iot.<region>.amazonaws.com`, in China with `.cn`. */
const OWN_ENDPOINT = /^[a-z0-9-]+\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/i;
/** AWS grants 10 domain configurations and raises that for those who ask; pages must still come to an end. */
const MAX_PAGES = 10;

/**
 * Finds the domain configuration behind a target's endpoint: the built-in one for the account's own endpoint, else
 * the one whose domain name it is. An AWS-managed domain looks like the account's own, so names are compared there
 * too; the built-in one still holds where none matches.
 */
export async function findDomain(
  dependencies: CallDependencies,
  target: ReadyTarget,
  signal: AbortSignal,
): Promise<DomainAnswer> {
  let builtIn: DomainAnswer = { kind: "none" };
  if (OWN_ENDPOINT.test(target.endpoint)) {
    const described = await describe(dependencies, target, BUILT_IN, signal);
    if (described.kind === "failed" || isOf(described, target)) return toAnswer(described);
    builtIn = toAnswer(described);
  }
  const names = await listNames(dependencies, target, signal);
  if (names.kind === "failed") return names;
  for (const name of names.names) {
    const described = await describe(dependencies, target, name, signal);
    if (described.kind === "failed" || isOf(described, target)) return toAnswer(described);
  }
  return builtIn;
}

type Described =
  | { readonly kind: "described"; readonly output: DescribeDomainConfigurationCommandOutput }
  | Exclude<DomainAnswer, { readonly kind: "found" }>;

function isOf(described: Described, { endpoint }: ReadyTarget): boolean {
  if (described.kind !== "described") return false;
  return text(described.output.domainName)?.toLowerCase() === endpoint.toLowerCase();
}

function toAnswer(described: Described): DomainAnswer {
  if (described.kind !== "described") return described;
  const { domainConfigurationName, authorizerConfig, authenticationType } = described.output;
  const name = text(domainConfigurationName) ?? BUILT_IN;
  return {
    kind: "found",
    domain: {
      name,
      defaultAuthorizer: text(authorizerConfig?.defaultAuthorizerName),
      needsCertificate: authenticationType === "CUSTOM_AUTH_X509",
      description: readDomain(name, described.output),
    },
  };
}

/** The SDK does not check the types of an answer. */
export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

async function describe(
  dependencies: CallDependencies,
  target: ReadyTarget,
  domainConfigurationName: string,
  signal: AbortSignal,
): Promise<Described> {
  const operation = "DescribeDomainConfiguration";
  const command = new DescribeDomainConfigurationCommand({ domainConfigurationName });
  const reply = await askAws(dependencies, {
    target,
    operation,
    send: (client, abortSignal) => client.send(command, { abortSignal }),
    signal,
  });
  if (reply.kind === "ok") return { kind: "described", output: reply.output };
  // Gone since it was listed, or a Region without a built-in configuration.
  return reply.failure.notFound ? { kind: "none" } : { ...reply, operation };
}

type Names = { readonly kind: "names"; readonly names: readonly string[] } | FailedCall;

async function listNames(
  dependencies: CallDependencies,
  target: ReadyTarget,
  signal: AbortSignal,
): Promise<Names> {
  const operation = "ListDomainConfigurations";
  const names: string[] = [];
  let marker: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const command = new ListDomainConfigurationsCommand({ serviceType: "DATA", marker });
    const reply = await askAws<ListDomainConfigurationsCommandOutput>(dependencies, {
      target,
      operation,
      send: (client, abortSignal) => client.send(command, { abortSignal }),
      signal,
    });
    if (reply.kind === "failed") return { ...reply, operation };
    const listed: unknown = reply.output.domainConfigurations;
    for (const each of Array.isArray(listed) ? listed : []) {
      const name = text(each?.domainConfigurationName);
      if (name !== null) names.push(name);
    }
    marker = text(reply.output.nextMarker) ?? undefined;
    if (marker === undefined) break;
  }
  return { kind: "names", names };
}
