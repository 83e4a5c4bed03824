import { isIP } from "node:net";
import { type Finding, finding } from "./finding.ts";
import { at, type Entry, entries, isObject } from "./plain-tree.ts";

/**
 * What no single field can tell: names that repeat, names that lead nowhere. Works on the plain values, so that it
 * also speaks up where other fields are wrong; a value of the wrong kind is passed over, the schema reports it.
 */
export function crossCheck(root: unknown): readonly Finding[] {
  const suites = entries(root, ["suites"]);
  return [
    ...repeated(entries(root, ["targets"]), "name", "another target has this name"),
    ...repeated(suites, "name", "another suite has this name"),
    ...repeated(entries(root, ["http", "tokens"]), "name", "another token has this name"),
    ...secondStandardInput(entries(root, ["profiles"])),
    ...standardInputOfOthers(root),
    ...suites.flatMap((each) => locationsOfNobody(each, root)),
    ...suites.flatMap((each) => repeatedTexts(each, "locations", "the location stands here twice")),
    ...entries(root, ["targets"]).flatMap(addressOfOtherFamily),
    ...entries(root, ["targets"]).flatMap((each) => limitsOfOthers(each, root)),
    ...entries(root, ["schedule"]).flatMap((each) => scheduleOfUnknownSuite(each, root)),
    ...suites.flatMap(rulesForOtherCohorts),
    ...suites.flatMap((each) => repeatedTexts(each, "cohorts", "the cohort stands here twice")),
  ];
}

/** The name of the suite that stands in where the file has no `suites`. */
export const IMPLICIT_SUITE = "all";

function scheduleOfUnknownSuite({ path, value }: Entry, root: unknown): readonly Finding[] {
  const known = at(root, ["suites"]) === undefined ? [IMPLICIT_SUITE] : entries(root, ["suites"]).map(nameOf);
  if (typeof value.suite !== "string" || known.includes(value.suite)) return [];
  return [finding([...path, "suite"], "expected the name of a suite of this file")];
}

/** A rule for a cohort the suite leaves out would never be evaluated. */
function rulesForOtherCohorts({ path, value }: Entry): readonly Finding[] {
  const { cohorts } = value;
  if (!Array.isArray(cohorts)) return [];
  return ["expected", "cohortGates"].flatMap((key) =>
    Object.keys(isObject(value[key]) ? value[key] : {})
      .filter((cohort) => !cohorts.includes(cohort))
      .map((cohort): Finding => {
        return {
          path: [...path, key, cohort],
          about: "key",
          line: null,
          message: "expected one of this suite's `cohorts`",
        };
      }),
  );
}

function secondStandardInput(sources: readonly Entry[]): readonly Finding[] {
  const [, ...further] = sources.filter(({ value }) => value.path === "-");
  return further.map(({ path }) => finding([...path, "path"], "standard input can be read only once"));
}

/** Other processes cannot read what was piped into this one. */
function standardInputOfOthers(root: unknown): readonly Finding[] {
  const queue = at(root, ["queue"]);
  const isAlone = !isObject(queue) || (queue.kind === "local" && (queue.workers ?? 1) === 1);
  if (isAlone) return [];
  return entries(root, ["profiles"])
    .filter(({ value }) => value.path === "-")
    .map(({ path }) => finding([...path, "path"], "workers cannot read standard input: name a file"));
}

/** Only workers that take shards from Redis say where they are. */
function locationsOfNobody({ path, value }: Entry, root: unknown): readonly Finding[] {
  const asks = Array.isArray(value.locations) && value.locations.length > 0;
  if (!asks || at(root, ["queue", "kind"]) === "bullmq") return [];
  return [finding([...path, "locations"], "needs workers at these locations: `queue.kind: bullmq`")];
}

/** Workers elsewhere spend the same budget, and only this process would know of the lower limit. */
function limitsOfOthers({ path, value }: Entry, root: unknown): readonly Finding[] {
  if (value.serviceQuotas !== true || at(root, ["queue", "kind"]) !== "bullmq") return [];
  return [
    finding([...path, "serviceQuotas"], "not with `queue.kind: bullmq`: state the limits in `budgets`"),
  ];
}

function addressOfOtherFamily({ path, value }: Entry): readonly Finding[] {
  const { address, addressFamily } = value;
  if (typeof address !== "string" || typeof addressFamily !== "number") return [];
  const family = isIP(address);
  if (family === 0 || family === addressFamily) return [];
  return [finding([...path, "addressFamily"], `\`address\` is an IPv${family} address`)];
}

function repeated(list: readonly Entry[], key: string, message: string): readonly Finding[] {
  const seen = new Set<unknown>();
  return list.flatMap(({ path, value }) => {
    const text = value[key];
    if (typeof text !== "string") return [];
    const known = seen.has(text);
    seen.add(text);
    return known ? [finding([...path, key], message)] : [];
  });
}

function repeatedTexts({ path, value }: Entry, key: string, message: string): readonly Finding[] {
  const texts = value[key];
  if (!Array.isArray(texts)) return [];
  return texts.flatMap((text, i) => (texts.indexOf(text) < i ? [finding([...path, key, i], message)] : []));
}

function nameOf({ value }: Entry): unknown {
  return value.name;
}
