import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import { DERIVED_KINDS } from "../../src/model/check.ts";
import type { Examined } from "../../src/model/facts.ts";
import type { Preflight } from "../../src/model/preflight.ts";
import type { Credentials, Profile, Protocol } from "../../src/model/profile.ts";
import type { Decoy } from "../../src/model/second-wave.ts";
import { Secret } from "../../src/model/secret.ts";
import { deriveChecks, mayDerive } from "../../src/plan/derive.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  credentialsOf,
  NOTHING_MORE,
  predicted,
  preflightOf,
  profileOf,
  REFUSED,
  targetOf,
} from "../support/fixtures.ts";

const secret = (text: string) => new Secret(text);
const PASSED = { kind: "pass", causes: [] } as const;

interface Given {
  readonly profile?: Partial<Profile>;
  readonly protocol?: Protocol;
  readonly credentials?: Partial<Credentials>;
  readonly preflight?: Partial<Preflight>;
}

function examined({
  profile = {},
  protocol = "mqtt",
  credentials = {},
  preflight = {},
}: Given = {}): Examined {
  const check = checkOf({ protocol }, profile);
  const context = buildContext(check.profile, protocol, credentialsOf(credentials), targetOf());
  if ("kind" in context) throw new Error(context.reason);
  return {
    facts: {
      check,
      target: targetOf(),
      context,
      invocation: answered("allowed"),
      prediction: predicted("allow"),
      outcome: ACCEPTED,
      ...NOTHING_MORE,
      preflight: preflightOf(preflight),
      nowMs: 0,
    },
    startedAtMs: 0,
    endedAtMs: 0,
  };
}

const DECOY: Decoy = { id: "decoy", target: "here", clientId: "decoy", topics: ["smoke/decoy"] };

function derived(given: Given = {}, input: { noDefault?: boolean; decoy?: Decoy | null } = {}) {
  const { facts } = examined(given);
  const { noDefault = false, decoy = null } = input;
  return deriveChecks({ facts, noDefaultAuthorizer: noDefault, decoy, kinds: DERIVED_KINDS });
}

const kinds = (...given: Parameters<typeof derived>) => derived(...given).map(({ derived: kind }) => kind);

const TOKEN = { kind: "value", key: "x-token", value: secret("t"), signature: secret("c2ln") } as const;
const WITH_PASSWORD: Given = { credentials: { username: secret("u"), password: secret("p") } };
const WITH_TOKEN: Given = { profile: { authorizer: "fleet", token: TOKEN }, credentials: { token: TOKEN } };
const RAW: Given = {
  credentials: {
    username: secret("u?x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=c2ln&x-token=t"),
  },
};

function described(signing: boolean, tokenKeyName: string | null): Given["preflight"] {
  const authorizer = { name: "fleet", active: true, signing, tokenKeyName, publicKeys: {} };
  return { authorizer: { kind: "known", value: authorizer } };
}

