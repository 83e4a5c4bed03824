import { isTrusted } from "../../lib/loop-delay.ts";
import { scrub } from "../../lib/scrub.ts";
import { transportOf } from "../../lib/words.ts";
import type { Outcome, Transport } from "../../model/outcome.ts";
import type { Secret } from "../../model/secret.ts";
import { latency, plural } from "../numbers.ts";
import type { Style } from "../style.ts";
import { pad } from "../text.ts";
import { field, type Mark, marked, TEXT_COLUMN } from "./layout.ts";

/** What the gateway did, phase by phase and packet by packet. */
export interface GatewayStep {
  readonly kind: Outcome["kind"];
  readonly how: "code" | "status" | "closed" | null;
  /** CONNACK code or HTTP status. */
  readonly code: number | null;
  readonly cause: string | null;
  readonly reason: string | null;
  readonly sessionPresent: boolean | null;
  /** null: nothing was connected. */
  readonly connection: {
    /** ISO 8601. */
    readonly startedAt: string;
    readonly address: string | null;
    readonly tls: Transport["tls"];
    /** ISO 8601. */
    readonly certificateExpiresAt: string | null;
    /** Consecutive; they sum to the duration. */
    readonly phases: readonly { readonly phase: string; readonly seconds: number }[];
    readonly durationSeconds: number;
    /** At most so much of these times may be this process's own; null: not enough to matter. */
    readonly delaySeconds: number | null;
    /** By name, in their order: `> CONNECT`, `< CONNACK 0`. */
    readonly packets: readonly string[];
  } | null;
}

export function gatewayStep(outcome: Outcome, secrets: readonly Secret[]): GatewayStep {
  const transport = transportOf(outcome);
  const reason = "reason" in outcome ? outcome.reason : null;
  return {
    kind: outcome.kind,
    how: outcome.kind === "refused" ? outcome.how : null,
    code: outcome.kind === "skipped" ? null : outcome.code,
    cause: "cause" in outcome ? outcome.cause : null,
    reason: reason === null ? null : scrub(reason, secrets),
    sessionPresent: outcome.kind === "accepted" ? outcome.sessionPresent : null,
    connection: transport && connectionPart(transport, secrets),
  };
}

function connectionPart(transport: Transport, secrets: readonly Secret[]): GatewayStep["connection"] {
  const { address, tls, certificateExpiresAtMs, phasesMs, durationMs, delayMs, packets, startedAtMs } =
    transport;
  return {
    startedAt: new Date(startedAtMs).toISOString(),
    address,
    tls,
    certificateExpiresAt: certificateExpiresAtMs === null ? null : isoDate(certificateExpiresAtMs),
    phases: Object.entries(phasesMs).map(([phase, ms]) => ({ phase, seconds: seconds(ms) })),
    durationSeconds: seconds(durationMs),
    delaySeconds: isTrusted(durationMs, delayMs) ? null : seconds(delayMs),
    packets: packets.map((packet) => scrub(packet, secrets)),
  };
}

/** To the microsecond. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1_000_000;
}

/** A certificate may claim an end that no calendar holds. */
function isoDate(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

export const GATEWAY_MARK: Readonly<Record<Outcome["kind"], Mark>> = {
  accepted: "good",
  refused: "bad",
  unreachable: "unsure",
  broken: "unsure",
  skipped: "none",
};

export function gatewayLines(step: GatewayStep, style: Style): string[] {
  return [
    ...marked("outcome", GATEWAY_MARK[step.kind], outcomeText(step), style),
    ...(step.connection === null ? [] : connectionLines(step.connection, style)),
    ...(step.sessionPresent === true ? field("session", "the gateway kept one from before", style) : []),
  ];
}

/** `refused (0x87): CONNACK 135, not authorized` */
export function outcomeText({ kind, code, cause, reason }: GatewayStep): string {
  const brief = kind === "accepted" ? `code ${code}` : (cause ?? hex(code));
  return `${kind}${brief === null ? "" : ` (${brief})`}${reason === null ? "" : `: ${reason}`}`;
}

/** MQTT 5's reason codes are written in hexadecimal everywhere else; the reason has the decimal. */
function hex(code: number | null): string | null {
  return code !== null && code >= 0x80 && code <= 0xff ? `0x${code.toString(16).toUpperCase()}` : null;
}

function connectionLines(connection: NonNullable<GatewayStep["connection"]>, style: Style): string[] {
  const { address, tls, certificateExpiresAt, packets, startedAt } = connection;
  const secured = tls !== null && `${tls.version}, ${tls.cipher}, ALPN ${tls.alpn ?? "none"}`;
  return [
    ...field("dialled", `${address ?? "no address"} at ${startedAt}`, style),
    ...field("TLS", secured || "not established", style),
    ...(certificateExpiresAt === null
      ? []
      : field("certificate", `of the server, ${validity(certificateExpiresAt, startedAt)}`, style)),
    ...phaseLines(connection, style),
    ...delayLines(connection, style),
    ...packets.flatMap((packet, at) => field(at === 0 ? "packets" : "", packet, style)),
  ];
}

/** Why these times are in no histogram. */
function delayLines({ delaySeconds }: NonNullable<GatewayStep["connection"]>, style: Style): string[] {
  if (delaySeconds === null) return [];
  const text = `up to ${latency(delaySeconds)} of these are fleet-smoke's own: it was busy`;
  return field("", text, style);
}

/** `valid until 2027-12-25 (397 days left)` */
function validity(until: string, now: string): string {
  const days = Math.floor((Date.parse(until) - Date.parse(now)) / 86_400_000);
  const left = days < 0 ? "expired" : `${plural(days, "day")} left`;
  return `valid until ${until.slice(0, until.indexOf("T"))} (${left})`;
}

const MAX_BAR = 24;

/** Each phase with its share of the whole. */
function phaseLines(
  { phases, durationSeconds }: NonNullable<GatewayStep["connection"]>,
  style: Style,
): string[] {
  const all = { phase: "in all", seconds: durationSeconds };
  const times = [...phases, all].map((row) => latency(row.seconds));
  const width = Math.max(...times.map((time) => time.length));
  const room = Math.min(MAX_BAR, style.width - TEXT_COLUMN - width - 2);
  return [...phases, all].flatMap((row, at) => {
    const share = row === all || durationSeconds <= 0 ? 0 : row.seconds / durationSeconds;
    const bar = "█".repeat(Math.max(0, Math.round(Math.min(1, share) * room)));
    const lines = field(row.phase, pad(times[at] ?? "", width, "right"), style);
    return bar === "" ? lines : lines.map((line) => `${line}  ${style.tone("dim", bar)}`);
  });
}
