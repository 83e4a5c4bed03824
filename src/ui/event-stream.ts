export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * Reads server-sent events out of chunks as they come (HTML Living Standard, "Interpreting an event stream"), however
 * they are cut. `EventSource` would do it too, but it cannot send a token.
 */
export class EventStreamReader {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** @returns the events that this chunk completes */
  take(chunk: string): readonly ServerEvent[] {
    this.#rest += chunk;
    // A CR at the end may be half of a CRLF.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#name = "";
    this.#data = [];
    return isEmpty ? null : event;
  }
}