describe("what is derived", () => {
  it.each([
    ["a password", WITH_PASSWORD, {}, ["wrong-password", "no-sni"]],
    [
      "a signed token",
      { ...WITH_TOKEN, preflight: described(true, "x-token") },
      {},
      ["tampered-signature", "tampered-token", "no-sni"],
    ],
    ["a signature, and it is not known whether signing is on", WITH_TOKEN, {}, ["tampered-token", "no-sni"]],
    [
      "a signature that nobody looks at",
      { ...WITH_TOKEN, preflight: described(false, "x-token") },
      {},
      ["tampered-token", "no-sni"],
    ],
    [
      "a token under a key that the authorizer does not read",
      { ...WITH_TOKEN, preflight: described(true, "other") },
      {},
      ["tampered-signature", "no-sni"],
    ],
    ["a raw user name, its token's key unknown", RAW, {}, ["no-sni"]],
    [
      "a raw user name, its token's key known",
      { ...RAW, preflight: described(true, "x-token") },
      {},
      ["tampered-signature", "tampered-token", "no-sni"],
    ],
    [
      "a named authorizer and no default",
      { profile: { authorizer: "fleet" } },
      { noDefault: true },
      ["no-authorizer", "no-sni"],
    ],
    ["no named authorizer", {}, { noDefault: true }, ["no-sni"]],
    [
      "a client certificate that may open another way in",
      {
        profile: { authorizer: "fleet" },
        credentials: { clientCertificate: { cert: secret("c"), key: secret("k") } },
      },
      { noDefault: true },
      ["no-sni"],
    ],
    ["no SNI already", { profile: { tls: { ...profileOf().tls, serverName: "" } } }, {}, []],
    ["wss, where the Host header may do", { ...WITH_PASSWORD, protocol: "wss" }, {}, ["wrong-password"]],
    [
      "https",
      {
        ...WITH_TOKEN,
        profile: { ...WITH_TOKEN.profile, topic: "t" },
        protocol: "https",
        preflight: described(true, "x-token"),
      },
      { decoy: DECOY },
      ["tampered-signature", "tampered-token"],
    ],
    ["a decoy", {}, { decoy: DECOY }, ["no-sni", "foreign-client-id", "foreign-topic"]],
    ["a decoy without topics", {}, { decoy: { ...DECOY, topics: [] } }, ["no-sni", "foreign-client-id"]],
    [
      "a decoy that only speaks https",
      {},
      { decoy: { ...DECOY, clientId: null } },
      ["no-sni", "foreign-topic"],
    ],
    [
      "a decoy whose topic is its own too",
      { profile: { topic: "smoke/decoy" } },
      { decoy: DECOY },
      ["no-sni", "foreign-client-id"],
    ],
  ] as const)("from %s", (_, given, input, expected) => {
    expect(kinds(given, input)).toEqual(expected);
  });

  it("is nothing that the suite left out", () => {
    const { facts } = examined(WITH_PASSWORD);
    const input = { facts, noDefaultAuthorizer: false, decoy: null };
    expect(deriveChecks({ ...input, kinds: ["no-sni"] }).map(({ derived: kind }) => kind)).toEqual([
      "no-sni",
    ]);
  });

  it("must be denied, and expects nothing else of a device that should get in", () => {
    const topics = { allow: ["a"], deny: ["b"] };
    const expectation = {
      ...profileOf().expect,
      publish: topics,
      receive: topics,
      principalId: "p",
      preset: "shadow",
    } as const;
    const all = derived(
      { ...WITH_PASSWORD, profile: { authorizer: "fleet", expect: expectation } },
      { noDefault: true, decoy: DECOY },
    );
    expect(all.length).toBe(5);
    for (const { expectation: access, profile, guardLifted, derived: kind } of all) {
      const { access: written, publish, subscribe, receive, principalId, preset } = profile.expect;
      expect([access, written, guardLifted, principalId, preset]).toEqual([
        "deny",
        "deny",
        false,
        null,
        null,
      ]);
      expect([publish, receive]).toEqual([NONE, NONE]);
      expect(subscribe).toEqual(kind === "foreign-topic" ? { allow: [], deny: ["smoke/decoy"] } : NONE);
    }
  });

  it("changes the profile in one place", () => {
    const { profile: original } = examined(WITH_PASSWORD).facts.check;
    const all = derived(
      { ...WITH_PASSWORD, profile: { authorizer: "fleet" } },
      { noDefault: true, decoy: DECOY },
    );
    const changed = all.map(({ profile, derived: kind }) => {
      const differing = (Object.keys(original) as (keyof Profile)[]).filter(
        (key) =>
          key !== "expect" &&
          JSON.stringify(profile[key]) !== JSON.stringify({ ...original, authorizer: "fleet" }[key]),
      );
      return [kind, differing];
    });
    expect(changed).toEqual([
      ["wrong-password", []],
      ["no-authorizer", ["authorizer"]],
      ["no-sni", ["tls"]],
      ["foreign-client-id", ["clientId"]],
      ["foreign-topic", []],
    ]);
  });
});

const NONE = { allow: [], deny: [] };

describe("a check to derive from", () => {
  it("got in and passed, as a device that nobody else is", () => {
    expect(mayDerive(examined(), PASSED)).toBe(true);
  });

  const { connect } = profileOf();
  it.each([
    ["failed", examined(), { kind: "fail", causes: [] }],
    ["was refused", refused(), PASSED],
    ["may be a live device", examined({ profile: { identity: "device" } }), PASSED],
    ["has to stay out", examined({ profile: { expect: { ...profileOf().expect, access: "deny" } } }), PASSED],
    [
      "has a will",
      examined({ profile: { connect: { ...connect, will: { topic: "t", payload: "", qos: 0 } } } }),
      PASSED,
    ],
    ["keeps its session", examined({ profile: { connect: { ...connect, cleanSession: false } } }), PASSED],
    [
      "keeps its session for a while",
      examined({ profile: { mqttVersion: 5, connect: { ...connect, sessionExpirySeconds: 1 } } }),
      PASSED,
    ],
  ] as const)("is none that %s", (_, one, verdict) => {
    expect(mayDerive(one, verdict)).toBe(false);
  });

  it("keeps no session over https, whatever its profile says of MQTT", () => {
    const profile = { topic: "t", connect: { ...connect, cleanSession: false } };
    expect(mayDerive(examined({ profile, protocol: "https" }), PASSED)).toBe(true);
  });
});

function refused(): Examined {
  const one = examined();
  return { ...one, facts: { ...one.facts, outcome: REFUSED } };
}
