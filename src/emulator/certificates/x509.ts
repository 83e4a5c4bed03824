import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import {
  bitString,
  boolean,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  tlv,
  utf8String,
} from "./der.ts";

/** Who signs: for a self-signed certificate its own name and key. */
export interface Issuer {
  readonly commonName: string;
  /** P-256. */
  readonly privateKey: KeyObject;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** P-256. */
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** A CA, a TLS client, or a TLS server for these DNS names and IP addresses. */
  readonly use:
    | { readonly kind: "ca" | "client" }
    | { readonly kind: "server"; readonly names: readonly string[] };
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** An X.509 v3 certificate (RFC 5280) signed with ECDSA and SHA-256, in PEM. */
export function createCertificate(request: CertificateRequest, issuer: Issuer): string {
  const toBeSigned = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    name(issuer.commonName),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.commonName),
    request.publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(...extensions(request, issuer))),
  );
  const signature = sign("sha256", toBeSigned, issuer.privateKey);
  return pem("CERTIFICATE", sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature)));
}

/** Positive and at most 20 octets (RFC 5280, 4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(oid("2.5.4.3"), utf8String(commonName))));
}

function extensions({ use, publicKey }: CertificateRequest, issuer: Issuer): Buffer[] {
  const keyIds = [
    extension("2.5.29.14", false, octetString(keyId(publicKey))),
    extension("2.5.29.35", false, sequence(tlv(0x80, keyId(createPublicKey(issuer.privateKey))))),
  ];
  if (use.kind === "ca") {
    // keyCertSign and cRLSign are bits 5 and 6.
    return [
      extension("2.5.29.19", true, sequence(boolean(true))),
      extension("2.5.29.15", true, bitString(Buffer.from([0b0000_0110]), 1)),
      ...keyIds,
    ];
  }
  return [
    extension("2.5.29.19", true, sequence()),
    extension("2.5.29.15", true, bitString(Buffer.from([0b1000_0000]), 7)),
    extension("2.5.29.37", false, sequence(oid(use.kind === "server" ? SERVER_AUTH : CLIENT_AUTH))),
    ...(use.kind === "server"
      ? [extension("2.5.29.17", false, sequence(...use.names.map(alternativeName)))]
      : []),
    ...keyIds,
  ];
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function alternativeName(host: string): Buffer {
  if (isIPv4(host)) return tlv(0x87, Buffer.from(host.split(".").map(Number)));
  if (isIPv6(host)) return tlv(0x87, ipv6Bytes(host));
  return tlv(0x82, Buffer.from(host, "ascii"));
}

function ipv6Bytes(host: string): Buffer {
  // URL writes an address in its shortest hexadecimal form, an embedded IPv4 part included.
  const [head = "", tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const front = groups(head);
  const back = groups(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  return Buffer.from([...front, ...zeros, ...back].map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** The SHA-1 of the public key's bits (RFC 5280, 4.2.1.2): an identifier, not a protection. */
function keyId(publicKey: KeyObject): Buffer {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return createHash("sha1").update(point).digest();
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Reads a private key in PEM; null where it is none. */
export function readPrivateKey(text: string): KeyObject | null {
  try {
    return createPrivateKey(text);
  } catch {
    return null;
  }
}
