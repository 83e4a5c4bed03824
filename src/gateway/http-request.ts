import type { Secret } from "../model/secret.ts";
import type { Ending } from "./ending.ts";

/** Visible ASCII and the Latin-1 letters Node lets through: nothing that could end the request line early. */
const REQUEST_TARGET = /^\/[\u0021-\u007e\u0080-\u00ff]*$/;

/** What cannot be put into a request line, said before anything is dialled. */
export function pathProblem(path: Secret): Ending | null {
  if (REQUEST_TARGET.test(path.exposeText())) return null;
  const reason = "the request's path or query string holds a character that HTTP does not allow there";
  return { kind: "unusable", cause: "PROFILE_INVALID", reason };
}

/** The headers as the device sends them, names in their own case; Host is the endpoint unless the profile has one. */
export function exposeHeaders(
  headers: Readonly<Record<string, Secret>>,
  endpoint: string,
): Record<string, string> {
  const exposed: Record<string, string> = {};
  if (!Object.keys(headers).some((name) => name.toLowerCase() === "host")) exposed.Host = endpoint;
  for (const [name, value] of Object.entries(headers)) exposed[name] = value.exposeText();
  return exposed;
}
