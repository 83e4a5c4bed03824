import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { readBoundedFile } from "../lib/bounded-file.ts";
import { monotonicMs } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { HttpToken, Scope } from "../model/config.ts";

/** Rotating a token takes effect within this time; guesses do not cost a file read each. */
const REREAD_MS = 500;
const MAX_TOKEN_BYTES = 4096;

/** What a scope gives: to trigger runs without seeing what became of them would be of no use. */
const IMPLIES: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ["read"],
  trigger: ["trigger", "read"],
  admin: ["admin", "trigger", "read"],
};

export interface KnownToken {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** The bearer tokens of the configuration; only their hashes are kept. */
export class Tokens {
  readonly #files: readonly TokenFile[];

  constructor(tokens: readonly HttpToken[], log: Log) {
    this.#files = tokens.map((token) => new TokenFile(token, log));
  }

  get configured(): boolean {
    return this.#files.length > 0;
  }

  /** Reads every file once, so that an unusable one is told at the start. */
  async load(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.digest()));
  }

  /** Whose token it is and all it may do; null where it is none of ours. */
  async find(bearer: string): Promise<KnownToken | null> {
    const presented = sha256(bearer);
    const scopes = new Set<Scope>();
    const names: string[] = [];
    // No early exit: the time taken does not tell which token came close.
    for (const file of this.#files) {
      const expected = await file.digest();
      if (expected === null || !timingSafeEqual(presented, expected)) continue;
      names.push(file.name);
      for (const scope of file.scopes) for (const each of IMPLIES[scope]) scopes.add(each);
    }
    return scopes.size > 0 ? { name: names.join(", "), scopes } : null;
  }
}

class TokenFile {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly #token: HttpToken;
  readonly #log: Log;
  #digest: Promise<Buffer | null> = Promise.resolve(null);
  #readAtMs = Number.NEGATIVE_INFINITY;
  #complaint = "";

  constructor(token: HttpToken, log: Log) {
    this.name = token.name;
    this.scopes = token.scopes;
    this.#token = token;
    this.#log = log;
  }

  /** The token's hash; null gives no access. */
  digest(): Promise<Buffer | null> {
    if (monotonicMs() - this.#readAtMs >= REREAD_MS) {
      this.#readAtMs = monotonicMs();
      this.#digest = this.#read();
    }
    return this.#digest;
  }

  async #read(): Promise<Buffer | null> {
    const file = await readBoundedFile(this.#token.tokenFile, MAX_TOKEN_BYTES);
    if (file.kind === "unreadable") return this.#unusable(file.reason);
    const bytes = withoutNewline(file.bytes);
    if (bytes.length === 0) return this.#unusable("is empty");
    this.#complaint = "";
    return sha256(bytes);
  }

  #unusable(reason: string): null {
    if (reason !== this.#complaint) {
      this.#log.warn({ token: this.#token.name, reason }, "token gives no access");
    }
    this.#complaint = reason;
    return null;
  }
}

function sha256(value: string | Buffer): Buffer {
  return createHash("sha256").update(value).digest();
}

function withoutNewline(bytes: Buffer): Buffer {
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  return bytes.subarray(0, end < bytes.length && bytes[end - 1] === 0x0d ? end - 1 : end);
}
