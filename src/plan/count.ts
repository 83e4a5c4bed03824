import { quotaOwner } from "../lib/pacing.ts";
import { TextTable } from "../lib/text-table.ts";
import type { PlanGroup } from "../model/plan.ts";
import type { Profile } from "../model/profile.ts";
import type { Target } from "../model/target.ts";

/** What is in the way of the do-no-harm rules, in profiles. */
export interface HarmCounts {
  readonly device: number;
  /** A client id that one profile calls `device` and an earlier one `dedicated`, or the reverse. */
  readonly mixedIdentity: number;
  /** Profiles whose client id an earlier one uses too. */
  readonly sharedClientId: number;
  readonly persistentSession: number;
  readonly will: number;
  readonly httpsPublish: number;
}

/** What the selected profiles come to. */
export interface Counted {
  readonly profiles: number;
  readonly groups: readonly PlanGroup[];
  readonly harm: HarmCounts;
  /** Connections of the client id that is used most. */
  readonly mostConnectsOfOneId: number;
  /** Names of targets some of whose profiles rely on a default authorizer. */
  readonly needsDefault: ReadonlySet<string>;
  /** Names of targets of which it is asked whether they demand the client certificate that some profile has. */
  readonly needsDomain: ReadonlySet<string>;
}

/** A client id's number in the table: who uses it, and four times its connections. */
const BY_DEVICE = 1;
const BY_DEDICATED = 2;
const ONE_CONNECT = 4;

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** Counts profiles one by one; keeps 12 to 30 bytes of each. */
export class PlanCounter {
  readonly #owners: ReadonlyMap<string, string>;
  readonly #groups = new Map<string, Changing<PlanGroup>>();
  readonly #clientIds = new TextTable();
  readonly #needsDefault = new Set<string>();
  readonly #needsDomain = new Set<string>();
  readonly #harm: Changing<HarmCounts> = {
    device: 0,
    mixedIdentity: 0,
    sharedClientId: 0,
    persistentSession: 0,
    will: 0,
    httpsPublish: 0,
  };
  #profiles = 0;
  #mostConnectsOfOneId = 0;

  constructor(targets: readonly Target[]) {
    this.#owners = new Map(targets.map((target) => [target.name, quotaOwner(target)]));
  }

  add(profile: Profile): void {
    this.#profiles += 1;
    this.#countChecks(profile);
    this.#countClientId(profile);
    this.#countHarm(profile);
    if (profile.tls.certFile !== null) this.#needsDomain.add(profile.target);
    if (!namesAuthorizer(profile)) this.#needsDefault.add(profile.target);
  }

  result(): Counted {
    return {
      profiles: this.#profiles,
      groups: [...this.#groups.values()],
      harm: this.#harm,
      mostConnectsOfOneId: this.#mostConnectsOfOneId,
      needsDefault: this.#needsDefault,
      needsDomain: this.#needsDomain,
    };
  }

  #countChecks({ target, cohort, protocols, identity }: Profile): void {
    for (const protocol of protocols) {
      const key = `${target}\n${cohort}\n${protocol}`;
      const none = { checks: 0, guarded: 0, apiCalls: 0, connects: 0, lambdaInvocations: 0 };
      const group = this.#groups.get(key) ?? { target, cohort, protocol, ...none };
      const connects = identity === "device" ? 0 : 1;
      group.checks += 1;
      group.guarded += 1 - connects;
      group.apiCalls += 1;
      group.connects += connects;
      group.lambdaInvocations += 1 + connects;
      this.#groups.set(key, group);
    }
  }

  #countClientId(profile: Profile): void {
    const { clientId, identity, target } = profile;
    const uses = profile.protocols.filter((protocol) => protocol !== "https").length;
    if (clientId === null || uses === 0) return;
    const [who, connects] = identity === "device" ? [BY_DEVICE, 0] : [BY_DEDICATED, uses];
    const id = `${this.#owners.get(target)}/${clientId}`;
    const before = this.#clientIds.update(id, (value) => (value | who) + connects * ONE_CONNECT);
    if (before !== 0) this.#harm.sharedClientId += 1;
    if ((before & (BY_DEVICE | BY_DEDICATED) & ~who) !== 0) this.#harm.mixedIdentity += 1;
    const total = Math.floor(before / ONE_CONNECT) + connects;
    this.#mostConnectsOfOneId = Math.max(this.#mostConnectsOfOneId, total);
  }

  #countHarm({ identity, protocols, connect, mqttVersion }: Profile): void {
    if (identity === "device") {
      this.#harm.device += 1;
      return;
    }
    if (protocols.includes("https")) this.#harm.httpsPublish += 1;
    if (protocols.every((protocol) => protocol === "https")) return;
    const expiry = mqttVersion === 5 ? connect.sessionExpirySeconds : 0;
    if (!connect.cleanSession || expiry > 0) this.#harm.persistentSession += 1;
    if (connect.will !== null) this.#harm.will += 1;
  }
}

/** Some raw user names carry the name; one that a reference stands for is not read here. */
function namesAuthorizer({ authorizer, username }: Profile): boolean {
  return authorizer !== null || /[?&]x-amz-customauthorizer-name=/i.test(username?.exposeText() ?? "");
}
