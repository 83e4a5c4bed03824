import { asksToRetain } from "../lib/retain.ts";
import type { CredentialsIn, Identity, Protocol } from "../model/profile.ts";
import { TOPIC_ACTIONS } from "../model/proof.ts";
import { literalPart } from "./check.ts";
import type { Finding } from "./finding.ts";
import type { RawProfile, RawToken } from "./profile-schema.ts";
import { checkTopics, namesTopics } from "./topics.ts";

/** What a profile is checked against besides itself. */
export interface Surroundings {
  /** Names of the configured targets. */
  readonly targets: readonly string[];
  /** The source's, for profiles that state none. */
  readonly identity: Identity | null;
  /** The source's, behind every client id. */
  readonly clientIdSuffix: string;
}

/**
 * A profile of which every field that is there has the right form. Where the form of a field was wrong it is left
 * out here and named in `misformed`, so that one mistake is not reported twice.
 */
export interface Sound {
  readonly raw: Partial<RawProfile>;
  readonly misformed: ReadonlySet<string>;
}

/** Where each protocol can carry the authorizer's name, signature and token (wire table, design 6.3). */
const PLACES: Readonly<Record<Protocol, readonly CredentialsIn[]>> = {
  mqtt: ["username"],
  wss: ["headers", "query", "username"],
  https: ["headers", "query"],
};

/** What depends on several fields at once. */
export function crossCheck(sound: Sound, surroundings: Surroundings): readonly Finding[] {
  const { raw } = sound;
  return [
    ...checkTarget(sound, surroundings),
    ...checkIdentity(sound, surroundings),
    ...checkProtocols(sound),
    ...(raw.token === undefined ? [] : checkToken(raw.token)),
    ...checkRawUsername(sound),
    ...checkRetain(raw),
    ...checkTls(raw.tls),
    ...checkExpect(sound, surroundings),
    ...checkHeaders(raw.headers),
  ];
}

function checkTarget({ raw, misformed }: Sound, { targets }: Surroundings): readonly Finding[] {
  if (misformed.has("target")) return [];
  if (raw.target === undefined) {
    if (targets.length === 1) return [];
    return [at("target", "missing; expected the name of a target, because the configuration has several")];
  }
  return targets.includes(raw.target) ? [] : [at("target", "expected the name of a configured target")];
}

function checkIdentity({ raw, misformed }: Sound, { identity }: Surroundings): readonly Finding[] {
  if (misformed.has("identity") || raw.identity !== undefined || identity !== null) return [];
  const where = "here or on the source in the configuration";
  return [at("identity", `missing; expected "dedicated" or "device", ${where}`)];
}

function checkProtocols(sound: Sound): readonly Finding[] {
  const { raw, misformed } = sound;
  if (raw.protocol === undefined) return [];
  const protocols = protocolsOf(raw.protocol);
  const findings: Finding[] = [];
  if (new Set(protocols).size < protocols.length) {
    findings.push(at("protocol", "expected each protocol once"));
  }
  const missing = (key: string) => !Object.hasOwn(raw, key) && !misformed.has(key);
  if (protocols.includes("https") && missing("topic")) {
    findings.push(at("topic", "missing; expected the topic that https publishes to"));
  }
  if (protocols.some((each) => each !== "https") && missing("clientId")) {
    findings.push(at("clientId", "missing; expected the client id that mqtt and wss connect with"));
  }
  if (protocols.every((each) => each === "https")) findings.push(...refuseConnectFields(sound));
  return [...findings, ...checkPlace(raw.credentialsIn, protocols)];
}

/** HTTPS has no CONNECT packet: whoever wrote one of its fields expects something that will not happen. */
function refuseConnectFields({ raw }: Sound): readonly Finding[] {
  const fields = ["clientId", "username", "password"] as const;
  return fields
    .filter((field) => raw[field] !== undefined)
    .map((field) => at(field, "not possible: https sends no CONNECT; use headers or queryString"));
}

function checkPlace(place: CredentialsIn | undefined, protocols: readonly Protocol[]): readonly Finding[] {
  if (place === undefined) return [];
  return protocols
    .filter((protocol) => !PLACES[protocol].includes(place))
    .map((protocol) => at("credentialsIn", `expected ${quoted(PLACES[protocol])} for ${protocol}`));
}

