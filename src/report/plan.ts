import type { Plan, PlanBudget, PlanFloor, PlanGroup } from "../model/plan.ts";
import { count, duration, plural } from "./numbers.ts";
import { excludes } from "./sample.ts";
import { createStyle, type Style, type StyleOptions } from "./style.ts";
import { type Column, countCell, table } from "./table.ts";
import { printable, quoted, wrap } from "./text.ts";

const MAX_ROWS = 40;

/** What a person sees of a plan, without a trailing line break. */
export function planText(plan: Plan, options: StyleOptions): string {
  const style = createStyle(options);
  const sections = [
    overview(plan, style),
    sampleSection(plan, style),
    groupSection(plan, style),
    budgetSection(plan, style),
    warningSection(plan, style),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function overview(plan: Plan, style: Style): string[] {
  const { TestInvokeAuthorizer: invokes = 0, ...describes } = plan.apiCalls;
  const lines = [
    `${plural(plan.checks, "check")} of ${plural(plan.profiles, "profile")}`,
    `${plan.authorizer === "on-disagreement" ? "" : "at most "}${plural(invokes, "TestInvokeAuthorizer call")}, ${plural(plan.connects, "gateway connection")}, ${plural(plan.lambdaInvocations, "Lambda invocation")}`,
    ...disagreeing(plan),
    ...topics(plan),
    ...secondWave(plan),
    ...Object.entries(describes).map(([operation, calls]) => `about ${plural(calls, `${operation} call`)}`),
    `at least ${duration(plan.duration.seconds)}${LIMITED_BY[plan.duration.limitedBy ?? "nothing"]}; what devices and network take comes on top`,
  ];
  return [
    style.tone("strong", `Plan of ${quoted(plan.suite)}`),
    ...lines.flatMap((line) => bullet(line, style)),
  ];
}

function disagreeing({ authorizer }: Plan): string[] {
  if (authorizer !== "on-disagreement") return [];
  return ["a call comes on top for each device that the gateway treats otherwise than expected"];
}

/** What the sample would show, should none of it fail; what excludes least comes first. */
function sampleSection({ sample }: Plan, style: Style): string[] {
  if (sample === undefined) return [];
  const { devices, ofDevices, confidence, groups, remarks } = sample;
  const weakestFirst = groups.toSorted((a, b) => b.failureRate - a.failureRate);
  const rest = groups.length - MAX_ROWS;
  const lines = [
    `${count(devices)} of ${plural(ofDevices, "device")}; which ones is drawn anew for each run`,
    ...weakestFirst.slice(0, MAX_ROWS).map((group) => {
      const drawn = `${quoted(group.cohort)} on ${quoted(group.target)}: ${plural(group.devices, "device")}`;
      if (group.devices === group.ofDevices) return `${drawn}, which is all`;
      return `${drawn}; if none fails, ${excludes({ ...group, confidence })}`;
    }),
    ...(rest > 0 ? [`and ${count(rest)} more, none weaker`] : []),
    ...remarks,
  ];
  return [style.tone("strong", "Sample"), ...lines.flatMap((line) => bullet(line, style))];
}

function topics({ checks, guarded, connects }: Plan): string[] {
  const more = connects - (checks - guarded);
  if (more === 0) return [];
  const many = more === 1 ? "1 of the connections is" : `${count(more)} of the connections are`;
  return [
    `${many} for topics: each publish over https, and each topic that is denied, where the gateway may hang up`,
  ];
}

/** What comes after the plan's checks; how many passed or were kept out is not known yet. */
function secondWave({ derived, connects }: Plan): string[] {
  if (connects === 0) return [];
  const corrupted = `derived checks come on top: at most ${count(derived.checks)}, with ${plural(derived.apiCalls, "call")}, ${plural(derived.connects, "connection")} and ${plural(derived.lambdaInvocations, "Lambda invocation")}`;
  return [
    derived.checks > 0 ? corrupted : "no derived checks",
    "devices that are kept out may be tried again with one thing changed: at most 3 checks of each cohort, target and protocol, with up to 5 connections each and no calls",
  ];
}

const LIMITED_BY: Readonly<Record<NonNullable<PlanFloor["limitedBy"]> | "nothing", string>> = {
  TestInvokeAuthorizer: ", by the budget for TestInvokeAuthorizer",
  Connect: ", by the budget for connections",
  "client-id": ", by the client id that connects most often",
  nothing: "",
};

const NUMBERS: readonly {
  readonly title: string;
  readonly field: Exclude<keyof PlanGroup, "target" | "cohort" | "protocol" | "derived">;
}[] = [
  { title: "checks", field: "checks" },
  { title: "guarded", field: "guarded" },
  { title: "API calls", field: "apiCalls" },
  { title: "connects", field: "connects" },
  { title: "Lambda", field: "lambdaInvocations" },
];

function groupSection({ groups }: Plan, style: Style): string[] {
  if (groups.length === 0) return [];
  const columns: Column[] = [
    { title: "cohort", elastic: true },
    { title: "target", elastic: true },
    { title: "protocol" },
    ...NUMBERS.map(({ title }) => ({ title, align: "right" as const })),
  ];
  const rows = groups
    .slice(0, MAX_ROWS)
    .map((group) => [
      quoted(group.cohort),
      quoted(group.target),
      group.protocol,
      ...NUMBERS.map(({ field }) => countCell(group[field], "plain")),
    ]);
  const rest = groups.length - rows.length;
  return [
    style.tone("strong", "Checks"),
    ...table(columns, rows, style, 2),
    ...(rest > 0 ? [style.tone("dim", `  and ${count(rest)} more`)] : []),
  ];
}

function budgetSection({ budgets }: Plan, style: Style): string[] {
  if (budgets.length === 0) return [];
  const columns: Column[] = [
    { title: "account", elastic: true },
    { title: "region", elastic: true },
    { title: "budget" },
    { title: "calls", align: "right" },
    { title: "per s", align: "right" },
    { title: "of 10/s", align: "right" },
    { title: "at least", align: "right" },
  ];
  const rows = budgets.slice(0, MAX_ROWS).map((budget) => budgetRow(budget));
  const rest = budgets.length - rows.length;
  return [
    style.tone("strong", "Budgets"),
    ...table(columns, rows, style, 2),
    ...(rest > 0 ? [style.tone("dim", `  and ${count(rest)} more`)] : []),
  ];
}

function budgetRow(budget: PlanBudget): string[] {
  const { accountId, region, operation, calls, perSecond, shareOfQuota, leastSeconds } = budget;
  return [
    quoted(accountId),
    quoted(region),
    operation === "Connect" ? "connects" : "invokes",
    count(calls),
    count(Math.round(perSecond * 10) / 10),
    shareOfQuota === null ? "·" : `${Math.round(shareOfQuota * 100)} %`,
    duration(leastSeconds),
  ];
}

function warningSection({ warnings }: Plan, style: Style): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap(({ kind, count: many, message }) =>
    bullet(`${kind}${many > 0 ? ` (${count(many)})` : ""}: ${printable(message)}`, style),
  );
  return [style.tone("strong", "Before you run it"), ...lines];
}

function bullet(text: string, style: Style): string[] {
  return wrap(text, style.width - 4).map((line, at) => `  ${at === 0 ? "- " : "  "}${line}`);
}
