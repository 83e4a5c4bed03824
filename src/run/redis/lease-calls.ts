import type { Redis } from "ioredis";
import { Batch } from "../../lib/batch.ts";

/** What is asked within this goes to the server as one call. */
const COLLECT_MS = 10;

/**
 * KEYS: leases, each as often as it is asked about. ARGV, three for each: what is wanted, who, milliseconds. Answers one
 * number for each.
 *
 * `take`, for so long: 0 when it is theirs, also when an earlier answer did not arrive, else how long it is somebody's.
 * `end`, in so long: 1 when it was theirs.
 */
const LEASES = `
local function take(lease, who, ms)
  if redis.call('SET', lease, who, 'NX', 'PX', ms) then return 0 end
  if redis.call('GET', lease) == who then
    redis.call('PEXPIRE', lease, ms)
    return 0
  end
  return math.max(1, redis.call('PTTL', lease))
end
local function set_end(lease, who, ms)
  if redis.call('GET', lease) ~= who then return 0 end
  if tonumber(ms) > 0 then return redis.call('PEXPIRE', lease, ms) end
  return redis.call('DEL', lease)
end
local answers = {}
for i, lease in ipairs(KEYS) do
  local want = ARGV[3 * i - 2] == 'take' and take or set_end
  answers[i] = want(lease, ARGV[3 * i - 1], ARGV[3 * i])
end
return answers`;

interface Call {
  readonly want: "take" | "end";
  readonly lease: string;
  readonly who: string;
  readonly ms: number;
  readonly answer: (said: number | null) => void;
}

/** Asks the server about leases, in the order of the calls. Answers null where the server cannot be asked. */
export class LeaseCalls {
  readonly #redis: Redis;
  readonly #calls = new Batch<Call>((calls) => void this.#ask(calls), COLLECT_MS);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Answers 0 when it is theirs for `ms`, else for how many more milliseconds it is somebody else's. */
  take(lease: string, who: string, ms: number): Promise<number | null> {
    return this.#call("take", lease, who, ms);
  }

  /** Has it end in `ms`. Answers 1 when it was theirs, else 0. */
  setEnd(lease: string, who: string, ms: number): Promise<number | null> {
    return this.#call("end", lease, who, ms);
  }

  /** Sends at once what waits. */
  flush(): void {
    this.#calls.flush();
  }

  #call(want: Call["want"], lease: string, who: string, ms: number): Promise<number | null> {
    return new Promise((answer) => this.#calls.add({ want, lease, who, ms: Math.ceil(ms), answer }));
  }

  async #ask(calls: readonly Call[]): Promise<void> {
    const keys = calls.map(({ lease }) => lease);
    const parameters = calls.flatMap(({ want, who, ms }) => [want, who, ms]);
    const said = (await this.#redis.eval(LEASES, keys.length, ...keys, ...parameters).catch(() => null)) as
      | readonly number[]
      | null;
    for (const [index, { answer }] of calls.entries()) answer(said?.[index] ?? null);
  }
}