/** `{key, value, signature?}`, `{key, value, signingKeyFile}` or `{key, jwt}`. */
export function checkToken(token: RawToken): readonly Finding[] {
  const { value, signature, signingKeyFile, jwt } = token;
  const inToken = (field: string, message: string) => [{ path: ["token", field], message }];
  if (jwt === undefined) {
    if (value === undefined) return inToken("value", "missing; expected value, or jwt in its place");
    if (signature === undefined || signingKeyFile === undefined) return [];
    return inToken("signingKeyFile", "not beside signature: either sign here or send a signature as written");
  }
  const others = Object.entries({ value, signature, signingKeyFile }).filter(
    ([, each]) => each !== undefined,
  );
  return others.flatMap(([field]) => inToken(field, "not beside jwt, which holds value and signature"));
}

function checkRawUsername({ raw }: Sound): readonly Finding[] {
  if (raw.username === undefined || !literalPart(raw.username).includes("?")) return [];
  const fields = ["authorizer", "token"] as const;
  return fields
    .filter((field) => raw[field] !== undefined)
    .map((field) => at(field, "not beside a username that holds a ?, which is sent as it is"));
}

/** A retained message would outlive the probe on the topic. What a reference holds is looked at when it is read. */
function checkRetain({ protocol, queryString }: Sound["raw"]): readonly Finding[] {
  if (protocol === undefined || queryString === undefined) return [];
  if (!protocolsOf(protocol).includes("https") || !asksToRetain(literalPart(queryString))) return [];
  return [at("queryString", "not with retain: a message of https must not be retained")];
}

function checkTls(tls: RawProfile["tls"]): readonly Finding[] {
  if (tls === undefined) return [];
  const findings: Finding[] = [];
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    const absent = tls.certFile === undefined ? "certFile" : "keyFile";
    findings.push({ path: ["tls", absent], message: "missing; certFile and keyFile go together" });
  }
  if (tls.minVersion === "TLSv1.3" && tls.maxVersion === "TLSv1.2") {
    findings.push({ path: ["tls", "minVersion"], message: "expected at most maxVersion" });
  }
  return findings;
}

function checkExpect({ raw, misformed }: Sound, { clientIdSuffix }: Surroundings): readonly Finding[] {
  const { expect } = raw;
  if (expect === undefined || typeof expect === "string") return [];
  const findings: Finding[] = [];
  for (const field of ["refreshAfterSeconds", "disconnectAfterSeconds"] as const) {
    const [min, max] = expect[field] ?? [];
    if (min !== undefined && max !== undefined && min > max) {
      findings.push({ path: ["expect", field], message: "expected [min, max] with min not above max" });
    }
  }
  const { id, clientId } = raw;
  const isNamed = id !== undefined && !misformed.has("clientId");
  const names = { id: id ?? "", clientId: clientId === undefined ? null : clientId + clientIdSuffix };
  return [...findings, ...checkTopics(expect, isNamed ? names : null), ...checkUse(expect, raw.protocol)];
}

/** What is expected of topics must be possible to try: nothing that is written here passes untried. */
function checkUse(
  expect: Exclude<RawProfile["expect"], string | undefined>,
  protocol: RawProfile["protocol"] | undefined,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (expect.access === "deny") {
    const allowed = TOPIC_ACTIONS.filter((action) => (expect[action]?.allow ?? []).length > 0);
    const contradicting = [
      ...allowed.map((action) => [action, "allow"]),
      ...(expect.preset ? [["preset"]] : []),
    ];
    for (const path of contradicting) {
      findings.push({
        path: ["expect", ...path],
        message: "not beside access deny: it could do nothing there",
      });
    }
  }
  // In a list of protocols the others prove it.
  if (protocol === undefined || protocolsOf(protocol).some((each) => each !== "https")) return findings;
  const refused = (["subscribe", "receive"] as const).filter((action) => namesTopics(expect[action]));
  for (const field of [...refused, ...(expect.preset === undefined ? [] : ["preset"])]) {
    const message = "not possible over https alone, which only publishes";
    findings.push({ path: ["expect", field], message });
  }
  return findings;
}

/** Header names differ in more than case; else which of the two is sent would be chance. */
function checkHeaders(headers: RawProfile["headers"]): readonly Finding[] {
  const seen = new Set<string>();
  return Object.keys(headers ?? {}).flatMap((name) => {
    const folded = name.toLowerCase();
    if (!seen.has(folded)) {
      seen.add(folded);
      return [];
    }
    return [{ path: ["headers", name], message: "stands here twice: header names ignore case" }];
  });
}

export function protocolsOf(protocol: RawProfile["protocol"]): readonly Protocol[] {
  return typeof protocol === "string" ? [protocol] : protocol;
}

function at(field: string, message: string): Finding {
  return { path: [field], message };
}

function quoted(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}
