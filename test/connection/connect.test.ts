import { describe, expect, it } from "vitest";
import { connect } from "../../src/connection/connect.ts";
import { buildContext } from "../../src/context/build.ts";
import type { Check } from "../../src/model/check.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { ConnectionState } from "../../src/model/guard.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { ProbeInput } from "../../src/model/ports.ts";
import type { ConnectOptions, Profile } from "../../src/model/profile.ts";
import { ACCEPTED, checkOf, credentialsOf, REFUSED, targetOf } from "../support/fixtures.ts";

const TARGET = targetOf();
const TESTS = [{ action: "publish", topic: "smoke/a", expected: "allow" }] as const;
const CLEAN: ConnectOptions = {
  ...{ cleanSession: true, sessionExpirySeconds: 0, sessionStated: true },
  ...{ keepAliveSeconds: 60, will: { topic: "gone", payload: "", qos: 1 } },
};
const KEPT = { ...CLEAN, cleanSession: false };
const FOR_AN_HOUR = { ...KEPT, sessionExpirySeconds: 3600 };

function offline(session: "kept" | "none" | "unknown"): ConnectionState {
  return { kind: "offline", via: "GetConnection", session, evidence: "gone" };
}
const CONNECTED: ConnectionState = { kind: "connected", via: "GetConnection", evidence: "there" };
const UNKNOWN: ConnectionState = { kind: "unknown", reason: "not permitted" };

function live(profile: Partial<Profile> = {}, changes: Partial<Check> = {}): Check {
  return checkOf({ guardLifted: true, ...changes }, { identity: "device", connect: CLEAN, ...profile });
}

/** What was done, in its order, and how it ended. */
async function connectAs(check: Check, state: ConnectionState, outcome: Outcome = ACCEPTED) {
  const steps: string[] = [];
  const probed: ProbeInput[] = [];
  const ports = {
    pacer: {
      take: async () => {},
      throttled: (_target: unknown, operation: string) => void steps.push(`${operation} throttled`),
      connect: async (_target: unknown, clientId: string | null) => {
        steps.push(`turn of ${clientId}`);
        return () => void steps.push("turn over");
      },
    },
    connectionState: async (_target: unknown, clientId: string) => {
      steps.push(`state of ${clientId}`);
      return state;
    },
    probe: async (input: ProbeInput) => {
      steps.push("connect");
      probed.push(input);
      return outcome;
    },
  };
  const context = buildContext(check.profile, check.protocol, credentialsOf(), TARGET) as DeviceContext;
  const connected = await connect(check, context, TARGET, TESTS, ports, new AbortController().signal);
  return { ...connected, steps, probed };
}

describe("a device that is there for tests", () => {
  it("is connected as it is, asking nobody", async () => {
    const check = checkOf({}, { connect: CLEAN });
    const { steps, probed, guard } = await connectAs(check, CONNECTED);
    expect(steps).toEqual(["turn of pump-1", "connect", "turn over"]);
    expect(probed).toMatchObject([{ topics: TESTS, leaveIfSessionPresent: false }]);
    expect(probed[0]?.wire).toMatchObject({ connect: { will: CLEAN.will } });
    expect(guard).toBeNull();
  });
});

describe("a gateway that throttles", () => {
  const throttled: Outcome = {
    kind: "unreachable",
    cause: "GATEWAY_THROTTLED",
    code: 0x97,
    reason: "quota exceeded",
    tlsAlert: false,
    transport: (REFUSED as Extract<Outcome, { kind: "refused" }>).transport,
  };

  it.each([
    ["device that is there for tests", checkOf({}, { connect: CLEAN })],
    ["live device", live()],
  ])("slows the next connections down: %s", async (_, check) => {
    const { steps } = await connectAs(check, offline("none"), throttled);
    expect(steps.slice(-3)).toEqual(["connect", "Connect throttled", "turn over"]);
  });
});

