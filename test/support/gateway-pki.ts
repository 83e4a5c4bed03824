import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The name every good certificate is for. */
export const ENDPOINT = "gateway.test";

export interface Pki {
  readonly ca: string;
  readonly good: KeyPair;
  readonly expired: KeyPair;
  readonly wrongName: KeyPair;
  readonly selfSigned: KeyPair;
  /** No alternative name is a DNS name. */
  readonly namedBySubject: KeyPair;
  readonly client: KeyPair;
}

/** A CA and P-256 certificates of every kind, made by the openssl command. */
export function makePki(): Pki {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-pki-"));
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const newKey = (name: string): void =>
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
  const selfSign = (name: string, subject: string): void => {
    newKey(name);
    const san = ["-addext", `subjectAltName=DNS:${subject}`];
    openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      `${name}.key`,
      "-subj",
      `/CN=${subject}`,
      "-days",
      "30",
      ...san,
      "-out",
      `${name}.pem`,
    );
  };
  const issue = (name: string, host: string, days: string, names = `DNS:${host}`): KeyPair => {
    newKey(name);
    openssl("req", "-new", "-key", `${name}.key`, "-subj", `/CN=${host}`, "-out", `${name}.csr`);
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`);
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-days", days, "-out", `${name}.pem`);
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  try {
    selfSign("ca", "test-ca");
    selfSign("alone", ENDPOINT);
    return {
      ca: read("ca.pem"),
      good: issue("good", ENDPOINT, "30"),
      expired: issue("expired", ENDPOINT, "-1"),
      wrongName: issue("wrong", "other.test", "30"),
      selfSigned: { cert: read("alone.pem"), key: read("alone.key") },
      namedBySubject: issue("subject", ENDPOINT, "30", "email:nobody@gateway.test"),
      client: issue("client", "device-1", "30"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
