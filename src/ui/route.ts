/** Where in the dashboard one is: each view is a link. */
export type Route =
  | { readonly view: "overview"; readonly suite: string | null }
  | { readonly view: "run"; readonly runId: string }
  | { readonly view: "results"; readonly runId: string; readonly filter: Filter }
  | { readonly view: "device"; readonly device: string }
  | { readonly view: "nowhere" };

/** By what the API narrows results down; only what it knows. */
export type Filter = Readonly<Partial<Record<FilterName, string>>>;
const FILTERS = [
  ...["verdict", "cause", "authorizer", "gateway", "cohort", "protocol", "device", "derived", "cursor"],
] as const;
type FilterName = (typeof FILTERS)[number];

/** `hash` with or without its `#`. Whatever is not a place is `nowhere`, never an error. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  const asked = new URLSearchParams(query);
  const [first, second, third, ...more] = parts;
  if (parts.some((part) => part === null) || more.length > 0) return { view: "nowhere" };
  if (first === undefined) return { view: "overview", suite: asked.get("suite") };
  if (first === "devices" && second && third === undefined) return { view: "device", device: second };
  if (first !== "runs" || !second) return { view: "nowhere" };
  if (third === undefined) return { view: "run", runId: second };
  if (third !== "results") return { view: "nowhere" };
  const known = FILTERS.flatMap((name) => (asked.get(name) ? [[name, asked.get(name)] as const] : []));
  return { view: "results", runId: second, filter: Object.fromEntries(known) };
}

export function overviewLink(suite: string): string {
  return `#/?${new URLSearchParams({ suite })}`;
}

export function runLink(runId: string): string {
  return `#/runs/${encodeURIComponent(runId)}`;
}

export function resultsLink(runId: string, filter: Filter): string {
  return `${runLink(runId)}/results?${queryOf(filter)}`;
}

export function deviceLink(device: string): string {
  return `#/devices/${encodeURIComponent(device)}`;
}

export function queryOf(filter: Filter): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = filter[name];
    if (value !== undefined) query.set(name, value);
  }
  return query.toString();
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