describe("a live device", () => {
  it("is left alone", async () => {
    const { steps, outcome, guard } = await connectAs(live({}, { guardLifted: false }), offline("none"));
    expect(steps).toEqual([]);
    expect(outcome).toMatchObject({ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED" });
    expect(guard).toBeNull();
  });

  it.each<[string, Partial<Profile>]>([
    ["3.1.1", { connect: { ...CLEAN, sessionStated: false } }],
    ["5", { mqttVersion: 5, connect: { ...CLEAN, sessionStated: false } }],
  ])("that does not state its session is left alone, and not asked about, MQTT %s", async (_, profile) => {
    const { steps, outcome, guard } = await connectAs(live(profile), offline("none"));
    expect(steps).toEqual([]);
    expect(outcome).toMatchObject({
      ...{ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED" },
      reason: expect.stringContaining("connect.cleanSession"),
    });
    expect(guard).toEqual({
      state: { kind: "unknown", reason: "not asked" },
      connected: false,
      sessionPresent: null,
    });
  });

  it("is never published as over HTTPS", async () => {
    const check = live({ protocols: ["https"], topic: "smoke/a" });
    const { steps, outcome } = await connectAs(check, offline("none"));
    expect(steps).toEqual([]);
    expect(outcome).toMatchObject({ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED" });
  });

  it.each([
    [CONNECTED, "CLIENT_ID_IN_USE", "there"],
    [UNKNOWN, "DEVICE_IDENTITY_GUARDED", "not known whether the device is connected: not permitted"],
  ] as const)("in state %j is left alone", async (state, cause, reason) => {
    const { steps, outcome, guard } = await connectAs(live(), state);
    expect(steps).toEqual(["turn of pump-1", "state of pump-1", "turn over"]);
    expect(outcome).toEqual({ kind: "skipped", cause, reason });
    expect(guard).toEqual({ state, connected: false, sessionPresent: null });
  });

  it("that is offline is asked about right before its connection, and connected without will or topics", async () => {
    const { steps, probed, outcome, guard } = await connectAs(live(), offline("none"));
    expect(steps).toEqual(["turn of pump-1", "state of pump-1", "connect", "turn over"]);
    expect(probed).toMatchObject([
      { topics: [], leaveIfSessionPresent: true, wire: { connect: { will: null, cleanSession: true } } },
    ]);
    expect(outcome).toBe(ACCEPTED);
    expect(guard).toEqual({ state: offline("none"), connected: true, sessionPresent: false });
  });

  it("tells whether its session was there", async () => {
    const { guard } = await connectAs(live({ connect: KEPT }), offline("kept"), {
      ...ACCEPTED,
      sessionPresent: true,
    });
    expect(guard).toMatchObject({ connected: true, sessionPresent: true });
    const refused = await connectAs(live({ connect: KEPT }), offline("kept"), REFUSED);
    expect(refused.guard).toMatchObject({ connected: true, sessionPresent: null });
  });

  it.each<[string, Partial<Profile>, "kept" | "none" | "unknown", boolean]>([
    ["3.1.1 that keeps no session", { connect: CLEAN }, "none", true],
    ["3.1.1 that keeps no session", { connect: CLEAN }, "unknown", true],
    ["3.1.1 that keeps no session", { connect: CLEAN }, "kept", false],
    ["3.1.1 that keeps its session", { connect: KEPT }, "kept", true],
    ["3.1.1 that keeps its session", { connect: KEPT }, "none", false],
    ["3.1.1 that keeps its session", { connect: KEPT }, "unknown", false],
    ["5 that keeps no session", { mqttVersion: 5, connect: CLEAN }, "none", true],
    ["5 that keeps no session", { mqttVersion: 5, connect: CLEAN }, "kept", false],
    ["5 that resumes and keeps nothing", { mqttVersion: 5, connect: KEPT }, "none", true],
    ["5 that resumes and keeps nothing", { mqttVersion: 5, connect: KEPT }, "kept", false],
    ["5 that keeps its session", { mqttVersion: 5, connect: FOR_AN_HOUR }, "kept", true],
    ["5 that keeps its session", { mqttVersion: 5, connect: FOR_AN_HOUR }, "unknown", false],
    [
      "5 that starts clean and keeps its session",
      { mqttVersion: 5, connect: { ...FOR_AN_HOUR, cleanSession: true } },
      "kept",
      false,
    ],
    [
      "5 that starts clean and keeps its session",
      { mqttVersion: 5, connect: { ...FOR_AN_HOUR, cleanSession: true } },
      "none",
      false,
    ],
  ])("of MQTT %s, %j, with AWS saying %s: connected %j", async (_, profile, session, isConnected) => {
    const { steps, outcome, guard } = await connectAs(live(profile), offline(session));
    expect(steps.includes("connect")).toBe(isConnected);
    expect(guard).toMatchObject({ connected: isConnected });
    if (!isConnected) expect(outcome).toMatchObject({ kind: "skipped", cause: "DEVICE_IDENTITY_GUARDED" });
  });
});
