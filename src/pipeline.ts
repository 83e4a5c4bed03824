import {
  type Connected,
  type ConnectionPorts,
  connect,
  leftAlone,
  pacedProbe,
} from "./connection/connect.ts";
import { firstTests, proveTopics, topicTests } from "./connection/topics.ts";
import { buildContext } from "./context/build.ts";
import { corruptCredentials } from "./context/corrupt.ts";
import { varyWire } from "./context/vary.ts";
import { wallMs } from "./lib/clock.ts";
import { assertNever } from "./lib/errors.ts";
import { unchecked } from "./lib/unchecked.ts";
import type { CauseCode } from "./model/causes.ts";
import type { Check } from "./model/check.ts";
import type { DerivedSettings } from "./model/config.ts";
import type { DeviceContext } from "./model/context.ts";
import type { Examined } from "./model/facts.ts";
import type { DefaultAuthorizer, Invocation } from "./model/invocation.ts";
import type {
  CredentialsFn,
  DefaultAuthorizerFn,
  InvokeFn,
  NeedsCertificateFn,
  PreflightFn,
} from "./model/ports.ts";
import type { Verdict } from "./model/result.ts";
import type { Decoy, Variation } from "./model/second-wave.ts";
import type { ReadyTarget } from "./model/target.ts";
import { isAskedAfterwards, isAskedFirst } from "./plan/ask.ts";
import { type DerivedCheck, deriveChecks } from "./plan/derive.ts";
import { NOT_ASKED, predictLesser } from "./policy/lesser.ts";
import { predictConnect } from "./policy/predict.ts";
import { topicProofs } from "./policy/topic-proofs.ts";
import { verdictOf } from "./verdict/explain.ts";

/** What the story needs from outside. */
export interface Ports extends ConnectionPorts {
  readonly credentials: CredentialsFn;
  readonly defaultAuthorizer: DefaultAuthorizerFn;
  readonly needsCertificate: NeedsCertificateFn;
  readonly preflight: PreflightFn;
  readonly invoke: InvokeFn;
}

/**
 * THE STORY of one check: read the credentials, build what the device would send, look at the authorizer and the
 * domain, ask the authorizer, predict from its policy, connect to the gateway as the device, try there what it should
 * and should not be allowed. Where a suite asks about some devices only, the authorizer's turn may come after the
 * gateway's, or not at all. Judging follows when it is known what a close meant. Throws only for bugs and when `signal`
 * is aborted while it waits.
 */
