import type { Checked } from "./preflight.ts";
import type { Realm } from "./realm.ts";

/** What of an authorizer makes an earlier decision void when it changes. */
export interface AuthorizerFingerprint {
  readonly name: string;
  /** DescribeAuthorizer's lastModifiedDate and a checksum of its keys; not-checked where it may not be asked. */
  readonly state: Checked<string>;
}

export interface TargetFingerprint {
  readonly target: string;
  readonly realm: Realm;
  readonly region: string;
  /** As the configuration states it. */
  readonly accountId: string;
  /** As sts:GetCallerIdentity says. */
  readonly callerAccountId: Checked<string>;
  /** Host name devices connect to. */
  readonly endpoint: string;
  /** Is it the account's own, or the name of one of its domain configurations? */
  readonly endpointIsOurs: Checked<boolean>;
  /** In the order of their names. */
  readonly authorizers: readonly AuthorizerFingerprint[];
}

/** What a decision is bound to: where one of these differs, it says nothing any more. */
export interface Fingerprint {
  readonly configChecksum: string;
  readonly fleetChecksum: string;
  /** Values of the label `firmware` among the selected profiles, sorted; the first 20. */
  readonly firmware: readonly string[];
  readonly targets: readonly TargetFingerprint[];
}
