import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { CauseCode } from "../../src/model/causes.ts";
import type { VerdictKind } from "../../src/model/result.ts";

/** Something that goes wrong (or right) at an emulated IoT Core, and what has to be said about it. */
export interface Scenario {
  readonly name: string;
  /** Rows of the catalogue of root causes; empty for a control. */
  readonly rows: readonly number[];
  /** Laid over a device that gets in with user name and password. */
  readonly profile?: Readonly<Record<string, unknown>>;
  /** Domain the device connects to; the built-in one by default. Its name is also the target's. */
  readonly domain?: Domain;
  /** Laid over the tester's target of that domain. */
  readonly target?: Readonly<Record<string, unknown>>;
  /** Added to the emulator; the device names it unless its profile says otherwise. */
  readonly authorizer?: Authorizer;
  /** Strikes this device: what matches by client id or authorizer strikes no other. */
  readonly fault?: Readonly<Record<string, unknown>>;
  /** Settings of the whole emulator: `behaviours`, `credentials`, `listen`. */
  readonly emulator?: Readonly<Record<string, unknown>>;
  /** Stands in for the gateway: for middleboxes, which no emulated gateway is. */
  readonly peer?: PeerKind;
  readonly verdict: VerdictKind;
  /** The first cause; null on a control. */
  readonly cause: CauseCode | null;
  /** What the first cause's evidence has to say, where more than the code is at stake. */
  readonly evidence?: RegExp;
}

/** A second attempt with one thing changed settled it. */
export const PROVEN = /the same device got in/;

export type PeerKind = "no-alpn" | "no-subprotocol" | "no-client-certificate";

export interface Authorizer {
  readonly name: string;
  readonly [setting: string]: unknown;
}

export interface Domain {
  readonly name: string;
  readonly serverName: string;
  /** A device that gets in at this domain, so that a bare close can be told from an outage; null: nobody does. */
  readonly regular: Readonly<Record<string, unknown>> | null;
  readonly [setting: string]: unknown;
}

export const REGION = "eu-west-1";
export const ACCOUNT = "123456789012";
export const FLEET_KEY: KeyObject = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
export const ROGUE_KEY: KeyObject = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

export const BUILT_IN: Domain = {
  name: "iot:Data-ATS",
  serverName: "emulator-ats.iot.eu-west-1.amazonaws.com",
  defaultAuthorizer: "passwords",
  regular: {},
};

/** A domain of its own for a scenario. */
export function domainOf(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  regular: Domain["regular"] = {},
): Domain {
  return { name, serverName: `${name}.example.com`, defaultAuthorizer: "passwords", regular, ...settings };
}

export function arn(resource: string): string {
  return `arn:aws:iot:${REGION}:${ACCOUNT}:${resource}`;
}

export function statement(
  effect: "Allow" | "Deny",
  action: string | readonly string[],
  resource: string | readonly string[],
  more: object = {},
): object {
  return { Effect: effect, Action: action, Resource: resource, ...more };
}

export function policy(...statements: readonly object[]): object {
  return { Version: "2012-10-17", Statement: statements };
}

export const ALLOW_ALL = policy(statement("Allow", "iot:*", "*"));

export function admitted(changes: Readonly<Record<string, unknown>> = {}): object {
  return {
    isAuthenticated: true,
    principalId: "device",
    policyDocuments: [ALLOW_ALL],
    refreshAfterInSeconds: 3600,
    disconnectAfterInSeconds: 86_400,
    ...changes,
  };
}

/** An authorizer without signatures that treats every device alike. */
export function answering(
  name: string,
  row: Readonly<Record<string, unknown>>,
  more: object = {},
): Authorizer {
  return { name, signingDisabled: true, handler: { table: [row] }, ...more };
}

export function returning(name: string, ...documents: readonly object[]): Authorizer {
  return answering(name, { answer: admitted({ policyDocuments: documents }) });
}

/** A token for the authorizer `signed`. */
export function token(
  value: string,
  key: KeyObject = FLEET_KEY,
): { key: string; value: string; signature: string } {
  const signature = sign("sha256", Buffer.from(value), key).toString("base64");
  return { key: "x-token", value, signature };
}

/** A token whose signature holds `+` and `/`, so that its encoding matters. */
export function tokenWithPlus(): { key: string; value: string; signature: string } {
  for (let at = 0; at < 1000; at++) {
    const made = token(`good-${at}`);
    if (/\+/.test(made.signature) && /\//.test(made.signature)) return made;
  }
  throw new Error("no signature holds a plus");
}

export interface Variant {
  readonly label: string;
  readonly profile?: Readonly<Record<string, unknown>>;
  readonly behaviours?: Readonly<Record<string, unknown>>;
  readonly verdict?: VerdictKind;
}

/** The same cause in the several ways in which it can show. */
export function variants(scenario: Scenario, ways: readonly Variant[]): Scenario[] {
  return ways.map(({ label, profile = {}, behaviours = {}, verdict = scenario.verdict }) => ({
    ...scenario,
    name: `${scenario.name} (${label})`,
    profile: { ...scenario.profile, ...profile },
    emulator: {
      ...scenario.emulator,
      behaviours: { ...(scenario.emulator?.behaviours as object | undefined), ...behaviours },
    },
    verdict,
  }));
}

export const V311 = { mqttVersion: 4 } as const;
export const V5 = { mqttVersion: 5 } as const;
