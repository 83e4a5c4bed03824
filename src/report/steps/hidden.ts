import { isUtf8 } from "node:buffer";
import { mask } from "../../lib/scrub.ts";
import { Secret } from "../../model/secret.ts";

/** What may be shown of a credential: how long it is, and what shape it has. */
export interface Hidden {
  readonly bytes: number;
  /** Its kind first, then what is odd about it. */
  readonly looks: readonly string[];
}

/** One `name=value` of a user name's suffix or a query string, or one header. */
export interface HiddenParameter {
  /** `<secret>`: it is no plain name, or holds a credential; empty: there is no `=`. */
  readonly name: string;
  /** In the open: the authorizer's name, a QoS. */
  readonly shown: string | null;
  /** As it travels; null: shown. */
  readonly value: Hidden | null;
}

/** A user name as it goes over the wire, taken apart at its question mark. */
export interface HiddenUsername extends Hidden {
  /** What stands before the question mark; null: there is no question mark. */
  readonly login: Hidden | null;
  readonly parameters: readonly HiddenParameter[];
}

/** What is public about a check, so that it can be recognized and shown. */
export interface Known {
  readonly authorizer: string | null;
  /** Names the profile shows openly. */
  readonly names: Readonly<Record<string, string | null>>;
  readonly secrets: readonly Secret[];
}

/** Shorter base64 cannot be told from a word. */
const MIN_ENCODED = 40;

export function hide(secret: Secret, names: Known["names"] = {}): Hidden {
  if (!isUtf8(secret.exposeBytes())) return { bytes: secret.length, looks: ["not UTF-8 text"] };
  const text = secret.exposeText();
  const same = Object.keys(names).filter((what) => names[what] === text);
  const repeats = same.length === 0 ? [] : [`the same as ${same.join(" and ")}`];
  return { bytes: secret.length, looks: [kindOf(text), ...repeats, ...oddities(text)] };
}

/** `<secret> 28 bytes, printable ASCII` */
export function hiddenText({ bytes, looks }: Hidden): string {
  return [`<secret> ${bytes} byte${bytes === 1 ? "" : "s"}`, ...looks].join(", ");
}

export function hideUsername(secret: Secret, known: Known): HiddenUsername {
  const whole = hide(secret, known.names);
  const text = secret.exposeText();
  const mark = text.indexOf("?");
  if (mark < 0) return { ...whole, login: null, parameters: [] };
  return {
    ...whole,
    login: hide(new Secret(text.slice(0, mark)), known.names),
    parameters: hideParameters(text.slice(mark + 1), known),
  };
}

/** A header, or another field that stands by itself. */
export function hideField(name: string, value: Secret, known: Known): HiddenParameter {
  return value.exposeText() === known.authorizer
    ? { name, shown: known.authorizer, value: null }
    : { name, shown: null, value: hide(value, known.names) };
}

/** @param query without its question mark */
export function hideParameters(query: string, known: Known): HiddenParameter[] {
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0) return { name: "", shown: null, value: hide(new Secret(pair), known.names) };
    const name = plainName(pair.slice(0, equals), known);
    const value = pair.slice(equals + 1);
    const shown = openValue(name, value, known);
    return { name, shown, value: shown === null ? hide(new Secret(value), known.names) : null };
  });
}

/** `x-token=<secret> 24 bytes, printable ASCII` */
export function parameterText({ name, shown, value }: HiddenParameter, separator = "="): string {
  const text = shown ?? (value === null ? "" : hiddenText(value));
  return name === "" ? `${text}, without a name` : `${name}${separator}${text}`;
}

/** The authorizer's name and HTTPS publish's QoS are no credentials. */
function openValue(name: string, value: string, { authorizer }: Known): string | null {
  if (authorizer !== null && decoded(value) === authorizer) return authorizer;
  return name === "qos" && /^\d$/.test(value) ? value : null;
}

/** A raw user name may hold anything where a name should stand. */
function plainName(name: string, { secrets }: Known): string {
  return /^[A-Za-z0-9_.~-]{1,64}$/.test(name) && mask(name, secrets) === name ? name : "<secret>";
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function kindOf(text: string): string {
  if (text === "") return "empty";
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text)) return "a JWT";
  if (text.length >= MIN_ENCODED) {
    if (/^[0-9a-f]+$/i.test(text)) return "hexadecimal";
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return base64(text);
    if (/^[\w-]+={0,2}$/.test(text)) return "base64url";
  }
  if (/^[ -~]*$/.test(text)) return "printable ASCII";
  return /^\p{ASCII}*$/u.test(text) ? "ASCII" : "UTF-8 text";
}

function base64(text: string): string {
  if (text.length % 4 !== 0) return "base64 without its padding";
  return `base64 of ${(text.length / 4) * 3 - (text.match(/=/g)?.length ?? 0)} bytes`;
}

/** What the eye does not see in a file, and a gateway does not forgive. */
function oddities(text: string): string[] {
  return [
    ...(/[\r\n]$/.test(text) ? ["ends with a line break"] : []),
    ...(/[\r\n]./.test(text) ? ["holds a line break"] : []),
    ...(/^[^\S\r\n\uFEFF]|[^\S\r\n]$/.test(text) ? ["begins or ends with white space"] : []),
    ...(text.startsWith("\uFEFF") ? ["begins with a byte order mark"] : []),
    ...(/%[0-9A-Fa-f]{2}/.test(text) ? ["percent-encoded"] : []),
  ];
}
