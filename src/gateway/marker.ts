/** What is published: small, constant, and tells whoever finds it where it is from. */
export const MARKER = "fleet-smoke probe";

/** The marker with what tells this one message from everybody else's, other probes' included. */
export function correlatedMarker(correlation: string): string {
  return `${MARKER} ${correlation}`;
}
