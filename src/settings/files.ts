import { X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import type { FieldPath } from "./field-path.ts";
import { type Finding, finding } from "./finding.ts";
import { at, entries, isObject } from "./plain-tree.ts";
import { readTextFile } from "./read-text.ts";

export interface NamedFiles {
  readonly findings: readonly Finding[];
  /** PEM by index of the target. */
  readonly caByTarget: ReadonlyMap<number, string>;
  /** PEM of who signed the queue's server; null: none is named. */
  readonly queueCa: string | null;
}

interface FileField {
  readonly path: FieldPath;
  readonly file: string;
}

/**
 * Looks at every file the configuration names: it must be there and readable. CA files are read (PEM certificates);
 * keys and tokens are not kept, they may be replaced while the daemon runs. Sources of profiles are not this one's.
 */
export async function checkNamedFiles(root: unknown, baseFolder: string): Promise<NamedFiles> {
  const caByTarget = new Map<number, string>();
  const targets = entries(root, ["targets"]);
  const roots = targets.flatMap(({ path, value }) => fileField([...path, "caFile"], value.caFile));
  const others = [
    ...tlsFiles(root),
    ...entries(root, ["http", "tokens"]).flatMap(({ path, value }) =>
      fileField([...path, "tokenFile"], value.tokenFile),
    ),
    ...entries(root, ["notify"]).flatMap(({ path, value }) =>
      fileField([...path, "secretFile"], value.secretFile),
    ),
  ];

  let queueCa: string | null = null;
  const findings = [
    ...roots.map(({ path, file }) =>
      readRoots(path, resolve(baseFolder, file), (pem) => caByTarget.set(Number(path[1]), pem)),
    ),
    ...queueRoots(root).map(({ path, file }) =>
      readRoots(path, resolve(baseFolder, file), (pem) => {
        queueCa = pem;
      }),
    ),
    ...others.map(async ({ path, file }) => {
      const source = await readTextFile(resolve(baseFolder, file));
      return source.kind === "unreadable" ? [finding(path, source.message)] : [];
    }),
  ];
  return { findings: (await Promise.all(findings)).flat(), caByTarget, queueCa };
}

async function readRoots(path: FieldPath, file: string, onRead: (pem: string) => void): Promise<Finding[]> {
  const source = await readTextFile(file);
  if (source.kind === "unreadable") return [finding(path, source.message)];
  if (source.kind === "not-text" || !holdsCertificates(source.text)) {
    return [finding(path, "expected a file of PEM certificates (-----BEGIN CERTIFICATE-----)")];
  }
  onRead(source.text);
  return [];
}

function queueRoots(root: unknown): readonly FileField[] {
  const queue = at(root, ["queue"]);
  return isObject(queue) ? fileField(["queue", "caFile"], queue.caFile) : [];
}

function tlsFiles(root: unknown): readonly FileField[] {
  const tls = at(root, ["http", "tls"]);
  if (!isObject(tls)) return [];
  return ["certFile", "keyFile"].flatMap((key) => fileField(["http", "tls", key], tls[key]));
}

function fileField(path: FieldPath, file: unknown): readonly FileField[] {
  return typeof file === "string" ? [{ path, file }] : [];
}

function holdsCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
