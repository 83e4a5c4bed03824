import { generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Credentials, Profile, Protocol } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import { credentialsOf, profileOf, targetOf } from "../support/fixtures.ts";

const TOKEN = {
  kind: "value",
  key: "x-token",
  value: new Secret("tok~1"),
  signature: new Secret("ab+/cd=="),
} as const;
const SUFFIX =
  "?x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=ab%2B%2Fcd%3D%3D&x-token=tok~1";
const QUERY = SUFFIX.slice(1);

function build(
  protocol: Protocol,
  profile: Partial<Profile> = {},
  credentials: Partial<Credentials> = {},
): DeviceContext {
  const built = buildContext(
    profileOf({ authorizer: "fleet", topic: "smoke/pump-1", ...profile }),
    protocol,
    credentialsOf({ username: new Secret("pump"), password: new Secret("pw"), token: TOKEN, ...credentials }),
    targetOf(),
  );
  if ("kind" in built) throw new Error(built.reason);
  return built;
}

/** A context with its secrets laid open, for comparison. */
function shown(value: unknown): unknown {
  if (value instanceof Secret) return value.exposeText();
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each)]));
}

const TRIO_HEADERS = {
  "x-amz-customauthorizer-name": "fleet",
  "x-amz-customauthorizer-signature": "ab+/cd==",
  "x-token": "tok~1",
};

describe("every row of the wire table", () => {
  it("mqtt carries the trio in the username, with the signature URL-encoded", () => {
    const { wire, request } = build("mqtt");
    expect(shown(wire)).toMatchObject({
      kind: "mqtt",
      connect: { username: `pump${SUFFIX}`, password: "pw", clientId: "pump-1" },
      tls: { alpn: ["mqtt"], serverName: "a1-ats.iot.eu-west-1.amazonaws.com" },
    });
    expect(shown(request)).toEqual({
      token: "tok~1",
      tokenSignature: "ab+/cd==",
      httpContext: null,
      mqttContext: { username: `pump${SUFFIX}`, password: "pw", clientId: "pump-1" },
      tlsContext: { serverName: "a1-ats.iot.eu-west-1.amazonaws.com" },
    });
  });

  it.each([
    ["headers", null],
    ["headers", "headers"],
  ] as const)(
    "wss carries the trio in %s (credentialsIn %s) beside its own headers and query",
    (_, credentialsIn) => {
      const own = { headers: { "x-own": new Secret("1") }, queryString: new Secret("a=b") };
      const { wire, request } = build("wss", { credentialsIn }, own);
      expect(shown(wire)).toMatchObject({
        path: "/mqtt?a=b",
        headers: { ...TRIO_HEADERS, "x-own": "1" },
        connect: { username: "pump", password: "pw" },
        tls: { alpn: [] },
      });
      expect(shown(request)).toMatchObject({
        httpContext: { headers: { ...TRIO_HEADERS, "x-own": "1" }, queryString: "?a=b" },
        mqttContext: { username: "pump", password: "pw", clientId: "pump-1" },
        token: "tok~1",
        tokenSignature: "ab+/cd==",
      });
    },
  );

  it("wss with credentials in the query appends the trio to its own query string", () => {
    const { wire, request } = build("wss", { credentialsIn: "query" }, { queryString: new Secret("?a=b") });
    expect(shown(wire)).toMatchObject({
      path: `/mqtt?a=b&${QUERY}`,
      headers: {},
      connect: { username: "pump" },
    });
    expect(shown(request)).toMatchObject({ httpContext: { headers: null, queryString: `?a=b&${QUERY}` } });
  });

  it("wss with credentials in the username leaves headers and query to the profile", () => {
    const { wire, request } = build("wss", { credentialsIn: "username" });
    expect(shown(wire)).toMatchObject({ path: "/mqtt", headers: {}, connect: { username: `pump${SUFFIX}` } });
    expect(shown(request)).toMatchObject({ httpContext: null, mqttContext: { username: `pump${SUFFIX}` } });
  });

  it("https carries the trio as headers, no MQTT fields, and publishes with QoS 1", () => {
    const { wire, request } = build("https", {}, { queryString: new Secret("a=b") });
    expect(shown(wire)).toMatchObject({
      kind: "https",
      path: "/topics/smoke%2Fpump-1?qos=1&a=b",
      headers: TRIO_HEADERS,
      tls: { alpn: [] },
    });
    expect(shown(request)).toMatchObject({
      mqttContext: null,
      httpContext: { headers: TRIO_HEADERS, queryString: "?qos=1&a=b" },
    });
  });

  it("https with credentials in the query", () => {
    const { wire } = build("https", { credentialsIn: "query" });
    expect(shown(wire)).toMatchObject({ path: `/topics/smoke%2Fpump-1?qos=1&${QUERY}`, headers: {} });
  });

  it("leaves out what a profile does not have", () => {
    const { wire, request, authorizer } = build(
      "mqtt",
      { authorizer: null },
      { username: null, password: null, token: null },
    );
    expect(authorizer).toBeNull();
    expect(shown(wire)).toMatchObject({ connect: { username: null, password: null } });
    expect(shown(request)).toMatchObject({
      token: null,
      tokenSignature: null,
      mqttContext: { username: null, password: null, clientId: "pump-1" },
    });
  });
});

