import { DECISIONS } from "../../model/gate.ts";
import type { GateAnswer } from "../../model/gate-answer.ts";
import { REALMS } from "../../model/realm.ts";

/**
 * Reads `{"data": …}` of a gate route. What decides must be there and make sense: a field that is missing or of
 * another type is told instead, as a word about what is wrong.
 */
export function readAnswer(body: unknown): GateAnswer | string {
  if (!isObject(body) || !isObject(body.data)) return "no `data`";
  const { data } = body;
  const { decision, ok, runId, reason, realm } = data;
  if (!isOneOf([...DECISIONS, "running"] as const, decision)) return "`decision` is unknown";
  if (typeof ok !== "boolean") return "`ok` is no boolean";
  if (typeof reason !== "string") return "`reason` is no text";
  if (runId !== null && typeof runId !== "string") return "`runId` is no text";
  if (realm !== null && !isOneOf(REALMS, realm)) return "`realm` is unknown";
  if (ok && decision !== "go" && !isObject(data.override)) return `\`ok\` with decision ${decision}`;
  return {
    suite: text(data.suite) ?? "",
    decision,
    ok,
    runId,
    reason,
    nothingSelected: data.nothingSelected === true,
    realm,
    decidedAt: text(data.decidedAt),
    expiresAt: text(data.expiresAt),
    counts: isObject(data.counts) ? (data.counts as unknown as GateAnswer["counts"]) : null,
    causes: Array.isArray(data.causes) ? data.causes.filter((each) => typeof each === "string") : [],
    override: readOverride(data.override),
  };
}

function readOverride(value: unknown): GateAnswer["override"] {
  if (!isObject(value)) return null;
  return { actor: text(value.actor) ?? "", reason: text(value.reason) ?? "" };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some((word) => word === value);
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
