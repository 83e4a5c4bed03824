import { isIP } from "node:net";
import { isOwnEndpoint, MOST_CLOCK_SKEW_MS } from "../lib/aws-limits.ts";
import type {
  AccountLimits,
  Checked,
  DomainDescription,
  Handshake,
  Preflight,
  PreflightFinding,
} from "../model/preflight.ts";
import type { ReadyTarget, Target } from "../model/target.ts";

/* What was learnt about a target, as lines for people. */

/** A finding before it is said which target's it is. */
export type Part = Omit<PreflightFinding, "target">;

/** A certificate that ends sooner should have been renewed by now. */
const EARLY_DAYS = 14;
const DAY_MS = 24 * 3_600_000;

/** What AWS says of the account. */
export function accountParts(target: ReadyTarget, said: Preflight): readonly Part[] {
  return [endpointPart(target, said), ...domainParts(said), clockPart(said)];
}

/** What the account allows, and which budget gives way to it. */
export function accountLimitsPart({ budgets }: Target, limits: Checked<AccountLimits>): Part {
  const what = "Service Quotas";
  if (limits.kind === "not-checked") return { what, state: "not-checked", detail: limits.reason };
  const { invokesPerSecond, connectsPerSecond } = limits.value;
  const parts = [
    limitText("TestInvokeAuthorizer calls", invokesPerSecond, budgets.invokesPerSecond),
    limitText("connections", connectsPerSecond, budgets.connectsPerSecond),
  ];
  const isKnown = invokesPerSecond !== null || connectsPerSecond !== null;
  return { what, state: isKnown ? "ok" : "not-checked", detail: parts.join("; ") };
}

function limitText(what: string, limit: number | null, budget: number): string {
  if (limit === null) return `no limit of ${what} is listed`;
  const gives = limit < budget ? `, which holds instead of the budget of ${budget}` : "";
  return `${limit} ${what} a second${gives}`;
}

function endpointPart({ endpoint }: ReadyTarget, { accountEndpoint, domain }: Preflight): Part {
  const what = "DescribeEndpoint";
  if (domain.kind === "known" && domain.value?.domainName?.toLowerCase() === endpoint.toLowerCase()) {
    return { what, state: "ok", detail: `${endpoint} is the name of domain ${domain.value.name}` };
  }
  if (accountEndpoint.kind !== "known") return { what, state: "not-checked", detail: accountEndpoint.reason };
  const own = accountEndpoint.value;
  if (own.toLowerCase() === endpoint.toLowerCase()) {
    return { what, state: "ok", detail: `${endpoint} is the account's own` };
  }
  if (isOwnEndpoint(endpoint, own)) {
    return { what, state: "ok", detail: `${endpoint} is another form of the account's own, ${own}` };
  }
  if (domain.kind !== "known") {
    const detail = `${endpoint} is not the account's own (${own}); whether a domain's: ${domain.reason}`;
    return { what, state: "not-checked", detail };
  }
  const detail = `${endpoint} is neither the account's own (${own}) nor the name of one of its domains`;
  return { what, state: "problem", detail };
}

function domainParts({ domain }: Preflight): Part[] {
  const what = "DescribeDomainConfiguration";
  if (domain.kind === "not-checked") return [{ what, state: "not-checked", detail: domain.reason }];
  if (domain.value === null) return [];
  const { name } = domain.value;
  const problems = domainProblems(domain.value);
  return problems.length === 0
    ? [{ what, state: "ok", detail: `${name}: ${describeDomain(domain.value)}` }]
    : problems.map((problem) => ({ what, state: "problem", detail: `${name}: ${problem}` }));
}

function domainProblems({ enabled, authenticationType, invalidCertificates }: DomainDescription): string[] {
  const asksNobody = authenticationType === "AWS_X509" || authenticationType === "AWS_SIGV4";
  return [
    ...(enabled ? [] : ["status DISABLED"]),
    ...(asksNobody ? [`authenticationType ${authenticationType} asks no authorizer`] : []),
    ...invalidCertificates.map((each) => `server certificate ${each}`),
  ];
}

function describeDomain(domain: DomainDescription): string {
  const { authenticationType, applicationProtocol, defaultAuthorizer, allowAuthorizerOverride } = domain;
  const types = `ENABLED, ${authenticationType} over ${applicationProtocol}`;
  if (defaultAuthorizer === null) return `${types}, no default authorizer`;
  const others = allowAuthorizerOverride ? "others may be named" : "no other may be named";
  return `${types}, default authorizer ${defaultAuthorizer}, ${others}`;
}

function clockPart({ clockSkewMs }: Preflight): Part {
  const what = "clock";
  if (clockSkewMs.kind === "not-checked") return { what, state: "not-checked", detail: clockSkewMs.reason };
  const { value } = clockSkewMs;
  const seconds = Math.round(Math.abs(value) / 1000);
  const detail =
    seconds === 0
      ? "as AWS's"
      : `AWS's clock is ${seconds} s ${value > 0 ? "ahead of" : "behind"} this machine's`;
  return { what, state: Math.abs(value) > MOST_CLOCK_SKEW_MS ? "problem" : "ok", detail };
}

/** What a handshake showed: the name, the connection and the certificate, as far as it came. */
export function networkParts(
  target: ReadyTarget,
  handshake: Handshake,
  domain: DomainDescription | null,
  nowMs: number,
): readonly Part[] {
  if (handshake.kind === "done") return [...dnsParts(target, handshake), ...securedParts(handshake, nowMs)];
  const { cause, reason, transport } = handshake;
  if (OUR_OWN.has(cause)) return [{ what: "tls", state: "not-checked", detail: reason }];
  if (transport.address === null) return [{ what: "dns", state: "problem", detail: reason }];
  const dns = dnsParts(target, handshake);
  if (cause.startsWith("SERVER_CERTIFICATE_")) {
    return [...dns, { what: "certificate", state: "problem", detail: reason }];
  }
  return [...dns, { what: "tls", state: tlsState(handshake, domain), detail: reason }];
}

const OUR_OWN: ReadonlySet<string> = new Set(["TESTER_ERROR", "TESTER_OVERLOADED", "INTERRUPTED"]);

/** A domain that demands client certificates may end a handshake without one: that shows nothing. */
function tlsState(
  { tlsAlert }: Extract<Handshake, { kind: "failed" }>,
  domain: DomainDescription | null,
): Part["state"] {
  return tlsAlert && domain?.authenticationType.endsWith("X509") ? "not-checked" : "problem";
}

function dnsParts({ endpoint, address }: ReadyTarget, { transport }: Handshake): Part[] {
  const name = address ?? endpoint;
  if (isIP(name) !== 0) return [];
  return [{ what: "dns", state: "ok", detail: `${name} is ${transport.address}` }];
}

function securedParts({ transport }: Handshake, nowMs: number): Part[] {
  const { tls, certificateExpiresAtMs } = transport;
  const connection: Part = {
    what: "tls",
    state: "ok",
    detail: tls === null ? "connected" : `${tls.version}, ${tls.cipher}`,
  };
  if (certificateExpiresAtMs === null || Number.isNaN(certificateExpiresAtMs)) return [connection];
  const days = Math.floor((certificateExpiresAtMs - nowMs) / DAY_MS);
  const state = days < EARLY_DAYS ? "problem" : "ok";
  const detail = `the server's certificate ends in ${days === 1 ? "1 day" : `${days} days`}`;
  return [connection, { what: "certificate", state, detail }];
}
