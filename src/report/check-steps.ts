import { assertNever } from "../lib/errors.ts";
import { neutralize } from "../lib/scrub.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Result } from "../model/result.ts";
import { Secret } from "../model/secret.ts";

/** One check step by step, for a person: what was sent (secrets hidden), what was answered, what it means. */
export function describeCheck(result: Result, context: DeviceContext | null): string {
  const { check, invocation, prediction, outcome, verdict } = result;
  const sections: [string, string[]][] = [
    ["sent", context ? contextLines(context) : ["nothing: the connection could not be built"]],
    ["authorizer", invocationLines(invocation)],
    ["prediction", [prediction.undecided ? `unknown: ${prediction.undecided}` : predictionLine(prediction)]],
    ["gateway", outcomeLines(outcome)],
    ["verdict", [`${verdict.kind} (expected ${check.expectation})`]],
    ...verdict.causes.map((cause): [string, string[]] => [
      "cause",
      [`${cause.code}: ${cause.evidence}`, `next: ${cause.nextStep}`],
    ]),
  ];
  const lines = sections.flatMap(([name, texts]) =>
    texts.map((text, index) => `  ${(index === 0 ? name : "").padEnd(12)}${neutralize(text)}`),
  );
  return [`${check.profile.id} over ${check.protocol}`, ...lines].join("\n");
}

function contextLines({ wire, request, authorizer }: DeviceContext): string[] {
  const { tls } = wire;
  const lines = [
    `SNI ${tls.serverName ?? "none"}, ALPN ${tls.alpn.join(", ") || "none"}${tls.clientCertificate ? ", client certificate" : ""}`,
  ];
  if (wire.kind !== "https") {
    const { connect } = wire;
    lines.push(
      `CONNECT MQTT ${connect.mqttVersion === 4 ? "3.1.1" : "5"}, client id ${connect.clientId}, username ${shown(connect.username)}, password ${shown(connect.password)}`,
    );
  }
  if (wire.kind !== "mqtt") {
    const names = Object.keys(wire.headers);
    lines.push(
      `${wire.kind === "wss" ? "GET" : "POST"} ${pathOnly(wire.path)}, headers ${names.join(", ") || "none"}`,
    );
  }
  lines.push(
    `TestInvokeAuthorizer ${authorizer ?? "(the default authorizer)"} with ${fieldNames(request).join(", ") || "no fields"}`,
  );
  return lines;
}

function shown(secret: Secret | null): string {
  return secret === null ? "none" : `${secret} (${secret.length} bytes)`;
}

function pathOnly(path: Secret): string {
  const [before, query] = path.exposeText().split("?", 2);
  return query === undefined ? `${before}` : `${before}?<secret>`;
}

/** The request's fields that are filled, by their names in the API. */
function fieldNames(value: object, prefix = ""): string[] {
  return Object.entries(value).flatMap(([key, each]) => {
    if (each === null) return [];
    const nested = typeof each === "object" && !(each instanceof Secret) && key !== "headers";
    return nested ? fieldNames(each as object, `${prefix}${key}.`) : [`${prefix}${key}`];
  });
}

function invocationLines(invocation: Invocation): string[] {
  switch (invocation.kind) {
    case "allowed":
    case "denied": {
      const { answer, authorizer, durationMs } = invocation;
      const documents = answer.policyDocuments.length;
      return [
        `${invocation.kind} by ${authorizer} in ${milliseconds(durationMs)}`,
        `principalId ${answer.principalId ?? "none"}, ${documents} policy document${documents === 1 ? "" : "s"}, refresh ${answer.refreshAfterSeconds ?? "–"} s, disconnect ${answer.disconnectAfterSeconds ?? "–"} s`,
      ];
    }
    case "errored":
      return [`errored (${invocation.why}): ${invocation.code}: ${invocation.message}`];
    case "no-authorizer":
      return [`denied: ${invocation.evidence}`];
    case "skipped":
      return [`not asked (${invocation.why})`];
  }
}

function predictionLine({ decision, by, document, statement }: Result["prediction"]): string {
  const where =
    document === null ? "" : `, document ${document}${statement === null ? "" : ` statement ${statement}`}`;
  return `${decision}${by === null || by === decision ? "" : ` (${by})`}${where}`;
}

function outcomeLines(outcome: Outcome): string[] {
  if (outcome.kind === "skipped") return [`skipped: ${outcome.reason}`];
  const { transport } = outcome;
  const phases = Object.entries(transport.phasesMs).map(([phase, ms]) => `${phase} ${milliseconds(ms)}`);
  const tls = transport.tls === null ? "" : `, ${transport.tls.version} ${transport.tls.cipher}`;
  return [
    endLine(outcome),
    `${transport.address ?? "no address"}${tls}`,
    `${phases.join(", ")}; ${milliseconds(transport.durationMs)} in all`,
  ];
}

function endLine(outcome: Exclude<Outcome, { kind: "skipped" }>): string {
  switch (outcome.kind) {
    case "accepted":
      return `accepted (${outcome.code})`;
    case "refused":
      return `refused by ${outcome.how}: ${outcome.reason ?? outcome.code}`;
    case "unreachable":
    case "broken":
      return `${outcome.kind}: ${outcome.cause}: ${outcome.reason}`;
    default:
      return assertNever(outcome, "outcome");
  }
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
