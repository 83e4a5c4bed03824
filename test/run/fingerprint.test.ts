import { describe, expect, it } from "vitest";
import type { Check } from "../../src/model/check.ts";
import type { Fingerprint, TargetFingerprint } from "../../src/model/fingerprint.ts";
import { type BindingPorts, createBindings, UsedParts, type UsedTarget } from "../../src/run/fingerprint.ts";
import { answered, checkOf } from "../support/fixtures.ts";
import { runOf } from "./run-parts.ts";

const NEVER = new AbortController().signal;

function targetPrint({ target, authorizers }: UsedTarget): TargetFingerprint {
  return {
    target,
    realm: "aws",
    region: "eu-west-1",
    accountId: "123456789012",
    callerAccountId: { kind: "known", value: "123456789012" },
    endpoint: "a1",
    endpointIsOurs: { kind: "known", value: true },
    authorizers: authorizers.map((name) => ({ name, state: { kind: "known", value: "v1" } })),
  };
}

function bindings(changes: Partial<BindingPorts> = {}) {
  return createBindings({
    configChecksum: "c",
    fleetChecksum: async () => "f",
    look: async (used) => targetPrint(used),
    contradiction: () => null,
    ...changes,
  });
}

async function* withFirmware(...labels: readonly (string | null)[]): AsyncGenerator<Check> {
  for (const [seq, firmware] of labels.entries()) {
    yield checkOf({ seq }, { id: `d${seq}`, labels: firmware === null ? {} : { firmware } });
  }
}

describe("what a run used", () => {
  it("is each target with the authorizers met there, and the firmware labels, each once and in order", async () => {
    const parts = new UsedParts();
    for await (const _ of parts.watch(withFirmware("4.2.0", null, "4.1.0", "4.2.0"))) void _;
    for (const authorizerName of ["b", "a", null, "b"]) parts.note({ target: "eu", authorizerName });
    parts.note({ target: "us", authorizerName: null });
    expect(parts.used("f")).toEqual({
      fleetChecksum: "f",
      firmware: ["4.1.0", "4.2.0"],
      targets: [
        { target: "eu", authorizers: ["a", "b"] },
        { target: "us", authorizers: [] },
      ],
    });
    expect(parts.isCapped).toBe(false);
  });

  it("stays small in a fleet where each device has its own, whichever comes first", async () => {
    const labels = Array.from({ length: 100 }, (_, index) => `v${String(index).padStart(3, "0")}`);
    const found = await Promise.all(
      [labels, labels.toReversed()].map(async (each) => {
        const parts = new UsedParts();
        for await (const { seq } of parts.watch(withFirmware(...each))) {
          parts.note({ target: "eu", authorizerName: `authorizer-${seq}` });
        }
        expect(parts.isCapped).toBe(true);
        expect(parts.used("f").targets[0]?.authorizers).toHaveLength(20);
        return parts.used("f").firmware;
      }),
    );
    expect(found).toEqual([labels.slice(0, 20), labels.slice(0, 20)]);
  });
});

describe("a run's end", () => {
  it("binds the decision to what was used, which is part of what it tells", async () => {
    const { bind } = bindings();
    const facts = ({ seq }: Check) => ({ invocation: { ...answered("allowed"), authorizer: `a${seq}` } });
    const summary = await runOf({ facts, ports: { bind } }).run.execute();
    expect(summary).toMatchObject({
      decision: "go",
      fingerprint: {
        configChecksum: "c",
        fleetChecksum: "f",
        targets: [{ target: "here", authorizers: [{ name: "a0" }, { name: "a1" }, { name: "a2" }] }],
      },
    });
    expect(Date.parse(summary.decidedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(summary.startedAt));
  });

  it("that contradicts what the run claims to have tested forbids a go", async () => {
    const { bind } = bindings({ contradiction: () => "the credentials belong to another account" });
    const summary = await runOf({ ports: { bind } }).run.execute();
    expect(summary).toMatchObject({
      decision: "inconclusive",
      reason: "the credentials belong to another account",
    });
  });

  it("that could not be looked at is told, and binds nobody", async () => {
    const { bind } = bindings({ look: async () => null });
    const summary = await runOf({ ports: { bind } }).run.execute();
    expect(summary).toMatchObject({ decision: "go", fingerprint: null });
    expect(summary.notes).toEqual([expect.stringContaining("no gate passes its decision on")]);
  });

  it("of an interrupted run looks at nothing", async () => {
    let looks = 0;
    const { bind } = bindings({
      look: async (used) => {
        looks += 1;
        return targetPrint(used);
      },
    });
    const summary = await runOf({
      checks: 50,
      ports: { bind },
      before: (_, run) => run.stop("INTERRUPTED"),
    }).run.execute();
    expect(summary).toMatchObject({ status: "interrupted", fingerprint: null });
    expect(looks).toBe(0);
  });
});

describe("what a decision is bound to, as it is now", () => {
  const used = { fleetChecksum: "f", firmware: ["4"], targets: [{ target: "eu", authorizers: ["a"] }] };

  async function then(): Promise<Fingerprint> {
    const { fingerprint } = await bindings().bind(used, NEVER);
    if (fingerprint === null) throw new Error("not bound");
    return fingerprint;
  }

  it("is the same where nothing changed, and shows what did", async () => {
    expect(await bindings().now(await then(), NEVER)).toEqual(await then());
    const changed = bindings({ configChecksum: "d", fleetChecksum: async () => "g" });
    expect(await changed.now(await then(), NEVER)).toMatchObject({ configChecksum: "d", fleetChecksum: "g" });
  });

  it.each<[string, Partial<BindingPorts>]>([
    ["the profiles cannot be read", { fleetChecksum: async () => null }],
    ["reading them fails", { fleetChecksum: () => Promise.reject(new Error("EIO")) }],
    ["a target is gone", { look: async () => null }],
    ["looking fails", { look: () => Promise.reject(new Error("closed")) }],
  ])("is not known where %s", async (_name, changes) => {
    expect(await bindings(changes).now(await then(), NEVER)).toBeNull();
  });

  it("is not known where the daemon stops meanwhile", async () => {
    const stopping = new AbortController();
    const look: BindingPorts["look"] = (_used, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const now = bindings({ look }).now(await then(), stopping.signal);
    stopping.abort();
    expect(await now).toBeNull();
  });
});