export async function examine(
  check: Check,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<Examined> {
  const read = await ports.credentials(check.profile, signal);
  if (read.kind === "unavailable") return untested(check, target, "CREDENTIAL_UNAVAILABLE", read.reason);

  const { derived } = check;
  const credentials = derived === null ? read.credentials : corruptCredentials(derived, read.credentials);
  if (credentials === null) {
    return untested(check, target, "CREDENTIAL_UNAVAILABLE", "what was to be corrupted is no longer there");
  }
  const context = buildContext(check.profile, check.protocol, credentials, target);
  if ("kind" in context) return untested(check, target, "PROFILE_INVALID", context.reason);

  const authorizer = await whichAuthorizer(context, target, ports, signal);
  const preflight = await ports.preflight(
    target,
    authorizer.kind === "known" ? authorizer.name : null,
    signal,
  );
  const ask = () => askAuthorizer(context, authorizer, target, ports, signal);
  // The API opens no connection to a device gateway: it cannot tell what becomes of one without a server name.
  const isAsked = derived !== "no-sni" && isAskedFirst(check);
  const before = isAsked ? await ask() : NOT_INVOKED;

  const tests = topicTests(check);
  const connected = await connect(check, context, target, firstTests(check, tests), ports, signal);
  const { outcome, guard, ...times } = connected;
  const answers = await proveTopics({ check, context, target, tests, outcome }, ports, signal);

  const invocation =
    !isAskedFirst(check) && isAskedAfterwards(check, outcome, answers) ? await ask() : before;
  const predicted = predict(check, context, invocation, target);
  const asked = { authorizer, preflight, invocation, ...predicted };
  const gathered = { check, target, context, ...asked, outcome, guard };
  const seen = { ...gathered, topics: topicProofs(gathered, tests, answers) };
  return { facts: { ...seen, secondAttempts: [], nowMs: wallMs() }, ...times };
}

/** The verdict and its causes, once it is known whether a bare close was a refusal. */
export function judge({ facts }: Examined, closeConfirmed: boolean): Verdict {
  return verdictOf({ ...facts, closeConfirmed });
}

/** What must be denied, made from a check that passed: everything that applies. */
export async function derive(
  { facts }: Examined,
  { kinds }: Pick<DerivedSettings, "kinds">,
  decoy: Decoy | null,
  { defaultAuthorizer }: Pick<Ports, "defaultAuthorizer">,
  signal: AbortSignal,
): Promise<DerivedCheck[]> {
  const asks = kinds.includes("no-authorizer") && facts.context?.authorizer !== null;
  const noDefaultAuthorizer = asks && (await defaultAuthorizer(facts.target, signal)).kind === "none";
  return deriveChecks({ facts, noDefaultAuthorizer, decoy, kinds });
}

/** The same device again with one thing changed; only the gateway is asked. */
export async function attempt(
  { facts }: Examined,
  variation: Variation,
  ports: Ports,
  signal: AbortSignal,
): Promise<Omit<Connected, "guard">> {
  const { context, target } = facts;
  if (context === null) throw new Error("a second attempt of what was never tried");
  const varied = { ...context, wire: varyWire(context.wire, variation, target) };
  return pacedProbe(varied, target, [], ports, signal);
}

/** Whom the gateway will ask: the authorizer the device names, or the one its silence leads to. */
async function whichAuthorizer(
  { authorizer }: DeviceContext,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<DefaultAuthorizer> {
  if (authorizer !== null) return { kind: "known", name: authorizer, from: "device" };
  return ports.defaultAuthorizer(target, signal);
}

async function askAuthorizer(
  context: DeviceContext,
  authorizer: DefaultAuthorizer,
  target: ReadyTarget,
  ports: Ports,
  signal: AbortSignal,
): Promise<Invocation> {
  const { request, secrets, wire } = context;
  if (wire.tls.clientCertificate && (await ports.needsCertificate(target, signal)) !== false) {
    return { kind: "skipped", why: "client-certificate" };
  }
  switch (authorizer.kind) {
    case "known":
      return ports.invoke({ target, authorizer: authorizer.name, request, secrets, signal });
    case "none":
      return { kind: "no-authorizer", evidence: authorizer.evidence };
    case "unknown": {
      const { cause, code, message } = authorizer;
      const nothing = { authorizer: null, durationMs: null, delayMs: 0, requestId: null };
      return { kind: "errored", why: "caller", cause, code, message, ...nothing };
    }
    default:
      return assertNever(authorizer, "authorizer");
  }
}

type Predicted = Pick<Examined["facts"], "prediction" | "lesser">;

function predict(
  check: Check,
  context: DeviceContext,
  invocation: Invocation,
  target: ReadyTarget,
): Predicted {
  if (invocation === NOT_INVOKED) return unpredicted("the authorizer was not asked");
  if (invocation.kind !== "allowed") return unpredicted(WITHOUT_POLICY[invocation.kind]);
  const { wire, secrets } = context;
  const { topic } = check.profile;
  const input = { answer: invocation.answer, target, wire, topic, sourceIp: target.sourceIp, secrets };
  const prediction = predictConnect(input);
  return { prediction, lesser: predictLesser(input, prediction) };
}

/** A check that never reached the gateway, and why. It can only become inconclusive. */
export function untested(check: Check, target: ReadyTarget, cause: CauseCode, reason: string): Examined {
  const { outcome, guard, ...times } = leftAlone({ kind: "skipped", cause, reason }, null);
  const predicted = unpredicted("the authorizer was not asked");
  const preflight = unchecked("the check was not begun");
  const seen = {
    check,
    target,
    context: null,
    authorizer: null,
    preflight,
    invocation: NOT_INVOKED,
    ...predicted,
    outcome,
    topics: [],
    guard,
  };
  return { facts: { ...seen, secondAttempts: [], nowMs: wallMs() }, ...times };
}

const WITHOUT_POLICY = {
  denied: "the authorizer says no, so no policy applies",
  errored: "the authorizer gave no usable answer",
  "no-authorizer": "no authorizer would be asked",
  skipped: "the authorizer was not asked",
} as const satisfies Record<Exclude<Invocation["kind"], "allowed">, string>;

const NOT_INVOKED: Invocation = { kind: "skipped", why: "not-selected" };

function unpredicted(undecided: string): Predicted {
  const prediction = { decision: "unknown", by: null, document: null, statement: null, undecided } as const;
  return { prediction, lesser: NOT_ASKED };
}