describe("the raw wire username", () => {
  const raw =
    "dev?x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=ab%2B%2Fcd%3D%3D&x-token=t%20k&SDK=x";

  it("is sent byte for byte and fills the API's token fields", () => {
    const { wire, request, authorizer } = build(
      "mqtt",
      { authorizer: null },
      { username: new Secret(raw), token: null },
    );
    expect(shown(wire)).toMatchObject({ connect: { username: raw } });
    expect(authorizer).toBe("fleet");
    expect(shown(request)).toMatchObject({
      token: "t%20k",
      tokenSignature: "ab+/cd==",
      mqttContext: { username: raw },
    });
  });

  it("is refused together with authorizer or token", () => {
    const built = buildContext(
      profileOf({ authorizer: "fleet" }),
      "mqtt",
      credentialsOf({ username: new Secret("a?b=c") }),
      targetOf(),
    );
    expect(built).toMatchObject({ kind: "invalid", reason: expect.stringContaining("username") });
  });
});

describe("tokens", () => {
  it("are signed with RSA SHA-256 PKCS#1 over the token's bytes", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signingKey = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const { request } = build(
      "https",
      {},
      { token: { kind: "sign", key: "x-token", value: new Secret("täken"), signingKey } },
    );
    const signature = Buffer.from(request.tokenSignature?.exposeText() ?? "", "base64");
    expect(verify("sha256", Buffer.from("täken"), publicKey, signature)).toBe(true);
  });

  it("are split from a JWT, its signature turned into padded base64", () => {
    const { request } = build(
      "https",
      {},
      { token: { kind: "jwt", key: "x-token", jwt: new Secret("aGk.eyJ9.-_-_-Q") } },
    );
    expect(shown(request)).toMatchObject({ token: "aGk.eyJ9", tokenSignature: "+/+/+Q==" });
  });

  it.each([
    ["a JWT without a signature", { kind: "jwt", key: "k", jwt: new Secret("a.b") }],
    [
      "a key that is no key",
      { kind: "sign", key: "k", value: new Secret("a"), signingKey: new Secret("nonsense") },
    ],
  ] as const)("%s makes the context invalid without showing it", (_, token) => {
    const built = buildContext(profileOf(), "mqtt", credentialsOf({ token }), targetOf());
    expect(built).toMatchObject({ kind: "invalid", reason: expect.stringContaining("token.") });
    expect(JSON.stringify(built)).not.toMatch(/nonsense|a\.b/);
  });
});

describe("the rest of the context", () => {
  it("keeps password bytes that are not text", () => {
    const { wire } = build("mqtt", {}, { password: new Secret(Buffer.from([0xff, 0, 0xfe])) });
    if (wire.kind !== "mqtt") throw new Error("expected mqtt");
    expect(wire.connect.password?.exposeBytes()).toEqual(Buffer.from([0xff, 0, 0xfe]));
  });

  it("sends no SNI where the profile says so or the name is an IP address", () => {
    const tls = profileOf().tls;
    expect(build("mqtt", { tls: { ...tls, serverName: "" } }).wire.tls.serverName).toBeNull();
    expect(build("mqtt", { tls: { ...tls, serverName: "127.0.0.1" } }).request.tlsContext).toBeNull();
  });

  it("lists every credential it holds or derives as a secret", () => {
    const { secrets } = build(
      "wss",
      { credentialsIn: "query" },
      { headers: { authorization: new Secret("Bearer 77") } },
    );
    const texts = secrets.map((secret) => secret.exposeText());
    expect(texts).toEqual(expect.arrayContaining(["pw", "tok~1", "ab+/cd==", "Bearer 77"]));
  });

  it("sends no message that would be retained, whatever a reference or command answered", () => {
    const retained = credentialsOf({ queryString: new Secret("retain=true") });
    expect(buildContext(profileOf({ topic: "t" }), "https", retained, targetOf())).toEqual({
      kind: "invalid",
      reason: "queryString asks for the message to be retained",
    });
  });

  it("drops the leading mark of the API's query string where the target says so", () => {
    const built = buildContext(
      profileOf({ topic: "t" }),
      "https",
      credentialsOf(),
      targetOf({ queryStringMark: false }),
    );
    expect("request" in built && built.request.httpContext?.queryString?.exposeText()).toBe("qos=1");
  });
});
