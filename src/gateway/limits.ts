/** What a gateway may send before its answer is complete. AWS's largest MQTT 5 packet is 146 KB. */
export const MAX_BYTES_BEFORE_VERDICT = 256 * 1024;

/** How long an accepted connection is given to close in order; never longer than what is left of the timeout. */
export const CLOSE_GRACE_MS = 1000;

/** How long and how much of a refusal's body is read, as evidence only: the status has decided already. */
export const EVIDENCE_GRACE_MS = 300;
export const EVIDENCE_BYTES = 4096;
