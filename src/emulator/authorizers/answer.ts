import type { Json } from "../../model/invocation.ts";

/** Limits of DG custom-auth-lambda and of the quota page. */
const MAX_DOCUMENTS = 10;
const MAX_DOCUMENT_CHARACTERS = 2048;
const MIN_LIFETIME_SECONDS = 300;
export const MAX_LIFETIME_SECONDS = 86_400;

/** An authorizer's answer, read. `documents` and `policyDocuments` are the same policies, parsed and as text. */
export interface AuthorizerResponse {
  readonly isAuthenticated: boolean;
  readonly principalId: string | null;
  readonly documents: readonly Json[];
  readonly policyDocuments: readonly string[];
  readonly refreshAfterInSeconds: number | null;
  readonly disconnectAfterInSeconds: number | null;
}

export interface ReadAnswer {
  readonly response: AuthorizerResponse;
  /** The limits it breaks; an answer with any is unusable at the gateway. */
  readonly breaches: readonly string[];
  /** A lifetime outside 300 to 86400 seconds, of which AWS does not say what follows. */
  readonly lifetimeOutOfRange: boolean;
}

/**
 * Reads what a function answered: an object, or the JSON text of one (archived DG custom-auth-lambda).
 * null: it is no answer at all.
 *
 * @param certificateId the device's certificate, which CUSTOM_AUTH_X509 wants as principalId (DG custom-auth-509cert)
 */
export function readAnswer(raw: unknown, certificateId: string | null): ReadAnswer | null {
  const answer = typeof raw === "string" ? parse(raw) : raw;
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return null;
  const fields = answer as Readonly<Record<string, unknown>>;
  if (typeof fields.isAuthenticated !== "boolean") return null;
  const documents = readDocuments(fields.policyDocuments);
  const response: AuthorizerResponse = {
    isAuthenticated: fields.isAuthenticated,
    principalId: typeof fields.principalId === "string" ? fields.principalId : null,
    documents: documents.map(({ parsed }) => parsed),
    policyDocuments: documents.map(({ text }) => text),
    refreshAfterInSeconds: seconds(fields.refreshAfterInSeconds),
    disconnectAfterInSeconds: seconds(fields.disconnectAfterInSeconds),
  };
  if (!response.isAuthenticated) return { response, breaches: [], lifetimeOutOfRange: false };
  return {
    response,
    breaches: [
      ...principalBreaches(response.principalId, certificateId),
      ...documentBreaches(fields.policyDocuments, documents, certificateId),
      ...lifetimeBreaches(fields),
    ],
    lifetimeOutOfRange:
      isOutOfRange(response.refreshAfterInSeconds) || isOutOfRange(response.disconnectAfterInSeconds),
  };
}

function principalBreaches(principalId: string | null, certificateId: string | null): string[] {
  if (certificateId !== null) {
    return principalId === certificateId ? [] : ["principalId is not the id of the client certificate"];
  }
  return /^[a-zA-Z0-9]{1,128}$/.test(principalId ?? "")
    ? []
    : ["principalId is not 1 to 128 ASCII letters and digits"];
}

interface Document {
  readonly text: string;
  readonly parsed: Json;
  readonly isReadable: boolean;
}

function readDocuments(raw: unknown): Document[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((each: unknown) => {
    const parsed = typeof each === "string" ? parse(each) : each;
    const isReadable = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    const text = typeof each === "string" ? each : (JSON.stringify(each) ?? "");
    return { text, parsed: isReadable ? (parsed as Json) : null, isReadable };
  });
}

function documentBreaches(
  raw: unknown,
  documents: readonly Document[],
  certificateId: string | null,
): string[] {
  // Only with a client certificate, whose own policies count too, may they be missing.
  if (!Array.isArray(raw))
    return raw === undefined && certificateId !== null ? [] : ["policyDocuments is no list"];
  const breaches: string[] = [];
  if (documents.length > MAX_DOCUMENTS) breaches.push(`more than ${MAX_DOCUMENTS} policy documents`);
  if (documents.some(({ isReadable }) => !isReadable))
    breaches.push("a policy document is not a JSON object");
  // The quota page counts without white space.
  if (documents.some(({ text }) => text.replace(/\s/g, "").length > MAX_DOCUMENT_CHARACTERS)) {
    breaches.push(`a policy document is longer than ${MAX_DOCUMENT_CHARACTERS} characters`);
  }
  return breaches;
}

function lifetimeBreaches(fields: Readonly<Record<string, unknown>>): string[] {
  return ["refreshAfterInSeconds", "disconnectAfterInSeconds"]
    .filter((key) => fields[key] !== undefined && fields[key] !== null && seconds(fields[key]) === null)
    .map((key) => `${key} is no whole number`);
}

function seconds(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}

function isOutOfRange(value: number | null): boolean {
  return value !== null && (value < MIN_LIFETIME_SECONDS || value > MAX_LIFETIME_SECONDS);
}

/** Keeps a lifetime within the documented range; absent: the default, 86400. */
export function clampLifetime(value: number | null): number {
  if (value === null) return MAX_LIFETIME_SECONDS;
  return Math.min(MAX_LIFETIME_SECONDS, Math.max(MIN_LIFETIME_SECONDS, value));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
