import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createCertificate } from "../../src/emulator/certificates/x509.ts";
import {
  admitted,
  arn,
  connackOf,
  ENDPOINT,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

interface Device {
  readonly cert: string;
  readonly key: string;
  readonly id: string;
}

function device(commonName: string): Device {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const issuer = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  const cert = createCertificate(
    {
      commonName,
      publicKey,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      use: { kind: "client" },
    },
    {
      commonName: "somebody's CA",
      privateKey: createPrivateKey(issuer.export({ type: "pkcs8", format: "pem" })),
    },
  );
  const id = new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), id };
}

const KNOWN = device("known");
const INACTIVE = device("inactive");
const STRANGER = device("stranger");

let folder: string;
let config: object;
let emulator: TestEmulator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-x509-"));
  writeFileSync(join(folder, "known.pem"), KNOWN.cert);
  writeFileSync(join(folder, "inactive.pem"), INACTIVE.cert);
  const mine = policy(["iot:Connect", "iot:Publish"], [arn("client/mine"), arn("topic/mine")]);
  config = {
    clientCertificates: [
      { file: join(folder, "known.pem"), policyDocuments: [mine] },
      { file: join(folder, "inactive.pem"), status: "INACTIVE" },
    ],
    authorizers: [
      tableAuthorizer([
        {
          when: { username: "united", password: "right" },
          answer: { isAuthenticated: true, principalId: KNOWN.id },
        },
        { when: { username: "other", password: "right" }, answer: admitted() },
      ]),
    ],
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT },
      {
        name: "both",
        serverName: "both.example",
        defaultAuthorizer: "open-door",
        authenticationType: "CUSTOM_AUTH_X509",
        applicationProtocol: "SECURE_MQTT",
      },
    ],
  };
  emulator = await startTestEmulator(config);
});
afterAll(async () => {
  await emulator.stop();
  rmSync(folder, { recursive: true });
});

describe("custom authentication with a client certificate", () => {
  const both = (username: string, { cert, key }: Partial<Device>) =>
    connackOf(emulator, {
      servername: "both.example",
      protocolVersion: 5,
      username,
      clientId: "mine",
      ...(cert && { cert }),
      ...(key && { key }),
    });

  test("a registered certificate is let in with its own policies, where the principal is its id", async () => {
    expect(await both("united", KNOWN)).toBe(0);
  });

  test("another principal id is unusable", async () => {
    expect(await both("other", KNOWN)).toBe(128);
  });

  test("an inactive certificate is refused", async () => {
    expect(await both("united", INACTIVE)).toBe(135);
  });

  test.each([
    ["a stranger's certificate", STRANGER],
    ["no certificate", {}],
  ])("%s ends in the handshake", async (_what, credentials) => {
    expect(await both("united", credentials)).toBe("closed");
  });
});

describe("the certificate paths", () => {
  const certified = {
    cert: KNOWN.cert,
    key: KNOWN.key,
    clientId: "mine",
    username: "nobody",
    password: "wrong",
  };

  test("ALPN x-amzn-mqtt-ca asks no authorizer", async () => {
    expect(await connackOf(emulator, { ...certified, ALPNProtocols: ["x-amzn-mqtt-ca"] })).toBe(0);
    const foreign = { ...certified, clientId: "foreign" };
    expect(await connackOf(emulator, { ...foreign, ALPNProtocols: ["x-amzn-mqtt-ca"] })).toBe(5);
  });

  test("port 8883 asks no authorizer", async () => {
    const other = await startTestEmulator({ ...config, listen: { gatewayRole: 8883 } });
    onTestFinished(() => other.stop());
    expect(await connackOf(other, { ...certified, ALPNProtocols: [] })).toBe(0);
  });

  test("without a certificate the handshake fails", async () => {
    const bare = { clientId: "mine", ALPNProtocols: ["x-amzn-mqtt-ca"] };
    expect(await connackOf(emulator, bare)).toBe("closed");
  });
});
