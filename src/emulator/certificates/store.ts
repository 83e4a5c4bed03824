import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { createCertificate, type Issuer, readPrivateKey } from "./x509.ts";

const DAY_MS = 24 * 3600 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 397;
/** Below this a kept certificate is made anew. */
const MIN_DAYS_LEFT = 7;
/** Clocks differ a little between machines. */
const BACKDATED_MS = 3600 * 1000;
const CA_NAME = "fleet-smoke emulator CA";

export interface KeyedCertificate {
  /** PEM; a server's is followed by its CA's. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
}

/** What a domain presents; all but `valid` are faults a device meets. */
export type CertificateKind = "valid" | "expired" | "self-signed" | "wrong-name";

export interface Certificates {
  /** Absolute path of ca.pem. */
  readonly caFile: string;
  readonly valid: KeyedCertificate;
  /** A certificate with this fault, made on first use. */
  faulty(kind: Exclude<CertificateKind, "valid">): KeyedCertificate;
}

/**
 * The CA and the server's P-256 certificate in `folder` (created), made once and used again while they are valid
 * and cover every name in `names` (DNS names and IP addresses). Files: ca.pem, ca.key, server.pem, server.key;
 * keys are readable by their owner only.
 */
export async function ensureCertificates(folder: string, names: readonly string[]): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  const ca = (await readKeyed(folder, "ca", isUsableCa)) ?? (await writeKeyed(folder, "ca", createCa()));
  const issuer = { commonName: CA_NAME, privateKey: createPrivateKey(ca.privateKey) };
  const valid =
    (await readKeyed(folder, "server", (certificate) => isUsableServer(certificate, ca, names))) ??
    (await writeKeyed(folder, "server", issueServer(issuer, ca, names, SERVER_DAYS)));
  const faults = new Map<CertificateKind, KeyedCertificate>();
  return {
    caFile: join(folder, "ca.pem"),
    valid,
    faulty: (kind) => {
      const made = faults.get(kind) ?? createFaulty(kind, issuer, ca, names);
      faults.set(kind, made);
      return made;
    },
  };
}

function createFaulty(
  kind: Exclude<CertificateKind, "valid">,
  issuer: Issuer,
  ca: KeyedCertificate,
  names: readonly string[],
): KeyedCertificate {
  switch (kind) {
    case "expired":
      return issueServer(issuer, ca, names, -1);
    case "wrong-name":
      return issueServer(issuer, ca, ["not-this-one.invalid"], SERVER_DAYS);
    case "self-signed": {
      const { publicKey, privateKey } = generateKeys();
      const commonName = names[0] ?? "self-signed";
      const certificate = createCertificate(
        { commonName, publicKey, ...validFor(SERVER_DAYS), use: { kind: "server", names } },
        { commonName, privateKey },
      );
      return { certificate, privateKey: exportKey(privateKey) };
    }
  }
}

function createCa(): KeyedCertificate {
  const { publicKey, privateKey } = generateKeys();
  const certificate = createCertificate(
    { commonName: CA_NAME, publicKey, ...validFor(CA_DAYS), use: { kind: "ca" } },
    { commonName: CA_NAME, privateKey },
  );
  return { certificate, privateKey: exportKey(privateKey) };
}

function issueServer(
  issuer: Issuer,
  ca: KeyedCertificate,
  names: readonly string[],
  days: number,
): KeyedCertificate {
  const { publicKey, privateKey } = generateKeys();
  // A common name holds at most 64 characters (RFC 5280, ub-common-name); the names that count are in the SAN.
  const commonName = (names[0] ?? "emulator").slice(0, 64);
  const certificate = createCertificate(
    { commonName, publicKey, ...validFor(days), use: { kind: "server", names } },
    issuer,
  );
  return { certificate: `${certificate}${ca.certificate}`, privateKey: exportKey(privateKey) };
}

/** From a little ago until in `days`; negative: ended that long ago. */
function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  const notAfter = new Date(now + days * DAY_MS);
  return { notBefore: new Date(Math.min(now, notAfter.getTime() - DAY_MS) - BACKDATED_MS), notAfter };
}

function generateKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
}

function exportKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

async function readKeyed(
  folder: string,
  stem: string,
  isUsable: (certificate: X509Certificate) => boolean,
): Promise<KeyedCertificate | null> {
  try {
    const certificate = await readFile(join(folder, `${stem}.pem`), "utf8");
    const privateKey = await readFile(join(folder, `${stem}.key`), "utf8");
    const parsed = new X509Certificate(certificate);
    const key = readPrivateKey(privateKey);
    const daysLeft = (parsed.validToDate.getTime() - Date.now()) / DAY_MS;
    const isWhole = key !== null && parsed.checkPrivateKey(key) && daysLeft > MIN_DAYS_LEFT;
    return isWhole && isUsable(parsed) ? { certificate, privateKey } : null;
  } catch {
    // Missing or damaged: made anew.
    return null;
  }
}

function isUsableCa(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.subject === `CN=${CA_NAME}`;
}

function isUsableServer(
  certificate: X509Certificate,
  ca: KeyedCertificate,
  names: readonly string[],
): boolean {
  const issuer = new X509Certificate(ca.certificate);
  const covers = (name: string) =>
    isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
  return certificate.verify(issuer.publicKey) && names.every((name) => covers(name) !== undefined);
}

/** Key first, each by rename: a reader never meets half a file, nor a new certificate without its key. */
async function writeKeyed(folder: string, stem: string, keyed: KeyedCertificate): Promise<KeyedCertificate> {
  const write = async (name: string, text: string, mode: number) => {
    const temporary = join(folder, `.${name}.${crypto.randomUUID()}`);
    await writeFile(temporary, text, { mode });
    await rename(temporary, join(folder, name));
  };
  await write(`${stem}.key`, keyed.privateKey, 0o600);
  await write(`${stem}.pem`, keyed.certificate, 0o644);
  return keyed;
}
