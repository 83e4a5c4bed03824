import { scrub } from "../lib/scrub.ts";
import type { AuthorizerDescription, Checked, DomainDescription } from "../model/preflight.ts";
import { isAbsent, typeName } from "./read-response.ts";

/*
 * The SDK hands over whatever JSON types came. An answer with a field that cannot be read says nothing: better not
 * checked than a device blamed for what was misread.
 */

/** Reads DescribeAuthorizer's answer (API_AuthorizerDescription). Older ones leave `signingDisabled` out. */
export function readAuthorizer(name: string, description: unknown): Checked<AuthorizerDescription> {
  const fields = new Fields("DescribeAuthorizer", description);
  const active = fields.oneOf("status", { ACTIVE: true, INACTIVE: false });
  const signing = !fields.flag("signingDisabled", false);
  const tokenKeyName = fields.text("tokenKeyName");
  const publicKeys = fields.texts("tokenSigningPublicKeys");
  return fields.checked({ name, active, signing, tokenKeyName, publicKeys });
}

/**
 * Reads DescribeDomainConfiguration's answer (API_DescribeDomainConfiguration). Where a type is not stated, port
 * and ALPN decide, which is what DEFAULT means (DG/protocols.html).
 */
export function readDomain(name: string, description: unknown): Checked<DomainDescription> {
  const fields = new Fields("DescribeDomainConfiguration", description);
  const enabled = fields.oneOf("domainConfigurationStatus", { ENABLED: true, DISABLED: false });
  const config = fields.inner("authorizerConfig");
  return fields.checked({
    name,
    domainName: fields.text("domainName"),
    enabled,
    defaultAuthorizer: config.text("defaultAuthorizerName"),
    allowAuthorizerOverride: config.flag("allowAuthorizerOverride", true),
    authenticationType: fields.text("authenticationType") ?? "DEFAULT",
    applicationProtocol: fields.text("applicationProtocol") ?? "DEFAULT",
    invalidCertificates: fields.list("serverCertificates").flatMap((each) => invalidCertificate(each)),
  });
}

function invalidCertificate(certificate: Fields): string[] {
  const status = certificate.text("serverCertificateStatus");
  if (status === "VALID") return [];
  const arn = certificate.text("serverCertificateArn") ?? "without an ARN";
  const detail = certificate.text("serverCertificateStatusDetail");
  return [`${arn}: ${status ?? "no status"}${detail === null ? "" : `: ${detail}`}`];
}

/** Reads fields one by one and remembers what is wrong with them; names and types only, but for odd words. */
class Fields {
  readonly #operation: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #problems: string[];

  constructor(operation: string, value: unknown, problems: string[] = [], path = "the answer") {
    this.#operation = operation;
    this.#problems = problems;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) problems.push(`${path} is ${typeName(value)}, not an object`);
    this.#values = isObject ? (value as Record<string, unknown>) : {};
  }

  /** An absent or empty text is null. */
  text(field: string): string | null {
    const value = this.#values[field];
    if (isAbsent(value) || value === "") return null;
    if (typeof value === "string") return scrub(value, []);
    this.#wrong(field, value, "a string");
    return null;
  }

  flag(field: string, whenAbsent: boolean): boolean {
    const value = this.#values[field];
    if (isAbsent(value)) return whenAbsent;
    if (typeof value !== "boolean") this.#wrong(field, value, "a boolean");
    return value === true;
  }

  /** Must be there, and be one of the words. */
  oneOf(field: string, words: Readonly<Record<string, boolean>>): boolean {
    const value = this.#values[field];
    const known = typeof value === "string" && Object.hasOwn(words, value) ? words[value] : undefined;
    if (known !== undefined) return known;
    const wanted = Object.keys(words).join(" or ");
    if (typeof value !== "string") this.#wrong(field, value, wanted);
    else this.#problems.push(`${field} is ${JSON.stringify(value)}, not ${wanted}`);
    return false;
  }

  /** Texts by name, unchanged: PEM has line breaks. */
  texts(field: string): Readonly<Record<string, string>> {
    const value = this.#values[field];
    if (isAbsent(value)) return {};
    const entries = Object.entries(Object(value) as object);
    const isTexts = typeof value === "object" && entries.every(([, each]) => typeof each === "string");
    if (isTexts) return Object.fromEntries(entries);
    this.#wrong(field, value, "strings by name");
    return {};
  }

  inner(field: string): Fields {
    const value = this.#values[field];
    return new Fields(this.#operation, isAbsent(value) ? {} : value, this.#problems, field);
  }

  list(field: string): Fields[] {
    const value = this.#values[field];
    if (isAbsent(value)) return [];
    if (Array.isArray(value)) {
      return value.map((each, at) => new Fields(this.#operation, each, this.#problems, `${field}[${at}]`));
    }
    this.#wrong(field, value, "a list");
    return [];
  }

  checked<T>(value: T): Checked<T> {
    if (this.#problems.length === 0) return { kind: "known", value };
    return { kind: "not-checked", reason: scrub(`${this.#operation}: ${this.#problems.join("; ")}`, []) };
  }

  #wrong(field: string, value: unknown, wanted: string): void {
    this.#problems.push(`${field} is ${typeName(value)}, not ${wanted}`);
  }
}
