import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inRange, parseCidr, parseIp } from "../../src/policy/ip.ts";
import { parseBoolean, parseDate, parseNumber } from "../../src/policy/scalars.ts";

const family = (bits: number) => (bits === 32 ? "ipv4" : "ipv6");

describe("addresses", () => {
  const near4 = fc.tuple(fc.constantFrom("10.0", "10.1", "192.168"), fc.nat(255), fc.nat(255));
  const address4 = near4.map(([start, third, fourth]) => `${start}.${third}.${fourth}`);
  const address6 = fc.oneof(
    fc.ipV6(),
    fc.tuple(fc.nat(0xffff), fc.nat(3)).map(([group, last]) => `2001:db8:${group.toString(16)}::${last}`),
  );

  it("lie in a range exactly where Node's own list says so", () => {
    const range = fc.oneof(fc.tuple(address4, fc.nat(32)), fc.tuple(address6, fc.nat(128)));
    fc.assert(
      fc.property(range, fc.oneof(address4, address6), ([network, prefix], address) => {
        const cidr = parseCidr(`${network}/${prefix}`);
        const ip = parseIp(address);
        if (cidr === null || ip === null) throw new Error("both are addresses");
        const reference = new BlockList();
        reference.addSubnet(network, prefix, family(cidr.address.bits));
        const expected = cidr.address.bits === ip.bits && reference.check(address, family(ip.bits));
        expect(inRange(ip, cidr.address, prefix)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("are recognised exactly where Node recognises them, zones aside", () => {
    const odd = fc.array(fc.constantFrom("0", "1", "ff", "01", "255", "256", ".", ":", "::", "g", ""), {
      maxLength: 16,
    });
    const anyText = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      odd.map((list) => list.join("")),
      fc.string(),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!text.includes("%"));
        const ip = parseIp(text);
        expect(ip === null ? 0 : ip.bits === 32 ? 4 : 6).toBe(isIP(text));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "::/129",
    "/8",
    "10.0.0.0/-1",
    "1.2.3.4::/8",
    "1:2:3:4::5:6:7:8/8",
    "1:2:3:4:5::6:7:8:9/8",
  ])("%s is no range", (text) => {
    expect(parseCidr(text)).toBeNull();
  });
});

describe("dates", () => {
  it("are what Date says of any moment", () => {
    const moment = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moment, (date) => {
        expect(parseDate(date.toISOString())).toBeCloseTo(date.getTime(), 3);
      }),
    );
  });

  it.each([
    ["2026-02", "2026-02-01T00:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2026-01-01T00:30+01:00", "2025-12-31T23:30:00.000Z"],
    ["2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00.250Z"],
  ])("%s is read", (text, expected) => {
    expect(new Date(parseDate(text) ?? Number.NaN).toISOString()).toBe(expected);
  });

  it.each([
    "",
    "soon",
    "2026-1-1",
    "2026-13-01",
    "2023-02-29",
    "2026-01-01T00:00:00",
    "2026-01-01T25:00Z",
    "12",
  ])("%j is no date", (text) => {
    expect(parseDate(text)).toBeNull();
  });
});

describe("numbers and booleans", () => {
  it("are exact or nothing", () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const number = parseNumber(String(value));
        if (number !== null) expect(BigInt(number)).toBe(value);
      }),
    );
  });

  it.each(["", "1e3", "0x10", ".5", "1.", "NaN", " 1", "1,5"])("%j is no number", (text) => {
    expect(parseNumber(text)).toBeNull();
  });

  it("read true and false in any case, and nothing else", () => {
    expect(["TRUE", "False", "yes", "", "1"].map(parseBoolean)).toEqual([true, false, null, null, null]);
  });
});
