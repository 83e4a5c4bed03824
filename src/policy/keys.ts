import { type Undecided, undecided } from "./truth.ts";

/**
 * What is known of a condition key: the value lists it may have at the gateway, an empty list meaning that the
 * key is absent. Undecided where the gateway has a value that we do not know.
 */
export type KeyState = readonly (readonly string[])[] | Undecided;

export interface KnownContext {
  /** Values the caller knows, by lower-case key. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** A client certificate is presented beside the authorizer (CUSTOM_AUTH_X509). */
  readonly clientCertificate: boolean;
}

interface KeyRow {
  /** Lower case; a trailing `*` covers every key with that start. */
  readonly key: string;
  readonly state: "absent" | "hidden" | "certificate" | "certificate-flag";
  /** Why, and where that is said. DG: AWS IoT Core developer guide; IAM: IAM user guide. */
  readonly reason: string;
}

const NO_PRINCIPAL = "a custom-auth connection has no signed AWS principal (IAM condition-keys)";
const NO_TAGS = "MQTT and HTTPS publish requests carry no AWS tags (IAM condition-keys)";
const CERTIFICATE_ONLY = "depends on a client certificate (DG thing-policy-variables, cert-policy-variables)";

/**
 * Keys the caller gave no value for; the first row that fits counts. `hidden` is a key that has a value at the
 * gateway which cannot be seen from here; the certificate ones are hidden with a client certificate only.
 */
const KEYS: readonly KeyRow[] = [
  { key: "iot:clientid", state: "absent", reason: "HTTPS publish has no client id (DG http)" },
  {
    key: "iot:connectattributes",
    state: "absent",
    reason: "nothing beyond a plain connect (DG connect-policy)",
  },
  { key: "iot:lastwilltopic", state: "absent", reason: "no will (DG connect-policy)" },
  {
    key: "iot:domainname",
    state: "hidden",
    reason: "is the domain the gateway took the connection to be for",
  },
  { key: "iot:connection.thing.isattached", state: "certificate-flag", reason: CERTIFICATE_ONLY },
  { key: "iot:connection.thing.*", state: "certificate", reason: CERTIFICATE_ONLY },
  { key: "iot:certificate.*", state: "certificate", reason: CERTIFICATE_ONLY },
  {
    key: "aws:sourceip",
    state: "hidden",
    reason: "is the address the gateway saw (DG basic-policy-variables)",
  },
  { key: "aws:sourcevpc", state: "hidden", reason: "depends on the VPC endpoint used (DG IoTCore-VPC)" },
  { key: "aws:sourcevpce", state: "hidden", reason: "depends on the VPC endpoint used (DG IoTCore-VPC)" },
  { key: "aws:vpcsourceip", state: "hidden", reason: "depends on the VPC endpoint used (DG IoTCore-VPC)" },
  { key: "aws:currenttime", state: "hidden", reason: "is the gateway's clock (IAM condition-keys)" },
  { key: "aws:epochtime", state: "hidden", reason: "is the gateway's clock (IAM condition-keys)" },
  { key: "aws:username", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:principalarn", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:principalorgid", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:principalorgpaths", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:principaltag/*", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:tokenissuetime", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:multifactorauth*", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:federatedprovider", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:sourceidentity", state: "absent", reason: NO_PRINCIPAL },
  { key: "aws:requesttag/*", state: "absent", reason: NO_TAGS },
  { key: "aws:tagkeys", state: "absent", reason: NO_TAGS },
];

const ABSENT: KeyState = [[]];

/** The state of a condition key. Key names are case-insensitive (IAM reference_policies_elements_condition). */
export function conditionKey(name: string, context: KnownContext): KeyState {
  const key = name.toLowerCase();
  const known = givenOrListed(key, context);
  if (known !== null) return known;
  // Another service's keys exist only in that service's requests; new `aws:` and `iot:` ones may exist here.
  return /^(aws|iot):/.test(key)
    ? undecided(`condition key ${name} is not one we know the gateway's value of`)
    : ABSENT;
}

/**
 * The state of a policy variable. The developer guide's list of variables is closed (basic, thing, certificate),
 * so a name that is in no list resolves to nothing.
 */
export function policyVariable(name: string, context: KnownContext): KeyState {
  return givenOrListed(name.toLowerCase(), context) ?? ABSENT;
}

function givenOrListed(key: string, context: KnownContext): KeyState | null {
  const values = context.values.get(key);
  if (values !== undefined) return [values];
  const row = KEYS.find((each) => covers(each.key, key));
  if (row === undefined) return null;
  const hidden = undecided(`${key} ${row.reason}, which is not known here`);
  switch (row.state) {
    case "absent":
      return ABSENT;
    case "hidden":
      return hidden;
    case "certificate":
      return context.clientCertificate ? hidden : ABSENT;
    case "certificate-flag":
      // Whether the key is missing or says "false" where no thing can be attached is not documented.
      return context.clientCertificate ? hidden : [[], ["false"]];
  }
}

function covers(rowKey: string, key: string): boolean {
  return rowKey.endsWith("*") ? key.startsWith(rowKey.slice(0, -1)) : rowKey === key;
}
