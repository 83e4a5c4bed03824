import type { Redis } from "ioredis";
import { HEADROOM } from "../../lib/pacing.ts";
import { CUT, LEAST, REGAIN_PER_SECOND, SAME_EVENT_MS } from "../adaptation.ts";
import type { Rate } from "../rate.ts";

/** Tokens are handed out at most this far ahead: what is reserved by somebody who dies is lost. */
export const REACH_MS = 100;
/** Where nothing is known about the last second, it is taken for used up. */
export const UNKNOWN_PAST_MS = 1000;
const MOST_PAUSE_MS = 1000;
/** A bucket nobody uses is forgotten after this. */
const FORGET_MS = 3_600_000;

/**
 * What both scripts begin with. KEYS: the bucket, the pause. ARGV 1 to 8: limit, burst, headroom, how the share
 * is cut, its least, how it grows, SAME_EVENT_MS, UNKNOWN_PAST_MS. Times are microseconds of the server's clock; `due` is the
 * theoretical arrival time of the generic cell rate algorithm.
 */
const STATE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function arg(i) return tonumber(ARGV[i]) end
local kept = redis.call('HMGET', KEYS[1], 'due', 'share', 'cut')
local share, cut = tonumber(kept[2] or '1'), tonumber(kept[3] or '0')
local current = share
if share < 1 then current = math.min(1, share + math.max(0, now - cut) / 1000000 * arg(6)) end
local even = 1000000 / (arg(1) * arg(3))
local spacing = even / current
local ahead = (arg(2) - 1) * even
local due = tonumber(kept[1] or string.format('%.0f', now + arg(8) * 1000 + ahead))
`;

/** Keeps the state. The clock may be set back: nothing is due later than it could be. */
const KEEP = `
due = math.min(due, now + (${REACH_MS} + ${UNKNOWN_PAST_MS} + ${MOST_PAUSE_MS}) * 1000 + ahead + spacing)
redis.call('HSET', KEYS[1], 'due', string.format('%.0f', due), 'share', tostring(share), 'cut', string.format('%.0f', cut))
redis.call('PEXPIRE', KEYS[1], ${FORGET_MS})
`;

/** ARGV 9: tokens wanted. Answers now, microseconds until it is worth asking again, and when each token is due. */
const RESERVE = `${STATE}
if redis.call('EXISTS', KEYS[2]) == 1 then return {now, ${UNKNOWN_PAST_MS} * 1000} end
local latest = now + ${REACH_MS} * 1000
local answer = {now, 0}
for i = 1, arg(9) do
  local open = math.max(due - ahead, now)
  if open > latest then break end
  answer[#answer + 1] = math.ceil(open)
  due = math.max(due, open) + spacing
end
${KEEP}
answer[2] = math.ceil(math.max(0, due - ahead - latest))
return answer`;

/** ARGV 9: milliseconds without any token. */
const THROTTLED = `${STATE}
if now - cut >= arg(7) * 1000 then
  share = math.max(arg(5), current * arg(4))
  cut = now
end
due = math.max(due, now + arg(9) * 1000 + ahead)
${KEEP}
return 0`;

/** Which bucket, and what stops it. */
export interface BucketKeys {
  readonly bucket: string;
  readonly pause: string;
}

/** Times: milliseconds of the server's clock. */
export interface Reserved {
  readonly nowMs: number;
  /** Until there is more to reserve. */
  readonly waitMs: number;
  /** When each token may be used. */
  readonly dueMs: readonly number[];
}

/** Reserves up to `wanted` tokens of the next moments. Rejects when the server cannot be asked. */
export async function reserve(redis: Redis, keys: BucketKeys, rate: Rate, wanted: number): Promise<Reserved> {
  const answer = await redis.eval(RESERVE, 2, keys.bucket, keys.pause, ...parameters(rate), wanted);
  const [now = 0, wait = 0, ...due] = answer as readonly number[];
  return {
    nowMs: now / 1000,
    waitMs: wait / 1000,
    dueMs: due.map((each) => each / 1000),
  };
}

/** A call was throttled: nothing for anybody for `ms`, then fewer for a while. */
export async function slowDown(redis: Redis, keys: BucketKeys, rate: Rate, ms: number): Promise<void> {
  await redis.eval(THROTTLED, 2, keys.bucket, keys.pause, ...parameters(rate), Math.min(ms, MOST_PAUSE_MS));
}

function parameters({ perSecond, burst }: Rate): readonly number[] {
  return [perSecond, burst, HEADROOM, CUT, LEAST, REGAIN_PER_SECOND, SAME_EVENT_MS, UNKNOWN_PAST_MS];
}
