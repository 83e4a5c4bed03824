import { isUtf8 } from "node:buffer";
import { generateKeyPairSync, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import { corruptCredentials } from "../../src/context/corrupt.ts";
import type { DerivedKind } from "../../src/model/check.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Credentials, CredentialsIn, Profile, Protocol } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import { credentialsOf, profileOf, targetOf } from "../support/fixtures.ts";

const NAME = "x-amz-customauthorizer-name";
const SIGNATURE = "x-amz-customauthorizer-signature";

const secret = (text: string) => new Secret(text);
const token = (value: string, signature: string) =>
  ({ kind: "value", key: "x-token", value: secret(value), signature: secret(signature) }) as const;

function contextOf(profile: Partial<Profile>, protocol: Protocol, credentials: Credentials): DeviceContext {
  const context = buildContext(profileOf(profile), protocol, credentials, targetOf());
  if ("kind" in context) throw new Error(context.reason);
  return context;
}

/** Everything the device sends and everything the API is asked, secrets in the open. */
function shown({ wire, request, authorizer }: DeviceContext) {
  const open = (value: unknown): unknown => {
    if (value instanceof Secret) return value.exposeText();
    if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, open(each)]));
  };
  return open({ wire, request, authorizer }) as {
    wire: { path?: string; headers?: Record<string, string>; connect?: Record<string, string | null> };
    request: {
      token: string | null;
      tokenSignature: string | null;
      httpContext: { headers: Record<string, string> | null; queryString: string | null } | null;
      mqttContext: Record<string, string | null> | null;
    };
  };
}

function corrupted(kind: DerivedKind, credentials: Credentials): Credentials {
  const answer = corruptCredentials(kind, credentials);
  if (answer === null) throw new Error("nothing to corrupt");
  return answer;
}

const PLACES: readonly (readonly [Protocol, CredentialsIn])[] = [
  ["mqtt", "username"],
  ["wss", "headers"],
  ["wss", "query"],
  ["wss", "username"],
  ["https", "headers"],
  ["https", "query"],
];

/** Base64 with everything that has to be URL-encoded. */
const signatures = fc
  .uint8Array({ minLength: 16, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString("base64"));
const tokens = fc.stringMatching(/^[A-Za-z0-9._~-]{1,60}$/);
const passwords = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }).map((text) => secret(text)),
  fc.uint8Array({ minLength: 1 }).map((bytes) => new Secret(bytes)),
);

