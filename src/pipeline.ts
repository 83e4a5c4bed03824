import { buildContext } from "./context/build.ts";
import { monotonicMs, wallMs } from "./lib/clock.ts";
import { assertNever } from "./lib/errors.ts";
import type { CauseCode } from "./model/causes.ts";
import type { Check } from "./model/check.ts";
import type { DeviceContext } from "./model/context.ts";
import type { Examined } from "./model/facts.ts";
import type { Invocation } from "./model/invocation.ts";
import type { Outcome } from "./model/outcome.ts";
import type {
  CredentialsFn,
  DefaultAuthorizerFn,
  InvokeFn,
  NeedsCertificateFn,
  Pacer,
  ProbeFn,
} from "./model/ports.ts";
import type { Prediction } from "./model/prediction.ts";
import type { Verdict } from "./model/result.ts";
import type { ReadyTarget } from "./model/target.ts";
import { predictConnect } from "./policy/predict.ts";
import { verdictOf } from "./verdict/explain.ts";

/** What the story needs from outside. */
export interface Ports {
  readonly credentials: CredentialsFn;
  readonly defaultAuthorizer: DefaultAuthorizerFn;
  readonly needsCertificate: NeedsCertificateFn;
  readonly invoke: InvokeFn;
  readonly pacer: Pacer;
  readonly probe: ProbeFn;
}

/**
 * THE STORY of one check: read the credentials, build what the device would send, ask the authorizer, predict
 * from its policy, connect to the gateway as the device. Judging follows when it is known what a close meant.
 * Throws only for bugs and when `signal` is aborted while it waits.
 */
export async function examine(
  check: Check,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<Examined> {
  const read = await ports.credentials(check.profile, signal);
  if (read.kind === "unavailable") return untested(check, target, "CREDENTIAL_UNAVAILABLE", read.reason);

  const context = buildContext(check.profile, check.protocol, read.credentials, target);
  if ("kind" in context) return untested(check, target, "PROFILE_INVALID", context.reason);

  const invocation = await askAuthorizer(context, target, ports, signal);
  const prediction = predict(check, context, invocation, target);
  const { outcome, startedAtMs, endedAtMs } = await connect(check, context, target, ports, signal);

  const facts = { check, target, context, invocation, prediction, outcome, nowMs: wallMs() };
  return { facts, startedAtMs, endedAtMs };
}

/** The verdict and its causes, once it is known whether a bare close was a refusal. */
export function judge({ facts }: Examined, closeConfirmed: boolean): Verdict {
  return verdictOf({ ...facts, closeConfirmed });
}

/** Whom to ask, if anybody: the authorizer the device names, or the one its silence leads to. */
async function askAuthorizer(
  context: DeviceContext,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<Invocation> {
  const { request, secrets, wire } = context;
  if (wire.tls.clientCertificate && (await ports.needsCertificate(target, signal)) !== false) {
    return { kind: "skipped", why: "client-certificate" };
  }
  if (context.authorizer !== null) {
    return ports.invoke({ target, authorizer: context.authorizer, request, secrets, signal });
  }
  const fallback = await ports.defaultAuthorizer(target, signal);
  switch (fallback.kind) {
    case "known":
      return ports.invoke({ target, authorizer: fallback.name, request, secrets, signal });
    case "none":
      return { kind: "no-authorizer", evidence: fallback.evidence };
    case "unknown": {
      const { cause, code, message } = fallback;
      return {
        kind: "errored",
        why: "caller",
        cause,
        authorizer: null,
        code,
        message,
        durationMs: null,
        requestId: null,
      };
    }
    default:
      return assertNever(fallback, "default authorizer");
  }
}

function predict(
  check: Check,
  context: DeviceContext,
  invocation: Invocation,
  target: ReadyTarget,
): Prediction {
  if (invocation.kind !== "allowed") return unpredicted("the authorizer returned no policy to evaluate");
  const { wire, secrets } = context;
  const { topic } = check.profile;
  // The address the gateway will see is not known here: a NAT may stand between.
  return predictConnect({ answer: invocation.answer, target, wire, topic, sourceIp: null, secrets });
}

async function connect(
  check: Check,
  { wire, secrets }: DeviceContext,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<{ outcome: Outcome; startedAtMs: number; endedAtMs: number }> {
  if (check.profile.identity === "device") {
    const reason = "identity is `device`: a live device may be connected with this client id";
    return instantly({ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED", reason });
  }
  const clientId = wire.kind === "https" ? null : wire.connect.clientId;
  const release = await ports.pacer.connect(target, clientId, signal);
  const startedAtMs = monotonicMs();
  try {
    const outcome = await ports.probe({ target, wire, secrets, timeoutMs: target.timeouts.probeMs, signal });
    return { outcome, startedAtMs, endedAtMs: monotonicMs() };
  } finally {
    release();
  }
}

/** A check that never reached the gateway, and why. It can only become inconclusive. */
export function untested(check: Check, target: ReadyTarget, cause: CauseCode, reason: string): Examined {
  const { outcome, ...times } = instantly({ kind: "skipped", cause, reason });
  const invocation: Invocation = { kind: "skipped", why: "not-selected" };
  const prediction = unpredicted("the authorizer was not asked");
  return {
    facts: { check, target, context: null, invocation, prediction, outcome, nowMs: wallMs() },
    ...times,
  };
}

function instantly(outcome: Outcome): { outcome: Outcome; startedAtMs: number; endedAtMs: number } {
  const now = monotonicMs();
  return { outcome, startedAtMs: now, endedAtMs: now };
}

function unpredicted(undecided: string): Prediction {
  return { decision: "unknown", by: null, document: null, statement: null, undecided };
}
