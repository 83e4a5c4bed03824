import { decide } from "../../src/gate/decide.ts";
import { lostRule } from "../../src/gate/lost.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Check } from "../../src/model/check.ts";
import type { Suite } from "../../src/model/config.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { JudgedCheck } from "../../src/model/result.ts";
import type { Selection } from "../../src/model/run.ts";
import type { RunPlan } from "../../src/model/run-plan.ts";
import { judge, untested } from "../../src/pipeline.ts";
import { NO_MEMORY, type RunMemory } from "../../src/run/memory.ts";
import { Run } from "../../src/run/run.ts";
import type { RunInput, RunPorts } from "../../src/run/run-ports.ts";
import { inProcess } from "../../src/run/work.ts";
import { History } from "../../src/store/history.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  NO_SECOND_WAVE,
  NOTHING_MORE,
  predicted,
  targetOf,
} from "../support/fixtures.ts";
import { suiteOf } from "../support/suite.ts";

export const SUITE: Suite = suiteOf({ deadlineMs: 60_000 });
export const ALL: Selection = { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 };

/** What is different from three devices that pass. */
export interface Options {
  readonly checks?: number;
  readonly suite?: Partial<Suite>;
  readonly plan?: Partial<RunPlan>;
  /** Instead of the plan. */
  readonly prepare?: RunInput["prepare"];
  readonly memory?: RunMemory;
  readonly runId?: string;
  readonly ports?: Partial<RunPorts>;
  /** Instead of being let in by authorizer and gateway. */
  readonly facts?: (check: Check) => Partial<Facts>;
  /** Called before each check is answered. */
  readonly before?: (check: Check, run: Run) => Promise<void> | void;
}

/** A run over ports that answer at once. */
export function runOf({
  checks = 3,
  suite = {},
  plan = {},
  prepare,
  memory = NO_MEMORY,
  runId = "run",
  ports = {},
  facts: found = () => ({}),
  before = () => {},
}: Options = {}): {
  run: Run;
  results: JudgedCheck[];
} {
  const results: JudgedCheck[] = [];
  async function* all(): AsyncGenerator<Check> {
    for (let seq = 0; seq < checks; seq += 1) yield checkOf({ seq }, { id: `device-${seq}` });
  }
  const run: Run = new Run(
    {
      work: inProcess({
        examine: async (check) => {
          await before(check, run);
          const now = performance.now();
          const facts = {
            check,
            target: targetOf(),
            context: null,
            invocation: answered("allowed"),
            prediction: predicted("allow"),
            outcome: ACCEPTED,
            ...NOTHING_MORE,
            nowMs: 0,
            ...found(check),
          };
          return { facts, startedAtMs: now, endedAtMs: now };
        },
        onFault: (check) => untested(check, targetOf(), "TESTER_ERROR", "it failed"),
        judge,
        secondWave: () => NO_SECOND_WAVE,
        concurrency: new Map([["here", 2]]),
        location: "local",
        log: createLog("silent"),
      }),
      decide,
      lostRule,
      log: createLog("silent"),
      ...ports,
    },
    {
      runId,
      suite: { ...SUITE, ...suite },
      selection: ALL,
      prepare:
        prepare ??
        (async () => ({
          groups: [{ target: "here", cohort: "pumps", checks }],
          invalidProfiles: 0,
          notes: [],
          remarks: [],
          decoys: [],
          fleetChecksum: "f",
          checks: all(),
          ...plan,
        })),
      memory,
      onResult: (result) => results.push(result),
    },
  );
  return { run, results };
}

/** A history that is gone with its process. */
export function openTemporary(): History {
  const opened = History.open("");
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}
