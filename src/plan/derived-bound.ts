import { DERIVED_PER_HOUR } from "../lib/pacing.ts";
import type { DerivedKind } from "../model/check.ts";
import type { DerivedSettings } from "../model/config.ts";
import type { DerivedCost } from "../model/plan.ts";
import type { Profile, Protocol } from "../model/profile.ts";

/** How many checks of one target × cohort × protocol could be corrupted in each way. */
type Possible = Map<DerivedKind, number>;

/** Counts, profile by profile, what could be derived at most; nothing is known yet of what will pass. */
export class DerivedBound {
  readonly #settings: DerivedSettings | null;
  readonly #groups = new Map<string, Possible>();
  #mostOfOneCheck = 0;

  constructor(settings: DerivedSettings | null) {
    this.#settings = settings;
  }

  /** The most that one identity is connected for. */
  get mostOfOneIdentity(): number {
    return Math.min(this.#mostOfOneCheck, DERIVED_PER_HOUR);
  }

  add(group: string, profile: Profile, protocol: Protocol): void {
    if (this.#settings === null || !mayPass(profile, protocol)) return;
    const { kinds, decoys } = this.#settings;
    const possible = kinds.filter((kind) => couldApply(kind, profile, protocol, decoys.length > 0));
    this.#mostOfOneCheck = Math.max(this.#mostOfOneCheck, possible.length);
    const counts: Possible = this.#groups.get(group) ?? new Map();
    for (const kind of possible) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    this.#groups.set(group, counts);
  }

  /** What the derived checks of a group cost at most. */
  costOf(group: string): DerivedCost {
    const perCohort = this.#settings?.perCohort ?? 0;
    const cost = { checks: 0, apiCalls: 0, connects: 0, lambdaInvocations: 0 };
    for (const [kind, count] of this.#groups.get(group) ?? []) {
      const checks = Math.min(perCohort, count);
      const apiCalls = UNSEEN_BY_API.has(kind) ? 0 : checks;
      cost.checks += checks;
      cost.apiCalls += apiCalls;
      cost.connects += checks;
      cost.lambdaInvocations += checks + apiCalls;
    }
    return cost;
  }
}

const UNSEEN_BY_API: ReadonlySet<DerivedKind> = new Set(["no-sni", "no-authorizer"]);

function mayPass({ identity, expect, connect, mqttVersion }: Profile, protocol: Protocol): boolean {
  if (identity !== "dedicated" || expect.access !== "allow") return false;
  if (protocol === "https") return true;
  const isLasting = !connect.cleanSession || (mqttVersion === 5 && connect.sessionExpirySeconds > 0);
  return connect.will === null && !isLasting;
}

/** Where a command gives the credentials, or a reference the user name, they may hold anything. */
function couldApply(kind: DerivedKind, profile: Profile, protocol: Protocol, hasDecoys: boolean): boolean {
  const { username, password, token, authorizer, tls } = profile;
  const isUnknown = profile.exec !== null || /\?|\$\{/.test(username?.exposeText() ?? "");
  switch (kind) {
    case "wrong-password":
      return protocol !== "https" && (password !== null || profile.exec !== null);
    case "tampered-signature":
      return isUnknown || (token !== null && (token.kind !== "value" || token.signature !== null));
    case "tampered-token":
      return isUnknown || token !== null;
    case "no-authorizer":
      return tls.certFile === null && (isUnknown || authorizer !== null);
    case "no-sni":
      return protocol === "mqtt" && tls.serverName !== "";
    case "foreign-client-id":
    case "foreign-topic":
      return hasDecoys && protocol !== "https";
  }
}
