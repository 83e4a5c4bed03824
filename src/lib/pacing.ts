/* How quotas are spent: what a run keeps to, a plan counts with. */

/** Part of a limit that is used: AWS counts arrivals, and the way there shakes the spacing. */
export const HEADROOM = 0.98;

/** The operation whose budget gateway connections take from. */
export const CONNECT = "Connect";

/** A token later than this is void, however low the limit is. */
const MOST_LATE_MS = 50;

/**
 * How late a token may be used on a schedule at `HEADROOM` of the limit. Of limit + burst + 1 tokens the last is due
 * (limit + 1) spacings after the burst's end: half of what that is longer than a second, so that no sliding second
 * sees so many. The other half is left to the way there.
 */
export function toleranceMs(perSecond: number): number {
  const spareMs = (1000 * (perSecond + 1)) / (perSecond * HEADROOM) - 1000;
  return Math.min(MOST_LATE_MS, spareMs / 2);
}

/**
 * AWS takes one CONNECT a second for one client id, and a second connection throws out the first (AWS IoT Core
 * quotas). Counted from the end of the previous connection, with a margin for the way there.
 */
export const CLIENT_REST_MS = 1050;

/** Connections of one identity with something corrupted on purpose, over all runs of a process. */
export const DERIVED_PER_HOUR = 8;

/** Dedicated client ids of each target that are looked up before anything is connected. */
export const SAMPLED_CLIENT_IDS = 10;

/** Of one check that tries topics: a gateway that ends the connection at every refusal costs one for each. */
export const MOST_CONNECTIONS_OF_CHECK = 10;

/** How long what AWS says about a target is kept before it is asked again. */
export const KEEP_ANSWER_MS = 5 * 60_000;

/** Quotas belong to an account in a Region: targets that share both share them. */
export function quotaOwner({
  partition,
  accountId,
  region,
}: {
  readonly partition: string;
  readonly accountId: string;
  readonly region: string;
}): string {
  return `${partition}/${accountId}/${region}`;
}