describe("a corrupted credential", () => {
  it.each(PLACES)(
    "%s, %s: differs on the wire and in the API request alike, and nothing else does",
    (...at) => {
      const [protocol, credentialsIn] = at;
      const profile = { credentialsIn, authorizer: "fleet", topic: "smoke/x" };
      fc.assert(
        fc.property(tokens, signatures, passwords, (value, signature, password) => {
          const username = protocol === "https" ? null : secret("device");
          const mqtt = protocol === "https" ? {} : { password };
          const right = credentialsOf({ username, ...mqtt, token: token(value, signature) });
          const before = shown(contextOf(profile, protocol, right));

          const badSignature = shown(contextOf(profile, protocol, corrupted("tampered-signature", right)));
          const other = badSignature.request.tokenSignature ?? "";
          expect(Buffer.from(other, "base64")).not.toEqual(Buffer.from(signature, "base64"));
          expect(replaced(badSignature, other, signature)).toEqual(replaced(before, signature, signature));

          const badToken = shown(contextOf(profile, protocol, corrupted("tampered-token", right)));
          expect(badToken.request.token).not.toBe(value);
          expect(badToken.request.tokenSignature).toBe(signature);
          expect(withoutToken(badToken)).toEqual(withoutToken(before));
          expect(wireToken(badToken)).toBe(badToken.request.token);
          expect(wireToken(before)).toBe(value);
        }),
      );
    },
  );

  it("is a password of the same length that is not the right one; all else is as it was", () => {
    fc.assert(
      fc.property(passwords, (password) => {
        const right = credentialsOf({ username: secret("device"), password, token: token("t", "c2ln") });
        const { password: wrong, ...rest } = corrupted("wrong-password", right);
        const { password: _, ...others } = right;
        expect(rest).toEqual(others);
        expect(wrong?.exposeBytes()).not.toEqual(password.exposeBytes());
        const length = (each = wrong) => {
          const bytes = each?.exposeBytes() ?? Buffer.alloc(0);
          return isUtf8(password.exposeBytes()) ? [...bytes.toString()].length : bytes.length;
        };
        expect(length(wrong)).toBe(length(password));
      }),
    );
  });

  it("of a raw user name is the one of the right name, whatever its case, and the rest stays byte for byte", () => {
    const raw = `dev ice?SDK=x&${NAME}=a%2Fb&X-Amz-CustomAuthorizer-Signature=%2BabC%3D&x-token=t0ken&y=%zz`;
    const right = credentialsOf({ username: secret(raw), password: secret("p") });
    const wireOf = (kind: DerivedKind) => corrupted(kind, right).username?.exposeText();
    expect(wireOf("tampered-signature")).toBe(raw.replace("%2BabC", "AabC"));
    expect(wireOf("tampered-token")).toBe(raw.replace("t0ken", "t0Aen"));
    expect(wireOf("no-authorizer")).toBe(raw.replace(`&${NAME}=a%2Fb`, ""));
    const { request } = contextOf({}, "mqtt", corrupted("tampered-token", right));
    expect(request.token?.exposeText()).toBe("t0Aen");
    expect(request.mqttContext?.username?.exposeText()).toBe(raw.replace("t0ken", "t0Aen"));
  });

  it("leaves no mark behind when the name was all there was", () => {
    const right = credentialsOf({ username: secret(`device?${NAME}=fleet`) });
    expect(corrupted("no-authorizer", right).username?.exposeText()).toBe("device");
  });

  it("is corrupted in headers and query string too, which go before the profile's token", () => {
    const right = credentialsOf({
      token: token("right", "c2ln"),
      headers: { [SIGNATURE.toUpperCase()]: secret("c2ln"), "X-Token": secret("right"), other: secret("o") },
      queryString: secret(`?a=1&${SIGNATURE}=c2ln&x-token=right&${NAME}=fleet`),
    });
    const signature = corrupted("tampered-signature", right);
    expect(signature.headers[SIGNATURE.toUpperCase()]?.exposeText()).toBe("A2ln");
    expect(signature.queryString?.exposeText()).toBe(`?a=1&${SIGNATURE}=A2ln&x-token=right&${NAME}=fleet`);
    const badToken = corrupted("tampered-token", right);
    expect(badToken.headers["X-Token"]?.exposeText()).toBe("riAht");
    expect(badToken.queryString?.exposeText()).toBe(`?a=1&${SIGNATURE}=c2ln&x-token=riAht&${NAME}=fleet`);
    expect(corrupted("no-authorizer", right).queryString?.exposeText()).toBe(
      `?a=1&${SIGNATURE}=c2ln&x-token=right`,
    );
  });

  it("keeps the signature of the right token where it is made here", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signingKey = secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const right = credentialsOf({
      token: { kind: "sign", key: "x-token", value: secret("right"), signingKey },
    });
    const { token: bad } = corrupted("tampered-token", right);
    if (bad?.kind !== "value") throw new Error("not a value");
    const signature = Buffer.from(bad.signature?.exposeText() ?? "", "base64");
    expect(bad.value.exposeText()).not.toBe("right");
    expect(verify("sha256", Buffer.from("right"), publicKey, signature)).toBe(true);
    const { token: unsigned } = corrupted("tampered-signature", right);
    if (unsigned?.kind !== "value") throw new Error("not a value");
    const tampered = Buffer.from(unsigned.signature?.exposeText() ?? "", "base64");
    expect(verify("sha256", Buffer.from("right"), publicKey, tampered)).toBe(false);
  });

  it("of a whole JSON Web Token is its own signature: who does not verify it does not notice", () => {
    const right = credentialsOf({ token: token("eyJh.eyJi.c2ln", "c2ln") });
    const { token: bad } = corrupted("tampered-token", right);
    expect(bad?.kind === "value" && bad.value.exposeText()).toBe("eyJh.eyJi.A2ln");
  });

  it.each([
    ["wrong-password", { password: null }],
    ["wrong-password", { password: secret("") }],
    ["tampered-signature", { token: { ...token("t", ""), signature: null } }],
    ["tampered-signature", { username: secret("device?x-token=t") }],
    ["tampered-token", { token: token("", "c2ln") }],
    ["tampered-token", { username: secret(`device?${NAME}=fleet`) }],
    ["tampered-token", { token: { kind: "jwt", key: "k", jwt: secret("no jwt") } }],
  ] as const)("is none where there is nothing to corrupt: %s, %j", (kind, credentials) => {
    expect(corruptCredentials(kind, credentialsOf(credentials))).toBeNull();
  });

  it.each(["no-sni", "foreign-client-id", "foreign-topic"] as const)("is none of %s", (kind) => {
    const right = credentialsOf({ username: secret(`d?${NAME}=a`), password: secret("p") });
    expect(corruptCredentials(kind, right)).toBe(right);
  });
});

/** The text of all of it with the signature, as written or encoded, made the right one. */
function replaced(all: unknown, from: string, to: string): string {
  const text = JSON.stringify(all);
  return text.replaceAll(from, to).replaceAll(encodeURIComponent(from), to);
}

/** Where the token stands as a header, or behind its key. */
function wireToken({ wire, request }: ReturnType<typeof shown>): string | undefined {
  const header = wire.headers?.["x-token"];
  const query = /[?&]x-token=([^&]*)/.exec(wire.connect?.username ?? wire.path ?? "")?.[1];
  const fromPath = /[?&]x-token=([^&]*)/.exec(wire.path ?? "")?.[1];
  // What the API is asked in its contexts is what the wire holds.
  const seen = request.httpContext?.headers?.["x-token"] ?? request.httpContext?.queryString ?? "";
  const found = header ?? query ?? fromPath;
  if (request.httpContext && found) {
    const told = `${seen}${request.mqttContext?.username ?? ""}`;
    expect(told).toContain(found);
  }
  return found === undefined ? undefined : decodeURIComponent(found);
}

function withoutToken(all: ReturnType<typeof shown>): string {
  const { token: _, ...request } = all.request;
  return JSON.stringify({ wire: all.wire, request })
    .replaceAll(/x-token=[^&"]*/g, "x-token")
    .replaceAll(/"x-token":"[^"]*"/g, "x-token");
}
