import { z } from "zod";
import { CAUSE_CODES, type CauseCode } from "../../model/causes.ts";
import { DECISIONS } from "../../model/gate.ts";

/** What several answers have in common. Members may be added to any answer. */
export const count = z.int().nonnegative();
export const seconds = z.number().nonnegative();
export const decision = z.enum(DECISIONS).meta({ id: "Decision" });
export const code = z.enum(Object.values(CAUSE_CODES).flat() as [CauseCode, ...CauseCode[]]);
export const authorizer = z.enum(["allowed", "denied", "errored", "skipped"]);
export const gateway = z.enum(["accepted", "refused", "unreachable", "broken", "skipped"]);

export const problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    runId: z.string().optional().describe("The run that is in the way (409)"),
    problems: z.array(z.string()).optional().describe("What is wrong with the configuration (422)"),
  })
  .meta({ id: "Problem" });

export const counts = z
  .object({
    planned: count.describe("Checks the plan holds, derived ones left out"),
    checks: count.describe("pass + fail + inconclusive + skipped"),
    pass: count,
    fail: count,
    inconclusive: count,
    skipped: count,
    notRun: count,
    derived: count.describe("Deliberate corruptions that must be denied"),
    invalidProfiles: count,
  })
  .meta({ id: "Counts" });

/** A page of a list. */
export function page(item: z.ZodType): z.ZodType {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
