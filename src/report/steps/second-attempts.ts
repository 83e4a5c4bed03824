import type { SecondAttempt, Variation } from "../../model/second-wave.ts";
import type { Secret } from "../../model/secret.ts";
import { latency } from "../numbers.ts";
import type { Style } from "../style.ts";
import { GATEWAY_MARK, type GatewayStep, gatewayStep, outcomeText } from "./gateway.ts";
import { field, joined, marked } from "./layout.ts";

/** The same device with one thing changed. */
export interface SecondAttemptStep {
  readonly variation: Variation;
  readonly gateway: GatewayStep;
}

const CHANGED: Readonly<Record<Variation, string>> = {
  "alpn-mqtt": "with ALPN mqtt",
  "no-client-certificate": "without its client certificate",
  "signature-encoding": "with its signature encoded the other way",
  "endpoint-server-name": "with the endpoint as SNI",
  "clean-session-no-will": "with a clean session and without its will",
};

export function secondAttemptSteps(
  attempts: readonly SecondAttempt[],
  secrets: readonly Secret[],
): SecondAttemptStep[] {
  return attempts.map(({ variation, outcome }) => ({ variation, gateway: gatewayStep(outcome, secrets) }));
}

export function secondAttemptLines(attempts: readonly SecondAttemptStep[], style: Style): string[] {
  return attempts.flatMap(({ variation, gateway }) => {
    const { connection } = gateway;
    const took = connection && `${latency(connection.durationSeconds)} in all`;
    return [
      ...marked(
        variation,
        GATEWAY_MARK[gateway.kind],
        `${CHANGED[variation]}: ${outcomeText(gateway)}`,
        style,
      ),
      ...field("", joined([took, connection?.packets.join(", ")], "; "), style, "dim"),
    ];
  });
}
