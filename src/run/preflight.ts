import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import { unchecked } from "../lib/unchecked.ts";
import type { PreflightFn } from "../model/ports.ts";
import type { AccountLimits, Checked, Handshake, PreflightFinding } from "../model/preflight.ts";
import type { ReadyTarget, Target } from "../model/target.ts";
import { accountLimitsPart, accountParts, networkParts, type Part } from "./preflight-findings.ts";

export interface TargetPreflightPorts {
  readonly resolveEndpoint: (
    target: Target,
    signal: AbortSignal,
  ) => Promise<
    | { readonly kind: "ready"; readonly target: ReadyTarget }
    | { readonly kind: "failed"; readonly message: string }
  >;
  readonly preflight: PreflightFn;
  readonly accountLimits: (target: Target, signal: AbortSignal) => Promise<Checked<AccountLimits>>;
  readonly handshake: (target: ReadyTarget, timeoutMs: number, signal: AbortSignal) => Promise<Handshake>;
}

/** A run waits no longer than this for AWS to say what it says of a target, and for a handshake. */
const MOST_MS = 5000;

/**
 * Looks at each target as a whole before a run: what AWS says of its endpoint and domain, the clock, name resolution
 * and a TLS handshake. Every part is bounded by a few seconds and all targets are looked at side by side. It decides
 * nothing and never throws; a stop leaves out what is not known yet.
 */
export async function lookAtTargets(
  targets: readonly Target[],
  ports: TargetPreflightPorts,
  signal: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  const findings = await Promise.all(targets.map((target) => lookSafely(target, ports, signal)));
  return findings.flatMap((parts, at) => parts.map((part) => ({ target: targets[at]?.name ?? "", ...part })));
}

async function lookSafely(
  target: Target,
  ports: TargetPreflightPorts,
  signal: AbortSignal,
): Promise<readonly Part[]> {
  try {
    return await look(target, ports, signal);
  } catch (error) {
    if (signal.aborted) return [];
    return [{ what: "preflight", state: "not-checked", detail: errorMessage(error) }];
  }
}

async function look(
  target: Target,
  { resolveEndpoint, preflight, accountLimits, handshake }: TargetPreflightPorts,
  signal: AbortSignal,
): Promise<readonly Part[]> {
  const resolved = await atMost(signal, LATE_ENDPOINT, (ending) => resolveEndpoint(target, ending));
  if (resolved.kind === "failed") {
    return [{ what: "DescribeEndpoint", state: "problem", detail: `no endpoint: ${resolved.message}` }];
  }
  const ready = resolved.target;
  const timeoutMs = Math.min(target.timeouts.probeMs, MOST_MS);
  const [limits, said, connection] = await Promise.all([
    target.serviceQuotas ? atMost(signal, LATE_LIMITS, (ending) => accountLimits(target, ending)) : null,
    atMost(signal, unchecked(LATE), (ending) => preflight(ready, null, ending)),
    handshake(ready, timeoutMs, signal),
  ]);
  signal.throwIfAborted();
  const domain = said.domain.kind === "known" ? said.domain.value : null;
  const limitsPart = limits === null ? [] : [accountLimitsPart(target, limits)];
  return [...accountParts(ready, said), ...limitsPart, ...networkParts(ready, connection, domain, wallMs())];
}

const LATE = `AWS did not answer within ${MOST_MS / 1000} s`;
const LATE_LIMITS = { kind: "not-checked", reason: LATE } as const;
const LATE_ENDPOINT = { kind: "failed", message: LATE } as const;

/** Runs `work` until the time is over; then it is ended, and the answer is `otherwise`. */
async function atMost<T>(
  signal: AbortSignal,
  otherwise: T,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(LATE)), MOST_MS);
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    return otherwise;
  } finally {
    clearTimeout(timer);
  }
}
