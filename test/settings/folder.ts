import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { onTestFinished } from "vitest";

/** Any certificate; only its form matters here. */
export const CERTIFICATE_PEM = rootCertificates[0] ?? "";

/** A temporary folder with these files; gone after the test. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "settings-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export interface Parts {
  /** Further keys of the only target, on line 5. */
  readonly target?: string;
  /** Further keys of the only profile source, on line 8. */
  readonly profile?: string;
  /** Further sections, from line 9 on. */
  readonly rest?: string;
}

/** The smallest valid configuration, with additions at known lines. */
export function configText({ target = "", profile = "", rest = "" }: Parts = {}): string {
  return `targets:
  - name: eu
    region: eu-west-1
    accountId: "012345678901"
    ${target}
profiles:
  - path: fleet.ndjson
    ${profile}
${rest}
`;
}
