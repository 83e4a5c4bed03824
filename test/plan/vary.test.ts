import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { Check } from "../../src/model/check.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import type { Credentials, Profile } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import { variationsOf } from "../../src/plan/vary.ts";
import {
  ACCEPTED,
  BROKEN,
  CLOSED,
  checkOf,
  credentialsOf,
  GUARDED,
  profileOf,
  REFUSED,
  TRANSPORT,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";

interface Given {
  readonly profile?: Partial<Profile>;
  readonly check?: Partial<Check>;
  readonly credentials?: Partial<Credentials>;
  readonly outcome?: Outcome;
}

function variations({ profile = {}, check = {}, credentials = {}, outcome = REFUSED }: Given) {
  const whole = checkOf(check, profile);
  const context = buildContext(whole.profile, whole.protocol, credentialsOf(credentials), targetOf());
  if ("kind" in context) throw new Error(context.reason);
  return variationsOf({ check: whole, context, outcome, target: targetOf() });
}

const { tls, connect } = profileOf();
const NO_ALPN: Given = { profile: { tls: { ...tls, alpn: [] } } };
const raw = (signature: string): Given => ({
  credentials: { username: new Secret(`u?x-amz-customauthorizer-signature=${signature}`) },
});

const TLS_DONE = { version: "TLSv1.3", cipher: "c", alpn: "mqtt" };

function cutIn(phasesMs: Transport["phasesMs"], tlsDone: Transport["tls"]): Outcome {
  const transport = { ...TRANSPORT, phasesMs, tls: tlsDone };
  const reason = "the connection was closed";
  return { kind: "unreachable", cause: "GATEWAY_RESET", code: null, reason, transport, tlsAlert: false };
}

describe("what is tried again", () => {
  it.each([
    ["nothing of a device that does all as it should", {}, []],
    ["ALPN that is missing", NO_ALPN, ["alpn-mqtt"]],
    ["ALPN that is another", { profile: { tls: { ...tls, alpn: ["x-amzn-mqtt-ca"] } } }, ["alpn-mqtt"]],
    ["no ALPN of wss", { ...NO_ALPN, check: { protocol: "wss" } }, []],
    [
      "a client certificate",
      { credentials: { clientCertificate: { cert: new Secret("c"), key: new Secret("k") } } },
      ["no-client-certificate"],
    ],
    ["a signature that is not encoded", raw("a+b/cd=="), ["signature-encoding"]],
    ["a signature that is encoded twice", raw("a%252Bbcd"), ["signature-encoding"]],
    ["no signature that is encoded once", raw("a%2Bbcd%3D"), []],
    [
      "a signature in a query string",
      {
        check: { protocol: "wss" },
        credentials: { queryString: new Secret("x-amz-customauthorizer-signature=a+b") },
      },
      ["signature-encoding"],
    ],
    [
      "another server name",
      { profile: { tls: { ...tls, serverName: "other.example" } } },
      ["endpoint-server-name"],
    ],
    ["no server name", { profile: { tls: { ...tls, serverName: "" } } }, ["endpoint-server-name"]],
    [
      "a lasting session",
      { profile: { connect: { ...connect, cleanSession: false } } },
      ["clean-session-no-will"],
    ],
    [
      "a lasting session of MQTT 5",
      { profile: { mqttVersion: 5, connect: { ...connect, sessionExpirySeconds: 1 } } },
      ["clean-session-no-will"],
    ],
    [
      "several things, one after the other",
      {
        profile: { tls: { ...tls, alpn: [], serverName: "o" }, connect: { ...connect, cleanSession: false } },
      },
      ["alpn-mqtt", "endpoint-server-name", "clean-session-no-will"],
    ],
  ] as const)("%s", (_, given, expected) => {
    expect(variations(given)).toEqual(expected);
  });

  it.each([
    ["refused by a code", REFUSED, true],
    ["hung up on", CLOSED, true],
    ["answered with a TLS alert", unreachable("TLS_FAILED", true), true],
    ["cut off in the TLS handshake", cutIn({ tcp: 1, tls: 1 }, null), true],
    ["cut off before it", cutIn({ tcp: 1 }, null), false],
    ["cut off after it", cutIn({ tcp: 1, tls: 1, connack: 1 }, TLS_DONE), false],
    ["accepted", ACCEPTED, false],
    ["not reached", unreachable("TCP_REFUSED"), false],
    ["answered with garbage", BROKEN, false],
    ["guarded", GUARDED, false],
  ])("only where the device was kept out: %s", (_, outcome, isTried) => {
    expect(variations({ ...NO_ALPN, outcome }).length > 0).toBe(isTried);
  });

  it.each([
    ["with a will", { profile: { ...NO_ALPN.profile, connect: { ...connect, will: WILL() } } }],
    ["that may be live", { profile: { ...NO_ALPN.profile, identity: "device" } }],
    ["that has to stay out", { ...NO_ALPN, check: { expectation: "deny" } }],
    ["that was corrupted", { ...NO_ALPN, check: { derived: "no-sni" } }],
  ] as const)("nothing of a device %s", (_, given) => {
    expect(variations(given)).toEqual([]);
  });
});

function WILL() {
  return { topic: "t", payload: "", qos: 0 } as const;
}
