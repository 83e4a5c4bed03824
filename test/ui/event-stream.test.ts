import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventStreamReader, type ServerEvent } from "../../src/ui/event-stream.ts";

function read(chunks: readonly string[]): readonly ServerEvent[] {
  const reader = new EventStreamReader();
  return chunks.flatMap((chunk) => reader.take(chunk));
}

describe("a stream of events", () => {
  it("gives name and data of each event that is complete, and nothing of comments and retry", () => {
    const text =
      'retry: 2000\n\n: still running\n\nevent: progress\ndata: {"a":1}\n\ndata: x\ndata: y\n\nevent: end\n';
    expect(read([text])).toEqual([
      { name: "progress", data: '{"a":1}' },
      { name: "message", data: "x\ny" },
    ]);
  });

  it("ends lines with LF, CR and CRLF", () => {
    expect(read(["data: a\r\rdata: b\r\n\r\ndata: c\n\n"])).toEqual(
      ["a", "b", "c"].map((data) => ({ name: "message", data })),
    );
  });

  it("is the same however it is cut", () => {
    const event = fc.record({
      name: fc.constantFrom("progress", "end", "message"),
      data: fc.stringMatching(/^[^\r\n]{0,20}$/),
    });
    const ending = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(fc.array(event), ending, fc.array(fc.nat(400)), (events, eol, cuts) => {
        const text = events.map(({ name, data }) => `event: ${name}${eol}data: ${data}${eol}${eol}`).join("");
        const places = [0, ...cuts.filter((at) => at < text.length).sort((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(read(chunks)).toEqual(events);
      }),
    );
  });
});
