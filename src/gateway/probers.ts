import { assertNever } from "../lib/errors.ts";
import type { Wire } from "../model/context.ts";
import type { Outcome } from "../model/outcome.ts";
import type { ProbeFn, ProbeInput } from "../model/ports.ts";
import type { Protocol } from "../model/profile.ts";
import { probeHttps } from "./https.ts";
import { probeMqtt } from "./mqtt.ts";
import { probeWss } from "./wss.ts";

/** One prober for each protocol: a protocol without one does not compile. */
export const PROBERS: { readonly [P in Protocol]: ProbeFn<Extract<Wire, { kind: P }>> } = {
  mqtt: probeMqtt,
  wss: probeWss,
  https: probeHttps,
};

/** Connects to the gateway once, as the device would, and says what came of it. Never throws. */
export function probe(input: ProbeInput): Promise<Outcome> {
  const { wire } = input;
  switch (wire.kind) {
    case "mqtt":
      return PROBERS.mqtt({ ...input, wire });
    case "wss":
      return PROBERS.wss({ ...input, wire });
    case "https":
      return PROBERS.https({ ...input, wire });
    default:
      return assertNever(wire);
  }
}
