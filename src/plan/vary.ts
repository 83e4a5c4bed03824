import { oddSignatureEncoding } from "../lib/aws-limits.ts";
import type { Wire } from "../model/context.ts";
import type { Examined } from "../model/facts.ts";
import { VARIATIONS, type Variation } from "../model/second-wave.ts";

type Seen = Pick<Examined["facts"], "check" | "context" | "outcome" | "target">;

/**
 * What is worth trying otherwise with a device that was kept out, in the order of trying: only what the device does
 * in another way than it should or need, so that the outcome tells something. Never for a device that may be live,
 * and never with a will. Empty: nothing.
 */
export function variationsOf({ check, context, outcome, target }: Seen): readonly Variation[] {
  const { profile, expectation, derived } = check;
  if (context === null || expectation !== "allow" || derived !== null) return [];
  if (profile.identity !== "dedicated" || !keptOut(outcome)) return [];
  const { wire } = context;
  if (wire.kind !== "https" && wire.connect.will !== null) return [];
  return VARIATIONS.filter((variation) => DISCRIMINATES[variation](wire, target.endpoint));
}

/** A handshake that is cut may say the same as an alert: only trying otherwise tells it from an outage. */
function keptOut(outcome: Seen["outcome"]): boolean {
  if (outcome.kind !== "unreachable") return outcome.kind === "refused";
  const { cause, tlsAlert, transport } = outcome;
  const isCut = transport.phasesMs.tls !== undefined && transport.tls === null;
  return tlsAlert || (isCut && cause === "GATEWAY_RESET");
}

/** Does the device do it in another way now? */
const DISCRIMINATES: Readonly<Record<Variation, (wire: Wire, endpoint: string) => boolean>> = {
  "alpn-mqtt": ({ kind, tls }) => kind === "mqtt" && tls.alpn.join() !== "mqtt",
  "no-client-certificate": ({ tls }) => tls.clientCertificate !== null,
  "signature-encoding": (wire) => queriesOf(wire).some((query) => oddSignatureEncoding(query) !== null),
  "endpoint-server-name": ({ tls }, endpoint) => tls.serverName?.toLowerCase() !== endpoint.toLowerCase(),
  "clean-session-no-will": (wire) => wire.kind !== "https" && keepsSession(wire.connect),
};

function queriesOf(wire: Wire): string[] {
  const username = wire.kind === "https" ? null : wire.connect.username;
  const path = wire.kind === "mqtt" ? null : wire.path;
  return [username, path].flatMap((each) => each?.exposeText() ?? []);
}

function keepsSession({
  cleanSession,
  sessionExpirySeconds,
  mqttVersion,
}: Extract<Wire, { kind: "mqtt" }>["connect"]): boolean {
  return !cleanSession || (mqttVersion === 5 && sessionExpirySeconds > 0);
}
