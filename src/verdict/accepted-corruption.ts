import type { DerivedKind } from "../model/check.ts";
import type { Facts } from "../model/facts.ts";

const ACCEPTED_WITH: Readonly<Record<DerivedKind, string>> = {
  "wrong-password": "accepted with a wrong password",
  "tampered-signature": "accepted with a tampered signature",
  "tampered-token": "accepted with a tampered token (and the signature of the right one, if any)",
  "no-authorizer": "accepted without the authorizer's name, although there is no default authorizer",
  "no-sni": "accepted without a server name (SNI)",
  "foreign-client-id": "accepted with its own credentials and the client id of another device",
  "foreign-topic": "granted a subscription to another device's topic",
};

/** Of a derived check that got in: what the gateway let pass, and what else may have opened it. null: of any other. */
export function acceptedCorruption(facts: Facts): string | null {
  const { derived } = facts.check;
  return derived === null ? null : ACCEPTED_WITH[derived] + CLOSER[derived](facts);
}

const nothing = () => "";

const CLOSER: Readonly<Record<DerivedKind, (facts: Facts) => string>> = {
  "wrong-password": ({ context }) => beside([context?.request.token && "token", certificate(context)]),
  "tampered-signature": nothing,
  "tampered-token": ({ context }) =>
    beside([context?.request.mqttContext?.password && "password", certificate(context)]),
  "no-authorizer": nothing,
  "no-sni": nothing,
  "foreign-client-id": ({ check }) => `: ${check.profile.clientId}`,
  "foreign-topic": ({ topics }) => {
    const granted = topics.find(({ gateway }) => gateway === "allowed");
    return granted ? `: ${granted.test.topic}, ${granted.evidence}` : "";
  },
};

/** An authorizer may look at one credential only: then the others tell that it is this one that it ignores. */
function beside(credentials: readonly (string | null | undefined | false)[]): string {
  const right = credentials.filter(Boolean);
  return right.length === 0 ? "" : ` beside the right ${right.join(" and the right ")}`;
}

function certificate(context: Facts["context"]): string | null {
  return context?.wire.tls.clientCertificate ? "client certificate" : null;
}
