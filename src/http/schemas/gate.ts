import { z } from "zod";
import { DECISIONS } from "../../model/gate.ts";
import { REALMS } from "../../model/realm.ts";
import { counts } from "./common.ts";

export const gateAnswer = z
  .object({
    suite: z.string(),
    decision: z.enum([...DECISIONS, "running"]),
    ok: z
      .boolean()
      .describe("May the rollout go on? A go that holds, or an inconclusive that was overridden"),
    runId: z.string().nullable().describe("null: the suite was never run"),
    reason: z.string(),
    nothingSelected: z.boolean(),
    realm: z.enum(REALMS).nullable().describe("What was tested: AWS itself, the emulator, or something else"),
    decidedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    counts: counts.nullable(),
    causes: z.array(z.string()).describe("The most frequent ones"),
    override: z.object({ actor: z.string(), reason: z.string() }).nullable(),
  })
  .meta({ id: "GateAnswer" });
