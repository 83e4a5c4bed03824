import { describe, expect, it } from "vitest";
import type { Profile } from "../../src/model/profile.ts";
import { findDecoys } from "../../src/plan/decoys.ts";
import { profileOf } from "../support/fixtures.ts";

async function* stream(profiles: readonly Profile[]): AsyncGenerator<Profile> {
  yield* profiles;
}

function find(ids: readonly string[], ...profiles: Partial<Profile>[]) {
  const all = profiles.map((each) => profileOf({ clientId: each.id ?? null, topic: "t", ...each }));
  return findDecoys(ids, () => stream(all));
}

const { expect: expectation } = profileOf();

describe("decoys", () => {
  it("lend their client id and topics, those they receive first", async () => {
    const topics = (...allow: string[]) => ({ allow, deny: ["no"] });
    const stated = { ...expectation, publish: topics("p"), subscribe: topics("s"), receive: topics("r") };
    const { decoys, refused } = await find(["b", "a"], { id: "a" }, { id: "x" }, { id: "b", expect: stated });
    expect(decoys).toEqual([
      { id: "b", target: "here", clientId: "b", topics: ["r", "s", "p"] },
      { id: "a", target: "here", clientId: "a", topics: ["t"] },
    ]);
    expect(refused).toEqual([]);
  });

  it.each([
    ["is not in the sources", [{ id: "x" }], /no valid profile/],
    ["may be a live device", [{ id: "a", identity: "device" }], /dedicated/],
    ["shares its client id", [{ id: "a" }, { id: "x", clientId: "a" }], /also that of "x"/],
    ["shares it with an earlier one", [{ id: "x", clientId: "a" }, { id: "a" }], /also that of "x"/],
    ["has nothing to lend", [{ id: "a", clientId: null, topic: null }], /neither/],
  ] as const)("that %s are refused", async (_, profiles, reason) => {
    const { decoys, refused } = await find(["a"], ...profiles);
    expect(decoys).toEqual([]);
    expect(refused).toEqual([{ id: "a", reason: expect.stringMatching(reason) }]);
  });

  it("may have the client id of a device on another target", async () => {
    const { decoys } = await find(["a"], { id: "a" }, { id: "x", clientId: "a", target: "there" });
    expect(decoys).toHaveLength(1);
  });

  it("that are named twice are one; where none is named nothing is read", async () => {
    expect((await find(["a", "a"], { id: "a" })).decoys).toHaveLength(1);
    const never = () => {
      throw new Error("read");
    };
    expect(await findDecoys([], never)).toEqual({ decoys: [], refused: [] });
  });
});
