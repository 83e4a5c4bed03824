import { expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { DerivedKind } from "../../src/model/check.ts";
import type { Credentials, Profile } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  credentialsOf,
  NOTHING_MORE,
  predicted,
  targetOf,
} from "../support/fixtures.ts";

const TOKEN = { kind: "value", key: "x-token", value: new Secret("tok-1234"), signature: null } as const;
const PASSWORD: Partial<Credentials> = {
  username: new Secret("u-77"),
  password: new Secret("hunter22"),
};
const CERTIFICATE: Partial<Credentials> = {
  clientCertificate: { cert: new Secret("PEM-1"), key: new Secret("PEM-2") },
};

function saidOf(
  derived: DerivedKind,
  credentials: Partial<Credentials>,
  profile: Partial<Profile> = {},
): readonly [string | undefined, string | undefined] {
  const check = checkOf({ derived, expectation: "deny" }, profile);
  const context = buildContext(check.profile, "mqtt", credentialsOf(credentials), targetOf());
  if ("kind" in context) throw new Error(context.reason);
  const { causes } = verdictOf({
    check,
    target: targetOf(),
    context,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
    ...NOTHING_MORE,
    closeConfirmed: true,
    nowMs: 0,
  });
  return [causes[0]?.code, causes[0]?.evidence];
}

const WITH_TOKEN = { token: TOKEN, authorizer: "fleet" } as const;

it.each<[DerivedKind, Partial<Credentials>, Partial<Profile>, string]>([
  ["wrong-password", PASSWORD, {}, "accepted with a wrong password"],
  [
    "wrong-password",
    { ...PASSWORD, token: TOKEN },
    WITH_TOKEN,
    "accepted with a wrong password beside the right token",
  ],
  [
    "wrong-password",
    { ...PASSWORD, ...CERTIFICATE, token: TOKEN },
    WITH_TOKEN,
    "accepted with a wrong password beside the right token and the right client certificate",
  ],
  [
    "tampered-token",
    { ...PASSWORD, token: TOKEN },
    WITH_TOKEN,
    "accepted with a tampered token (and the signature of the right one, if any) beside the right password",
  ],
  [
    "foreign-client-id",
    PASSWORD,
    { clientId: "decoy-7" },
    "accepted with its own credentials and the client id of another device: decoy-7",
  ],
])("%s that gets in tells what else may have opened the way", (kind, credentials, profile, evidence) => {
  expect(saidOf(kind, credentials, profile)).toEqual(["UNEXPECTED_ACCEPT", evidence]);
});
