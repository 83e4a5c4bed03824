import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { unreadableReason } from "../../lib/bounded-file.ts";
import { UsageError } from "../../lib/errors.ts";
import type { Json } from "../../model/invocation.ts";
import type { EmulatorConfig } from "../config.ts";

interface Registered {
  readonly pem: string;
  readonly isActive: boolean;
  readonly policyDocuments: readonly Json[];
}

/** The account's registered client certificates, by certificate id. */
export class ClientCertificates {
  readonly #byId: ReadonlyMap<string, Registered>;

  constructor(byId: ReadonlyMap<string, Registered>) {
    this.#byId = byId;
  }

  /** PEM of each: what TLS trusts. */
  get trusted(): readonly string[] {
    return [...this.#byId.values()].map(({ pem }) => pem);
  }

  /** The policies attached to an active certificate; null: not registered, or inactive. */
  policiesOf(id: string): readonly Json[] | null {
    const found = this.#byId.get(id);
    return found?.isActive ? found.policyDocuments : null;
  }
}

/** Throws UsageError for a file that is missing or no certificate. */
export async function readClientCertificates(config: EmulatorConfig): Promise<ClientCertificates> {
  const byId = new Map<string, Registered>();
  for (const { file, status, policyDocuments } of config.clientCertificates) {
    const path = resolve(config.baseFolder, file);
    let pem: string;
    try {
      pem = await readFile(path, "utf8");
    } catch (error) {
      throw new UsageError(`the client certificate file ${path} ${unreadableReason(error)}`);
    }
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch {
      throw new UsageError(`${path} is not a certificate in PEM`);
    }
    byId.set(certificateId(certificate.raw), {
      pem: certificate.toString(),
      isActive: status === "ACTIVE",
      policyDocuments,
    });
  }
  return new ClientCertificates(byId);
}

/** AWS names a certificate by the SHA-256 of its DER, in hex. */
export function certificateId(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}
