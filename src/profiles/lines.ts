import { Buffer, isUtf8 } from "node:buffer";

/** Longer lines are reported and skipped. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export type Line =
  /** Without its line end; the first one without a byte order mark. */
  | { readonly kind: "text"; readonly line: number; readonly text: string }
  | { readonly kind: "bad"; readonly line: number; readonly message: string };

/**
 * Splits bytes into lines (LF or CRLF), strictly UTF-8, one batch a chunk. At most one line is held in memory, and
 * never more than 1 MiB of it.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield splitter.push(chunk);
  yield splitter.end();
}

class LineSplitter {
  /** The beginning of a line whose end has not come yet. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #line = 0;

  push(chunk: Buffer): readonly Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      lines.push(this.#take(chunk.subarray(from, end)));
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The last line may lack its line end. */
  end(): readonly Line[] {
    return this.#pendingBytes === 0 ? [] : [this.#take(Buffer.alloc(0))];
  }

  #keep(rest: Buffer): void {
    this.#pendingBytes += rest.length;
    // Beyond the limit only the length is still of interest.
    if (this.#pendingBytes > MAX_LINE_BYTES) this.#pending = [];
    else if (rest.length > 0) this.#pending.push(rest);
  }

  #take(last: Buffer): Line {
    this.#line += 1;
    const length = this.#pendingBytes + last.length;
    const bytes = this.#pending.length === 0 ? last : Buffer.concat([...this.#pending, last]);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (length > MAX_LINE_BYTES) return this.#bad("expected a line of at most 1 MiB");
    return this.#decode(bytes);
  }

  #decode(bytes: Buffer): Line {
    if (!isUtf8(bytes)) return this.#bad("expected UTF-8 text");
    const from = this.#line === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    const to = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    return { kind: "text", line: this.#line, text: bytes.toString("utf8", from, to) };
  }

  #bad(message: string): Line {
    return { kind: "bad", line: this.#line, message };
  }
}
