import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import { varyWire } from "../../src/context/vary.ts";
import type { Wire } from "../../src/model/context.ts";
import type { Profile, Protocol } from "../../src/model/profile.ts";
import type { Variation } from "../../src/model/second-wave.ts";
import { Secret } from "../../src/model/secret.ts";
import { credentialsOf, profileOf, targetOf } from "../support/fixtures.ts";

const TARGET = targetOf();
const SIGNATURE = "x-amz-customauthorizer-signature";

function wireOf(profile: Partial<Profile>, protocol: Protocol, credentials = {}): Wire {
  const context = buildContext(profileOf(profile), protocol, credentialsOf(credentials), TARGET);
  if ("kind" in context) throw new Error(context.reason);
  return context.wire;
}

function paths(a: unknown, b: unknown, at = ""): string[] {
  if (a instanceof Secret && b instanceof Secret) return a.exposeText() === b.exposeText() ? [] : [at];
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b ? [] : [at];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) =>
    paths((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `${at}.${key}`),
  );
}

const tls = profileOf().tls;
const connect = profileOf().connect;

describe("a varied device", () => {
  it.each([
    ["alpn-mqtt", { tls: { ...tls, alpn: ["x-amzn-mqtt-ca"] } }, [".tls.alpn.0"]],
    ["endpoint-server-name", { tls: { ...tls, serverName: "other.example.com" } }, [".tls.serverName"]],
    [
      "clean-session-no-will",
      { connect: { ...connect, cleanSession: false, sessionExpirySeconds: 60 }, mqttVersion: 5 },
      [".connect.cleanSession", ".connect.sessionExpirySeconds"],
    ],
  ] as const)("%s changes that and nothing else", (variation: Variation, profile, changed) => {
    const wire = wireOf(profile, "mqtt", { username: new Secret("u") });
    expect(paths(wire, varyWire(wire, variation, TARGET))).toEqual(changed);
  });

  it("sends no client certificate any more", () => {
    const clientCertificate = { cert: new Secret("c"), key: new Secret("k") };
    const wire = wireOf({}, "mqtt", { clientCertificate });
    const varied = varyWire(wire, "no-client-certificate", TARGET);
    expect(paths(wire, varied)).toEqual([".tls.clientCertificate"]);
    expect(varied.tls.clientCertificate).toBeNull();
  });

  it("encodes a signature once, however it was written, and leaves the rest as it is", () => {
    const signatures = fc.uint8Array({ minLength: 3 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    fc.assert(
      fc.property(signatures, fc.integer({ min: 0, max: 2 }), (signature, times) => {
        let written = signature;
        for (let encodings = 0; encodings < times; encodings += 1) written = encodeURIComponent(written);
        const query = (value: string) => `?a=%2B+&${SIGNATURE}=${value}&x-token=t%25`;
        const wire = wireOf({}, "wss", {
          username: new Secret(`device${query(written)}`),
          queryString: new Secret(query(written)),
        });
        const varied = varyWire(wire, "signature-encoding", TARGET);
        if (varied.kind !== "wss") throw new Error("another protocol");
        const right = query(encodeURIComponent(signature));
        expect(varied.connect.username?.exposeText()).toBe(`device${right}`);
        expect(varied.path.exposeText()).toBe(`/mqtt${right}`);
      }),
    );
  });
});
