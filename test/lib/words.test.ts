import { describe, expect, it } from "vitest";
import { authorizerWord, judgedCheck, realm, toRecord } from "../../src/lib/words.ts";
import { Secret } from "../../src/model/secret.ts";
import { answered, checkOf, errored, GUARDED, predicted, TRANSPORT, targetOf } from "../support/fixtures.ts";
import { acceptedOver, judged, resultOf } from "../support/results.ts";

describe("authorizerWord", () => {
  it("counts a device that no authorizer would be asked for as denied", () => {
    expect(authorizerWord({ kind: "no-authorizer", evidence: "none" })).toBe("denied");
  });

  it("names every other answer as it is", () => {
    const skipped = { kind: "skipped", why: "not-selected" } as const;
    const words = [answered("allowed"), answered("denied"), errored("caller"), skipped].map(authorizerWord);
    expect(words).toEqual(["allowed", "denied", "errored", "skipped"]);
  });
});

describe("realm", () => {
  it("is aws only where nothing is overridden", () => {
    expect(realm(targetOf())).toBe("aws");
    expect(realm(targetOf({ address: "127.0.0.1" }))).toBe("custom");
    expect(realm(targetOf({ controlPlaneEndpoint: "http://127.0.0.1:1" }))).toBe("custom");
  });
});

describe("toRecord", () => {
  it("leaves out times that our own event loop may have spoilt, and names them", () => {
    const allowed = { ...answered("allowed"), delayMs: 3000 };
    const late = resultOf({ invocation: allowed, outcome: acceptedOver({ delayMs: 3000 }) });
    const discarded = ["invoke", "gateway"];
    expect(toRecord(late).timings).toEqual({ invokeSeconds: null, phases: {}, discarded });
    expect(judgedCheck(late).connectionSeconds).toBeNull();
    const call = toRecord(resultOf({ invocation: allowed })).timings;
    expect(call).toMatchObject({ invokeSeconds: null, phases: { connack: 0.005 }, discarded: ["invoke"] });
  });

  it("gives the fields of a pass, times in seconds", () => {
    expect(toRecord(resultOf())).toEqual({
      seq: 0,
      device: "pump-1",
      cohort: "pumps",
      target: "here",
      protocol: "mqtt",
      mqttVersion: 4,
      location: "local",
      derived: null,
      expectation: "allow",
      authorizer: "allowed",
      authorizerName: "fleet",
      authorizerError: null,
      principalId: "pump1",
      policyHash: null,
      refreshAfterSeconds: 300,
      disconnectAfterSeconds: 86_400,
      prediction: "allow",
      gateway: "accepted",
      gatewayHow: null,
      gatewayCode: 0,
      gatewayReason: null,
      verdict: "pass",
      causes: [],
      topics: [],
      secondAttempts: [],
      guard: null,
      tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", address: "127.0.0.1" },
      certificateExpiresAt: null,
      timings: { invokeSeconds: 0.02, phases: { dns: 0, tcp: 0.001, tls: 0.004, connack: 0.005 } },
    });
  });

  it("says how a gateway refused, and with which code", () => {
    const record = toRecord(
      resultOf({
        outcome: { kind: "refused", how: "status", code: 403, reason: "no", transport: TRANSPORT },
      }),
    );
    expect(record).toMatchObject({
      gateway: "refused",
      gatewayHow: "status",
      gatewayCode: 403,
      gatewayReason: "no",
    });
  });

  it("says what is expected of a topic, what is predicted and what the gateway did", () => {
    const test = { action: "publish", topic: "smoke/1", expected: "allow" } as const;
    const proof = { test, predicted: predicted("deny"), gateway: "denied", evidence: "PUBACK 0x87" } as const;
    expect(toRecord(resultOf({ topics: [proof] })).topics).toEqual([
      {
        action: "publish",
        topic: "smoke/1",
        expected: "allow",
        predicted: "deny",
        gateway: "denied",
        evidence: "PUBACK 0x87",
      },
    ]);
  });

  it("says what was done about a live device's client id", () => {
    const rest = { connected: false, sessionPresent: null };
    const offline = { kind: "offline", via: "GetConnection", session: "none", evidence: "gone" } as const;
    const records = [offline, { kind: "unknown", reason: "not permitted" } as const].map((state) =>
      toRecord(resultOf({ guard: { state, ...rest } })),
    );
    expect(records.map(({ guard }) => guard)).toEqual([
      { state: "offline", via: "GetConnection", evidence: "gone", ...rest },
      { state: "unknown", via: null, evidence: "not permitted", ...rest },
    ]);
  });

  it("has no MQTT version for HTTPS", () => {
    expect(toRecord(resultOf({ check: checkOf({ protocol: "https" }) })).mqttVersion).toBeNull();
  });

  it("has no connection where none was made", () => {
    const record = toRecord(
      resultOf({
        invocation: { kind: "skipped", why: "client-certificate" },
        outcome: GUARDED,
        verdict: judged("skipped", "DEVICE_IDENTITY_GUARDED"),
      }),
    );
    expect(record).toMatchObject({
      authorizer: "skipped",
      authorizerName: null,
      gateway: "skipped",
      gatewayCode: null,
      gatewayReason: "a live device may be connected",
      tls: null,
      timings: { invokeSeconds: null, phases: {} },
    });
  });

  it("keeps why the authorizer could not be asked, without its answer", () => {
    const record = toRecord(resultOf({ invocation: errored("throttled", "API_THROTTLED") }));
    expect(record.authorizerError).toEqual({ why: "throttled", code: "SomeException", message: "no" });
    expect(record.principalId).toBeNull();
  });

  it("survives a connection that got no further than its address", () => {
    const record = toRecord(
      resultOf({ outcome: acceptedOver({ address: null, tls: null, phasesMs: { dns: 3 } }) }),
    );
    expect(record).toMatchObject({ tls: null, timings: { phases: { dns: 0.003 } } });
  });

  it.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [8.64e15 + 1, null],
    [Number.NaN, null],
  ])("writes a certificate's end %s as %s", (certificateExpiresAtMs, text) => {
    expect(
      toRecord(resultOf({ outcome: acceptedOver({ certificateExpiresAtMs }) })).certificateExpiresAt,
    ).toBe(text);
  });

  it("holds nothing of the profile's credentials, not even hidden ones", () => {
    const planted = new Secret("planted-password");
    const record = toRecord(
      resultOf({ check: checkOf({}, { password: planted, username: planted, queryString: planted }) }),
    );
    expect(JSON.stringify(record)).not.toMatch(/planted|<secret>/);
  });
});
