import { scrub } from "../../lib/scrub.ts";
import type { GuardRecord } from "../../model/guard.ts";
import type { Identity } from "../../model/profile.ts";
import type { Secret } from "../../model/secret.ts";
import type { Style } from "../style.ts";
import { field, type Mark, marked } from "./layout.ts";

/** What was done so that no live device is harmed. */
export interface GuardStep {
  readonly identity: Identity;
  /** null: nothing had to be found out. */
  readonly record: {
    readonly state: "connected" | "offline" | "unknown";
    readonly via: string | null;
    readonly evidence: string;
    readonly connected: boolean;
    readonly sessionPresent: boolean | null;
  } | null;
  /** What could not be found out about who else uses the client id. */
  readonly remarks: readonly string[];
}

export function guardStep(
  identity: Identity,
  guard: GuardRecord | null,
  remarks: readonly string[],
  secrets: readonly Secret[],
): GuardStep {
  const open = remarks.map((each) => scrub(each, secrets));
  if (guard === null) return { identity, record: null, remarks: open };
  const { state, connected, sessionPresent } = guard;
  const found =
    state.kind === "unknown"
      ? { via: null, evidence: scrub(state.reason, secrets) }
      : { via: state.via, evidence: scrub(state.evidence, secrets) };
  return { identity, record: { state: state.kind, ...found, connected, sessionPresent }, remarks: open };
}

const IDENTITY: Readonly<Record<Identity, string>> = {
  dedicated: "dedicated: no live device uses this client id",
  device:
    "device: a live device may be connected with this client id, and a second connection would throw it out",
};

const MARK = { connected: "bad", offline: "good", unknown: "unsure" } as const satisfies Record<string, Mark>;

/** Nothing where no live device can be concerned. */
export function guardLines({ identity, record, remarks }: GuardStep, style: Style): string[] {
  if (identity === "dedicated" && record === null && remarks.length === 0) return [];
  return [
    ...field("identity", IDENTITY[identity], style),
    ...(record === null ? [] : recordLines(record, style)),
    ...remarks.flatMap((remark) => marked("", "unsure", remark, style)),
  ];
}

function recordLines(record: NonNullable<GuardStep["record"]>, style: Style): string[] {
  const { state, via, evidence, connected, sessionPresent } = record;
  const source = via === null ? "" : ` according to ${via}`;
  const session = {
    true: ", and found a session: left at once",
    false: ", and found no session",
    null: "",
  } as const;
  return [
    ...marked("live state", MARK[state], `${state}${source}: ${evidence}`, style),
    ...field("connected", `${connected ? "yes" : "no"}${session[`${sessionPresent}`]}`, style),
  ];
}
