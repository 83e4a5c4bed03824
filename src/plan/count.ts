import { quotaOwner } from "../lib/pacing.ts";
import { TextTable } from "../lib/text-table.ts";
import type { Check } from "../model/check.ts";
import type { DerivedSettings } from "../model/config.ts";
import type { PlanGroup } from "../model/plan.ts";
import type { Profile } from "../model/profile.ts";
import type { Target } from "../model/target.ts";
import { isAskedFirst } from "./ask.ts";
import { DerivedBound } from "./derived-bound.ts";
import { topicConnects } from "./topic-connects.ts";

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
  /** The most that one client id is connected for derived checks, besides its own. */
  readonly mostDerivedOfOneId: number;
  /** Authorizers that devices name, each on its target. */
  readonly authorizers: number;
  /** Names of targets some of whose profiles rely on a default authorizer. */
  readonly needsDefault: ReadonlySet<string>;
}

/** A client id's number in the table: who uses it, and four times its connections. */
const BY_DEVICE = 1;
const BY_DEDICATED = 2;
const ONE_CONNECT = 4;

const AUTHORIZER_NAME = /[?&]x-amz-customauthorizer-name=([^&]*)/i;

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** Counts profiles one by one; keeps 12 to 30 bytes of each. */
export class PlanCounter {
  readonly #owners: ReadonlyMap<string, string>;
  readonly #groups = new Map<string, Changing<Omit<PlanGroup, "derived">>>();
  readonly #derived: DerivedBound;
  readonly #clientIds = new TextTable();
  readonly #authorizerNames = new TextTable();
  readonly #needsDefault = new Set<string>();
  readonly #harm: Changing<HarmCounts> = {
    device: 0,
    mixedIdentity: 0,
    sharedClientId: 0,
    persistentSession: 0,
    will: 0,
    httpsPublish: 0,
  };
  #profiles = 0;
  #authorizers = 0;
  #mostConnectsOfOneId = 0;

  constructor(targets: readonly Target[], derived: DerivedSettings | null) {
    this.#derived = new DerivedBound(derived);
    this.#owners = new Map(targets.map((target) => [target.name, quotaOwner(target)]));
  }

  /** `asks`: when the authorizer is asked about the device; what only a disagreement would cost is not counted. */
  add(profile: Profile, asks: Check["asks"] = "first"): void {
    this.#profiles += 1;
    this.#countChecks(profile, asks);
    this.#countClientId(profile);
    this.#countHarm(profile);
    this.#countAuthorizer(profile);
  }

  result(): Counted {
    return {
      profiles: this.#profiles,
      groups: [...this.#groups].map(([key, group]) => ({ ...group, derived: this.#derived.costOf(key) })),
      harm: this.#harm,
      mostConnectsOfOneId: this.#mostConnectsOfOneId,
      mostDerivedOfOneId: this.#derived.mostOfOneIdentity,
      authorizers: this.#authorizers,
      needsDefault: this.#needsDefault,
    };
  }

  #countChecks(profile: Profile, asks: Check["asks"]): void {
    const { target, cohort, protocols, identity } = profile;
    const isAsked =
      identity === "device" || isAskedFirst({ asks, expectation: profile.expect.access, profile });
    const calls = isAsked ? 1 : 0;
    for (const protocol of protocols) {
      const key = `${target}\n${cohort}\n${protocol}`;
      const none = { checks: 0, guarded: 0, apiCalls: 0, connects: 0, lambdaInvocations: 0 };
      const group = this.#groups.get(key) ?? { target, cohort, protocol, ...none };
      const isGuarded = identity === "device";
      const connects = isGuarded ? 0 : 1 + topicConnects(profile, protocol);
      group.checks += 1;
      group.guarded += isGuarded ? 1 : 0;
      group.apiCalls += calls;
      group.connects += connects;
      group.lambdaInvocations += calls + connects;
      this.#groups.set(key, group);
      this.#derived.add(key, profile, protocol);
    }
  }

  /** Some raw user names carry the name; one that a reference stands for is not read here. */
  #countAuthorizer({ target, authorizer, username }: Profile): void {
    const name = authorizer ?? AUTHORIZER_NAME.exec(username?.exposeText() ?? "")?.[1] ?? null;
    if (name === null) this.#needsDefault.add(target);
    else if (this.#authorizerNames.update(`${target}\n${name}`, () => 1) === 0) this.#authorizers += 1;
  }

  #countClientId(profile: Profile): void {
    const { clientId, identity, target } = profile;
    const uses = profile.protocols.filter((protocol) => protocol !== "https");
    if (clientId === null || uses.length === 0) return;
    const all = uses.reduce((sum, protocol) => sum + 1 + topicConnects(profile, protocol), 0);
    const [who, connects] = identity === "device" ? [BY_DEVICE, 0] : [BY_DEDICATED, all];
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
