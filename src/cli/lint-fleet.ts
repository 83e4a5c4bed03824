import type { KeyObject } from "node:crypto";
import { buildContext } from "../context/build.ts";
import { TextTable } from "../lib/text-table.ts";
import { type LintFinding, problem } from "../lint/finding.ts";
import { lintProfile } from "../lint/lint.ts";
import type { DeviceContext } from "../model/context.ts";
import type { CredentialsFn } from "../model/ports.ts";
import type { Credentials, Profile } from "../model/profile.ts";
import type { ReadyTarget, Target } from "../model/target.ts";

export interface FleetLintOptions {
  readonly targets: readonly Target[];
  readonly credentials: CredentialsFn;
  readonly publicKeys: readonly KeyObject[];
  readonly nowMs: number;
}

/**
 * Reads what one profile's credentials refer to, builds what its device would send, and looks at both. Files and
 * variables are read, commands are never run. Answers an empty list where there is nothing to say.
 */
export function createFleetLint({ targets, credentials, publicKeys, nowMs }: FleetLintOptions) {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const signingKeys = new TextTable();

  return async (profile: Profile, signal: AbortSignal): Promise<readonly LintFinding[]> => {
    const target = byName.get(profile.target);
    if (target === undefined) throw new Error(`unknown target ${profile.target}`);
    const subject = { profile, target, publicKeys, nowMs };
    const read = await credentials(offline(profile), signal);
    if (read.kind === "unavailable") {
      return [unreadable(read.reason), ...lintProfile({ ...subject, credentials: null, contexts: [] })];
    }
    if (profile.exec !== null) {
      return lintProfile({ ...subject, credentials: read.credentials, contexts: [] });
    }
    const known = signedOnce(profile, read.credentials, signingKeys);
    const { contexts, findings } = contextsOf(profile, known, target);
    return [...findings, ...lintProfile({ ...subject, credentials: known, contexts })];
  };
}

/** Of credentials that a command gives, only what it cannot replace: the client certificate. */
function offline(profile: Profile): Profile {
  if (profile.exec === null) return profile;
  return {
    ...profile,
    exec: null,
    username: null,
    password: null,
    token: null,
    headers: {},
    queryString: null,
  };
}

/** Signing takes a millisecond, and shows no more for the second profile of a key than for the first. */
function signedOnce(profile: Profile, credentials: Credentials, signingKeys: TextTable): Credentials {
  const { token } = credentials;
  if (profile.token?.kind !== "sign" || token?.kind !== "sign") return credentials;
  if (signingKeys.update(profile.token.signingKeyFile, () => 1) === 0) return credentials;
  return { ...credentials, token: { kind: "value", key: token.key, value: token.value, signature: null } };
}

/** Where the endpoint is not known yet, the context lacks it as server name. */
function contextsOf(
  profile: Profile,
  credentials: Credentials,
  target: Target,
): { readonly contexts: readonly DeviceContext[]; readonly findings: readonly LintFinding[] } {
  const ready: ReadyTarget = { ...target, endpoint: target.endpoint ?? "" };
  const contexts: DeviceContext[] = [];
  for (const protocol of profile.protocols) {
    const context = buildContext(profile, protocol, credentials, ready);
    if ("kind" in context) return { contexts: [], findings: [unsendable(context.reason)] };
    contexts.push(context);
  }
  return { contexts, findings: [] };
}

/** `field: what is wrong` */
function unreadable(reason: string): LintFinding {
  const [, field = "", message = reason] = /^(\S+): (.+)$/s.exec(reason) ?? [];
  return problem("credentials-unreadable", field, message);
}

/** `field and what is wrong` */
function unsendable(reason: string): LintFinding {
  const [, field = "", message = reason] = /^(\S+) (.+)$/s.exec(reason) ?? [];
  return problem("cannot-be-sent", field, message);
}
