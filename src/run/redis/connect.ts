import { Redis, type RedisOptions } from "ioredis";
import { scrub } from "../../lib/scrub.ts";
import { Secret } from "../../model/secret.ts";

/** A Redis or Valkey server, version 5 or newer. */
export interface RedisServer {
  /**
   * `redis://` or, over TLS, `rediss://`; with user name, password (both percent-encoded) and database number where
   * they are needed: `rediss://user:password@redis.example.com:6379/0`.
   */
  readonly url: Secret;
  /** PEM of who signed the server's certificate; null: the system's roots. */
  readonly ca: string | null;
}

export interface RedisUse {
  /**
   * What a command does that cannot be sent, or is not answered. `fail`: it is rejected within seconds, and whether it
   * was carried out is not known; `wait`: it stays until the server is back and is then sent, perhaps a second time,
   * which is what BullMQ asks for.
   */
  readonly whenDown: "fail" | "wait";
  /** For CLIENT LIST: what this connection is for. */
  readonly name: string;
  /** The connection is in trouble and being made again; text without credentials. Must not throw. */
  readonly onTrouble: (message: string) => void;
}

const CONNECT_TIMEOUT_MS = 5000;
const COMMAND_TIMEOUT_MS = 2000;
/** Without a byte for so long while an answer is due, the network is taken for cut. Longer than BullMQ blocks (10 s). */
const SILENCE_MS = { fail: 5000, wait: 25_000 } as const;
const KEEP_ALIVE_MS = 10_000;
const RECONNECT_MS = { first: 50, most: 2000 } as const;

const ON_DOWN: Readonly<Record<RedisUse["whenDown"], RedisOptions>> = {
  fail: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS.fail,
  },
  wait: { maxRetriesPerRequest: null, socketTimeout: SILENCE_MS.wait },
};

/**
 * Connects, and connects again whenever the connection is lost, for ever. Close it with `disconnect()`.
 * Never hand an error of it to a log as it is: it holds the command with its arguments, AUTH's password too.
 */
export function connectRedis(server: RedisServer, { whenDown, name, onTrouble }: RedisUse): Redis {
  const { address, secrets } = addressOf(server);
  const redis = new Redis({
    ...address,
    ...ON_DOWN[whenDown],
    connectionName: name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    noDelay: true,
    // Many clients lose one server at the same moment: shaken, so that they do not all come back at once.
    retryStrategy: (times) =>
      Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
  });
  redis.on("error", (error: Error) => onTrouble(scrub(error.message, secrets)));
  return redis;
}

/** What the URL says, and what of it must not be shown. */
function addressOf({ url, ca }: RedisServer): {
  readonly address: RedisOptions;
  readonly secrets: readonly Secret[];
} {
  const { protocol, hostname, port, username, password, pathname } = new URL(url.exposeText());
  const secret = decodeURIComponent(password);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    address: {
      host: host === "" ? "127.0.0.1" : host,
      port: port === "" ? 6379 : Number(port),
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(secret === "" ? {} : { password: secret }),
      db: Number(pathname.slice(1)),
      ...(protocol === "rediss:" ? { tls: ca === null ? {} : { ca } } : {}),
    },
    secrets: [url, ...(secret === "" ? [] : [new Secret(secret)])],
  };
}
