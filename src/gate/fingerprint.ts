import type { Fingerprint, TargetFingerprint } from "../model/fingerprint.ts";
import type { Checked } from "../model/preflight.ts";

/**
 * What is different now from what a decision was made for, in words; null: nothing. What was known then and cannot be
 * looked at now counts as different: a decision that cannot be re-checked is none.
 */
export function changedSince(then: Fingerprint, now: Fingerprint): string | null {
  if (then.configChecksum !== now.configChecksum) return "the configuration changed";
  if (then.fleetChecksum !== now.fleetChecksum) return "the profiles changed";
  if (then.firmware.join("\n") !== now.firmware.join("\n")) return "the firmware label changed";
  for (const target of then.targets) {
    const current = now.targets.find(({ target: name }) => name === target.target);
    if (current === undefined) return `target ${target.target} is gone`;
    const changed = targetChanged(target, current);
    if (changed !== null) return `target ${target.target}: ${changed}`;
  }
  return null;
}

function targetChanged(then: TargetFingerprint, now: TargetFingerprint): string | null {
  if (then.realm !== now.realm) return `its realm was ${then.realm} and is ${now.realm}`;
  if (then.region !== now.region || then.accountId !== now.accountId) return "its account or Region changed";
  if (then.endpoint !== now.endpoint) return `its endpoint was ${then.endpoint} and is ${now.endpoint}`;
  const owner = checkedChanged(then.endpointIsOurs, now.endpointIsOurs);
  if (owner !== null) return `whose its endpoint is ${owner}`;
  const caller = checkedChanged(then.callerAccountId, now.callerAccountId);
  if (caller !== null) return `the account of the AWS credentials ${caller}`;
  for (const { name, state } of then.authorizers) {
    const current = now.authorizers.find((each) => each.name === name);
    if (current === undefined) return `authorizer ${name} was not looked at`;
    const changed = checkedChanged(state, current.state);
    if (changed !== null) return `authorizer ${name} ${changed}`;
  }
  return null;
}

function checkedChanged<T>(then: Checked<T>, now: Checked<T>): string | null {
  if (then.kind === "not-checked") return null;
  if (now.kind === "not-checked") return `cannot be looked at any more: ${now.reason}`;
  return then.value === now.value ? null : "changed";
}

/** Does anything forbid to believe that this run tested the account it names? Words, or null. */
export function contradiction({ targets }: Fingerprint): string | null {
  for (const { target, accountId, callerAccountId, realm, endpoint, endpointIsOurs } of targets) {
    if (realm !== "aws") continue;
    if (callerAccountId.kind === "known" && callerAccountId.value !== accountId) {
      return `target ${target}: accountId is ${accountId}, the AWS credentials belong to ${callerAccountId.value}`;
    }
    if (endpointIsOurs.kind === "known" && !endpointIsOurs.value) {
      return `target ${target}: ${endpoint} is no endpoint of the account that the AWS credentials belong to`;
    }
  }
  return null;
}
