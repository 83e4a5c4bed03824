import { describe, expect, it } from "vitest";
import type { Check } from "../../src/model/check.ts";
import type { ConnectionState } from "../../src/model/guard.ts";
import type { Profile } from "../../src/model/profile.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { lookForOthers, type SamplePorts } from "../../src/run/sample.ts";
import { checkOf, targetOf } from "../support/fixtures.ts";

const OFFLINE: ConnectionState = { kind: "offline", via: "GetConnection", session: "none", evidence: "gone" };
const CONNECTED: ConnectionState = {
  kind: "connected",
  via: "GetConnection",
  evidence: "GetConnection: there",
};
const UNKNOWN: ConnectionState = { kind: "unknown", reason: "not permitted" };

async function* fleet(count: number, changes: Partial<Profile> = {}): AsyncGenerator<Check> {
  for (let seq = 0; seq < count; seq++) yield checkOf({ seq }, { clientId: `pump-${seq}`, ...changes });
}

async function look(
  checks: AsyncIterable<Check>,
  stateOf: (clientId: string) => ConnectionState | Promise<ConnectionState>,
  changes: Partial<SamplePorts> = {},
) {
  const asked: string[] = [];
  const report = await lookForOthers(
    checks,
    {
      resolve: async (name) => targetOf({ name }),
      connectionState: async ({ name }, clientId) => {
        asked.push(`${name} ${clientId}`);
        return stateOf(clientId);
      },
      isConnecting: () => false,
      random: Math.random,
      ...changes,
    },
    new AbortController().signal,
  );
  return { ...report, asked };
}

describe("before a run", () => {
  it("a few of the dedicated client ids of each target are looked up, by chance", async () => {
    const { notes, remarks, asked } = await look(fleet(1000), () => OFFLINE);
    expect({ notes, remarks }).toEqual({ notes: [], remarks: [] });
    expect(new Set(asked).size).toBe(10);
    const again = await look(fleet(1000), () => OFFLINE);
    expect(again.asked).not.toEqual(asked);

    async function* two(): AsyncGenerator<Check> {
      yield* fleet(20);
      yield* fleet(3, { target: "there" });
    }
    const { asked: both } = await look(two(), () => OFFLINE);
    expect(both.filter((each) => each.startsWith("there "))).toHaveLength(3);
    expect(both).toHaveLength(13);
  });

  it("nobody is looked up who is no dedicated MQTT client", async () => {
    async function* others(): AsyncGenerator<Check> {
      yield* fleet(3, { identity: "device" });
      yield* fleet(3, { protocols: ["https"] });
      yield* fleet(1, { clientId: "" });
      yield* fleet(1, { clientId: null });
    }
    expect((await look(others(), () => CONNECTED)).asked).toEqual([]);
  });

  it("a client id is asked about once, over however many protocols it is used", async () => {
    async function* twice(): AsyncGenerator<Check> {
      yield* fleet(1);
      yield* fleet(1, { protocols: ["wss"] });
    }
    expect((await look(twice(), () => OFFLINE)).asked).toEqual(["here pump-0"]);
  });

  it("one that somebody is connected with is a note that names it", async () => {
    const { notes, remarks } = await look(fleet(5), (id) => (id === "pump-3" ? CONNECTED : OFFLINE));
    expect(remarks).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(/^CLIENT_ID_IN_USE: .*"pump-3" on target here.*GetConnection: there/),
    ]);
  });

  it("what AWS does not say is a remark, after one question", async () => {
    const { notes, remarks, asked } = await look(fleet(5), () => UNKNOWN);
    expect(asked).toHaveLength(1);
    expect(notes).toEqual([]);
    expect(remarks).toEqual([
      "target here: whether somebody else uses its dedicated client ids is not checked: not permitted",
    ]);
  });

  it("what it does not say of some is told too", async () => {
    let questions = 0;
    const { remarks, asked } = await look(fleet(5), () => (++questions > 3 ? UNKNOWN : OFFLINE));
    expect(asked).toHaveLength(5);
    expect(remarks).toEqual([expect.stringContaining("uses 2 of 5 dedicated client ids is not checked")]);
  });

  it("a target without an endpoint is left to the checks", async () => {
    const { notes, remarks, asked } = await look(fleet(5), () => CONNECTED, { resolve: async () => null });
    expect({ notes, remarks, asked }).toEqual({ notes: [], remarks: [], asked: [] });
  });

  it("a question that fails is no answer", async () => {
    const { remarks } = await look(fleet(1), () => Promise.reject(new Error("broken")));
    expect(remarks).toEqual([expect.stringMatching(/broken$/)]);
  });

  it("a stop ends it", async () => {
    const stop = new AbortController();
    const asking = lookForOthers(
      fleet(5),
      {
        resolve: async (name) => targetOf({ name }),
        connectionState: async (_target, _id, signal) => {
          stop.abort(new Error("stopped"));
          signal.throwIfAborted();
          return OFFLINE;
        },
        isConnecting: () => false,
        random: Math.random,
      },
      stop.signal,
    );
    await expect(asking).rejects.toThrow("stopped");
  });
});

describe("connections of another run of this process", () => {
  it("are nobody else's, while they last and shortly after", async () => {
    const pacer = createPacer({});
    const target = targetOf();
    const never = new AbortController().signal;
    const { isConnecting } = pacer;
    const end = await pacer.connect(target, "pump-0", never);
    expect((await look(fleet(1), () => CONNECTED, { isConnecting })).notes).toEqual([]);
    end();
    expect((await look(fleet(1), () => CONNECTED, { isConnecting })).notes).toEqual([]);
    expect(pacer.isConnecting(target, "pump-1")).toBe(false);
    expect(pacer.isConnecting(targetOf({ region: "eu-west-2" }), "pump-0")).toBe(false);
  });

  it("count as such too when they began while AWS was asked", async () => {
    const pacer = createPacer({});
    const never = new AbortController().signal;
    const begin = async () => {
      await pacer.connect(targetOf(), "pump-0", never);
      return CONNECTED;
    };
    expect((await look(fleet(1), begin, { isConnecting: pacer.isConnecting })).notes).toEqual([]);
  });
});
