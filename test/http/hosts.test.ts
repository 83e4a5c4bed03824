import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AllowedHosts, isLoopback, isSameOrigin } from "../../src/http/hosts.ts";

describe("isLoopback", () => {
  it.each([
    "localhost",
    "LOCALHOST",
    "127.0.0.1",
    "127.255.0.9",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
  ])("is true for %s", (host) => expect(isLoopback(host)).toBe(true));

  it.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "::ffff:10.0.0.1",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "",
  ])("is false for %j", (host) => expect(isLoopback(host)).toBe(false));
});

describe("AllowedHosts", () => {
  it.each(["0.0.0.0", "::", "0:0::0"])(
    "of the wildcard %s are loopback's names and the allowed ones",
    (wildcard) => {
      const hosts = new AllowedHosts(wildcard, ["smoke.example.com"]);
      const found = ["smoke.example.com", "localhost:9464", "0.0.0.0", "[::]", "10.1.2.3:9464"].map((host) =>
        hosts.has(host),
      );
      expect(found).toEqual([true, true, false, false, false]);
    },
  );

  it("hold the address that is listened on", () => {
    expect(new AllowedHosts("10.1.2.3", []).has("10.1.2.3:9464")).toBe(true);
    expect(new AllowedHosts("fd00::1", []).has("[FD00:0::1]:9464")).toBe(true);
  });

  it("never hold what a URL would not be read as", () => {
    const hosts = new AllowedHosts("127.0.0.1", ["smoke.example.com"]);
    const bit = fc.constantFrom(
      "localhost",
      "127.0.0.1",
      "smoke.example.com",
      "[::1]",
      "evil",
      ".",
      ":",
      "@",
      "/",
      "#",
      "80",
      " ",
      "%",
      "\\",
    );
    const known = ["localhost", "127.0.0.1", "smoke.example.com", "[::1]"];
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 4 }), (bits) => {
        const header = bits.join("");
        if (!hosts.has(header)) return;
        expect(known).toContain(header.replace(/:\d+$/, ""));
      }),
    );
  });
});

describe("isSameOrigin", () => {
  it("is true only for the host and port that were called", () => {
    const host = fc.constantFrom("localhost", "127.0.0.1", "[::1]", "a.example", "b.example");
    const port = fc.constantFrom("", ":80", ":443", ":9464");
    const scheme = fc.constantFrom("http", "https");
    const effective = (text: string, which: string) => {
      const { hostname, port: given } = new URL(`${which}://${text}`);
      return `${hostname}:${given || (which === "http" ? 80 : 443)}`;
    };
    fc.assert(
      fc.property(scheme, host, port, host, port, (which, from, fromPort, to, toPort) => {
        const same = effective(from + fromPort, which) === effective(to + toPort, which);
        expect(isSameOrigin(`${which}://${from}${fromPort}`, to + toPort)).toBe(same);
      }),
    );
  });

  it("is false for any text that is no web origin", () => {
    fc.assert(
      fc.property(fc.string(), (origin) => {
        fc.pre(!/^\s*https?:/i.test(origin));
        expect(isSameOrigin(origin, "localhost:9464")).toBe(false);
      }),
    );
  });
});
