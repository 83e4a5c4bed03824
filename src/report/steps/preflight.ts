import { scrub } from "../../lib/scrub.ts";
import type { Checked, DomainDescription, Preflight } from "../../model/preflight.ts";
import type { Style } from "../style.ts";
import type { Known } from "./hidden.ts";
import { joined, type Mark, marked } from "./layout.ts";

/** What AWS says about the authorizer and the domain; of public keys the names only. */
export interface PreflightStep {
  readonly authorizer: Checked<AuthorizerPart | null>;
  readonly domain: Checked<DomainDescription | null>;
  readonly accountEndpoint: Checked<string>;
  /** AWS's clock less ours. */
  readonly clockSkewSeconds: Checked<number>;
}

interface AuthorizerPart {
  readonly name: string;
  readonly active: boolean;
  readonly signing: boolean;
  readonly tokenKeyName: string | null;
  readonly publicKeys: readonly string[];
}

/** SigV4 requests are refused beyond five minutes. */
const MAX_SKEW_SECONDS = 300;

export function preflightStep(preflight: Preflight, { secrets }: Known): PreflightStep {
  const clean = (text: string) => scrub(text, secrets);
  return {
    authorizer: map(preflight.authorizer, clean, (authorizer) => {
      if (authorizer === null) return null;
      const { name, active, signing, tokenKeyName, publicKeys } = authorizer;
      const key = tokenKeyName === null ? null : clean(tokenKeyName);
      const keys = Object.keys(publicKeys).map(clean);
      return { name: clean(name), active, signing, tokenKeyName: key, publicKeys: keys };
    }),
    domain: map(preflight.domain, clean, (domain) => domain && cleanDomain(domain, clean)),
    accountEndpoint: map(preflight.accountEndpoint, clean, clean),
    clockSkewSeconds: map(preflight.clockSkewMs, clean, (ms) => ms / 1000),
  };
}

function map<T, U>(
  checked: Checked<T>,
  clean: (text: string) => string,
  change: (value: T) => U,
): Checked<U> {
  return checked.kind === "known"
    ? { kind: "known", value: change(checked.value) }
    : { kind: "not-checked", reason: clean(checked.reason) };
}

function cleanDomain(domain: DomainDescription, clean: (text: string) => string): DomainDescription {
  const { domainName, defaultAuthorizer } = domain;
  return {
    name: clean(domain.name),
    domainName: domainName === null ? null : clean(domainName),
    enabled: domain.enabled,
    defaultAuthorizer: defaultAuthorizer === null ? null : clean(defaultAuthorizer),
    allowAuthorizerOverride: domain.allowAuthorizerOverride,
    authenticationType: clean(domain.authenticationType),
    applicationProtocol: clean(domain.applicationProtocol),
    invalidCertificates: domain.invalidCertificates.map(clean),
  };
}

export function preflightLines(step: PreflightStep, endpoint: string, style: Style): string[] {
  return [
    ...line("authorizer", step.authorizer, authorizerText, style),
    ...line("domain", step.domain, domainText, style),
    ...line("data endpoint", step.accountEndpoint, (own) => endpointText(own, endpoint), style),
    ...line("clock", step.clockSkewSeconds, clockText, style),
  ];
}

function line<T>(
  label: string,
  checked: Checked<T>,
  say: (value: T) => readonly [Mark, string],
  style: Style,
): string[] {
  if (checked.kind === "not-checked") return marked(label, "none", `not checked: ${checked.reason}`, style);
  return marked(label, ...say(checked.value), style);
}

function authorizerText(authorizer: AuthorizerPart | null): readonly [Mark, string] {
  if (authorizer === null) return ["bad", "AWS knows no authorizer of this name"];
  const { name, active, signing, tokenKeyName, publicKeys } = authorizer;
  const status = active ? "ACTIVE" : "INACTIVE";
  const signed = signing ? `signed tokens, public keys ${publicKeys.join(" ") || "none"}` : "signing off";
  const key = tokenKeyName !== null && `tokenKeyName ${tokenKeyName}`;
  return [active ? "good" : "bad", `${name}: ${joined([status, signed, key])}`];
}

function domainText(domain: DomainDescription | null): readonly [Mark, string] {
  if (domain === null) return ["none", "no domain configuration has this endpoint as its name"];
  const { name, enabled, defaultAuthorizer, allowAuthorizerOverride, invalidCertificates } = domain;
  const text = joined([
    enabled ? "ENABLED" : "DISABLED",
    defaultAuthorizer === null ? "no default authorizer" : `default authorizer ${defaultAuthorizer}`,
    `override ${allowAuthorizerOverride ? "allowed" : "not allowed"}`,
    `authentication ${domain.authenticationType}`,
    `protocol ${domain.applicationProtocol}`,
    invalidCertificates.length > 0 && `server certificate ${invalidCertificates.join(" ")}`,
  ]);
  return [enabled && invalidCertificates.length === 0 ? "good" : "bad", `${name}: ${text}`];
}

function endpointText(own: string, endpoint: string): readonly [Mark, string] {
  if (own === endpoint) return ["good", "the account's own is the target's"];
  return ["none", `the account's own is ${own}, the target's is another`];
}

function clockText(seconds: number): readonly [Mark, string] {
  const off = Math.abs(seconds);
  const text =
    off < 1 ? "within a second of AWS's" : `${off.toFixed(1)} s ${seconds > 0 ? "behind" : "ahead of"} AWS's`;
  return [off > MAX_SKEW_SECONDS ? "bad" : "good", text];
}
