import { assertNever } from "../lib/errors.ts";
import type { ConnectFields, TlsWire, Wire } from "../model/context.ts";
import type { Variation } from "../model/second-wave.ts";
import { Secret } from "../model/secret.ts";
import type { ReadyTarget } from "../model/target.ts";

/** The same device with one thing changed, to see whether it was what kept the device out; all else stays. */
export function varyWire(wire: Wire, variation: Variation, target: Pick<ReadyTarget, "endpoint">): Wire {
  switch (variation) {
    case "alpn-mqtt":
      return withTls(wire, { alpn: ["mqtt"] });
    case "no-client-certificate":
      return withTls(wire, { clientCertificate: null });
    case "endpoint-server-name":
      return withTls(wire, { serverName: target.endpoint });
    case "clean-session-no-will":
      return withConnect(wire, { cleanSession: true, sessionExpirySeconds: 0, will: null });
    case "signature-encoding":
      return withEncodedSignature(wire);
    default:
      return assertNever(variation, "variation");
  }
}

function withTls(wire: Wire, changes: Partial<TlsWire>): Wire {
  return { ...wire, tls: { ...wire.tls, ...changes } };
}

function withConnect(wire: Wire, changes: Partial<ConnectFields>): Wire {
  return wire.kind === "https" ? wire : { ...wire, connect: { ...wire.connect, ...changes } };
}

/** Encoded exactly once, as DG/custom-auth.html wants it, in user name and request target alike. */
function withEncodedSignature(wire: Wire): Wire {
  const path = wire.kind === "mqtt" ? {} : { path: encodedOnce(wire.path) };
  const changed = { ...wire, ...path } as Wire;
  if (changed.kind === "https" || changed.connect.username === null) return changed;
  return withConnect(changed, { username: encodedOnce(changed.connect.username) });
}

const SIGNATURE = /([?&]x-amz-customauthorizer-signature=)([^&]*)/gi;

function encodedOnce(query: Secret): Secret {
  const text = query.exposeText();
  return new Secret(text.replace(SIGNATURE, (_, key, value) => key + encodeURIComponent(plain(value))));
}

/** Base64 holds no percent sign: one that is there belongs to an encoding. A bare plus stands for itself. */
function plain(written: string): string {
  let text = written;
  for (let encodings = 0; encodings < 2 && text.includes("%"); encodings += 1) {
    try {
      text = decodeURIComponent(text);
    } catch {
      return text;
    }
  }
  return text;
}
