import type { IoTClient } from "@aws-sdk/client-iot";
import { wallMs } from "../lib/clock.ts";

/** `Date` as servers must write it (RFC 9110 section 5.6.7). */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
/** The header leaves fractions of a second out. */
const RESOLUTION_MS = 1000;

/**
 * The server's clock less ours, in ms, from one answer: no more than is certain, as it is not known when between
 * sending and receiving the server looked at its clock. null: the header is missing or no date.
 */
export function skewOf(date: unknown, sentAtMs: number, receivedAtMs: number): number | null {
  if (typeof date !== "string" || !IMF_FIXDATE.test(date)) return null;
  const shownMs = Date.parse(date);
  if (Number.isNaN(shownMs)) return null;
  const least = shownMs - receivedAtMs;
  const most = shownMs + RESOLUTION_MS - sentAtMs;
  if (least > 0) return least;
  return most < 0 ? most : 0;
}

/** Tells `onSkew` of each answer that shows the time, errors of AWS included. */
export function watchClock(client: IoTClient, onSkew: (skewMs: number) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAtMs = wallMs();
      const result = await next(args);
      const skewMs = skewOf(dateOf(result.response), sentAtMs, wallMs());
      if (skewMs !== null) onSkew(skewMs);
      return result;
    },
    // Closest to the wire: before an error's answer is turned into a throw.
    { step: "deserialize", priority: "low", name: "watchClock" },
  );
}

function dateOf(response: unknown): unknown {
  return (Object(response) as { headers?: Readonly<Record<string, unknown>> }).headers?.date;
}
