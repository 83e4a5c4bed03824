import type { CredentialTemplate, Profile } from "../model/profile.ts";
import type { FieldPath } from "./finding.ts";

/** A field whose references are resolved when the check runs. */
export interface TemplateField {
  readonly path: FieldPath;
  readonly template: CredentialTemplate;
}

/** A field that names a file which is read when the check runs. */
export interface FileField {
  readonly path: FieldPath;
  /** Absolute. */
  readonly file: string;
}

export function templateFields(profile: Profile): readonly TemplateField[] {
  const { username, password, token, headers, queryString } = profile;
  const fields: TemplateField[] = [];
  const add = (path: FieldPath, template: CredentialTemplate | null) => {
    if (template !== null) fields.push({ path, template });
  };
  add(["username"], username);
  add(["password"], password);
  if (token?.kind === "jwt") add(["token", "jwt"], token.jwt);
  else if (token) add(["token", "value"], token.value);
  if (token?.kind === "value") add(["token", "signature"], token.signature);
  for (const [name, value] of Object.entries(headers)) add(["headers", name], value);
  add(["queryString"], queryString);
  return fields;
}

export function fileFields({ token, tls }: Profile): readonly FileField[] {
  const fields: FileField[] = [];
  if (token?.kind === "sign") fields.push({ path: ["token", "signingKeyFile"], file: token.signingKeyFile });
  if (tls.certFile !== null) fields.push({ path: ["tls", "certFile"], file: tls.certFile });
  if (tls.keyFile !== null) fields.push({ path: ["tls", "keyFile"], file: tls.keyFile });
  return fields;
}
