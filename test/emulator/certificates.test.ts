import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureCertificates, type KeyedCertificate } from "../../src/emulator/certificates/store.ts";

const NAMES = ["emulator-ats.iot.eu-west-1.amazonaws.com", "localhost", "127.0.0.1", "::1"];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-certificates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function verify(keyed: KeyedCertificate, ...args: string[]): string {
  writeFileSync(join(folder, "presented.pem"), keyed.certificate);
  return openssl(
    "verify",
    "-x509_strict",
    "-purpose",
    "sslserver",
    "-CAfile",
    "ca.pem",
    ...args,
    "presented.pem",
  );
}

test.each(NAMES)("openssl verifies the chain strictly for %s", async (name) => {
  const { valid } = await ensureCertificates(folder, NAMES);
  const by = /^[\d.]+$|:/.test(name) ? "-verify_ip" : "-verify_hostname";
  expect(verify(valid, by, name)).toContain("OK");
  expect(() => verify(valid, "-verify_hostname", "elsewhere.example")).toThrow();
});

test("keys are P-256 and readable by their owner only", async () => {
  const { valid } = await ensureCertificates(folder, NAMES);
  expect(new X509Certificate(valid.certificate).publicKey.asymmetricKeyDetails?.namedCurve).toBe(
    "prime256v1",
  );
  for (const file of ["ca.key", "server.key"]) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
});

describe("made once", () => {
  test("the same certificates are used again", async () => {
    const before = await ensureCertificates(folder, NAMES);
    const after = await ensureCertificates(folder, NAMES.slice(0, 2));
    expect(after.valid).toEqual(before.valid);
  });

  test("a new name gets a new server certificate from the same CA", async () => {
    const before = await ensureCertificates(folder, NAMES);
    const ca = readFileSync(before.caFile, "utf8");
    const after = await ensureCertificates(folder, [...NAMES, "iot.example.com"]);
    expect(readFileSync(after.caFile, "utf8")).toBe(ca);
    expect(verify(after.valid, "-verify_hostname", "iot.example.com")).toContain("OK");
  });

  test.each(["ca.pem", "ca.key", "server.pem", "server.key"])("a damaged %s is made anew", async (file) => {
    await ensureCertificates(folder, NAMES);
    writeFileSync(join(folder, file), "damaged");
    const { valid } = await ensureCertificates(folder, NAMES);
    expect(verify(valid, "-verify_hostname", "localhost")).toContain("OK");
  });
});

describe("faulty certificates", () => {
  test.each([
    ["expired", "certificate has expired"],
    ["self-signed", "self-signed certificate"],
    ["wrong-name", "hostname mismatch"],
  ] as const)("%s", async (kind, complaint) => {
    const certificates = await ensureCertificates(folder, NAMES);
    expect(() => verify(certificates.faulty(kind), "-verify_hostname", "localhost")).toThrow(complaint);
  });
});

test("any host name and address ends up in the certificate", async () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const name = fc.oneof(host, fc.ipV4(), fc.ipV6());
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), async (names) => {
      const { valid } = await ensureCertificates(folder, names);
      const certificate = new X509Certificate(valid.certificate);
      for (const each of names) {
        const isAddress = /^[\d.]+$|:/.test(each);
        expect(isAddress ? certificate.checkIP(each) : certificate.checkHost(each)).toBeDefined();
      }
    }),
    { numRuns: 30 },
  );
});
