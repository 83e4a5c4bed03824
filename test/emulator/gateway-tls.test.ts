import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { peekClientHello } from "../../src/emulator/gateway/client-hello.ts";
import { connackOf, ENDPOINT, startTestEmulator, type TestEmulator } from "../support/emulator.ts";

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator({
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT, aliases: ["localhost"], defaultAuthorizer: "open-door" },
      { name: "off", serverName: "off.example", defaultAuthorizer: "open-door", status: "DISABLED" },
      custom("mqtt", { applicationProtocol: "SECURE_MQTT" }),
      custom("wss", { applicationProtocol: "MQTT_WSS" }),
      custom("https", { applicationProtocol: "HTTPS" }),
      {
        name: "signed-only",
        serverName: "sigv4.example",
        authenticationType: "AWS_SIGV4",
        applicationProtocol: "HTTPS",
      },
      { name: "old", serverName: "expired.example", certificate: "expired" },
      { name: "selfmade", serverName: "self.example", certificate: "self-signed" },
      { name: "other", serverName: "wrong.example", certificate: "wrong-name" },
    ],
    behaviours: { explicitDomainWithoutAlpn: "close" },
  });
});
afterAll(() => emulator.stop());

function custom(name: string, changes: object): object {
  return {
    name,
    serverName: `${name}.example`,
    defaultAuthorizer: "open-door",
    authenticationType: "CUSTOM_AUTH",
    ...changes,
  };
}

/** How a handshake ends: the protocol ALPN agreed on, or the error's code. */
function handshake(
  options: ConnectionOptions = {},
  at = emulator,
): Promise<string | false | null | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host: at.host,
      port: at.port,
      servername: ENDPOINT,
      ca: readFileSync(at.caFile),
      ...options,
    });
    socket.once("secureConnect", () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("close", () => resolve("closed"));
  });
}

const ALERT_120 = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
const ALERT_112 = "ERR_SSL_TLSV1_UNRECOGNIZED_NAME";

describe("ALPN on port 443", () => {
  test.each([
    [["mqtt"], "mqtt"],
    [undefined, false],
    [["http/1.1"], "http/1.1"],
    [["h2", "http/1.1"], "http/1.1"],
    [["h2", "mqtt"], "mqtt"],
    [["h2"], ALERT_120],
    [["mqtt3"], ALERT_120],
  ])("%j is answered with %s", async (offered, expected) => {
    expect(await handshake(offered ? { ALPNProtocols: offered } : {})).toBe(expected);
  });

  test("openssl sees the alert too, and TLS 1.2 works", async () => {
    const openssl = (...args: string[]) => {
      const where = ["-connect", emulator.gateway, "-servername", ENDPOINT, "-CAfile", emulator.caFile];
      const run = promisify(execFile)("openssl", [
        "s_client",
        ...where,
        "-verify_return_error",
        "-brief",
        ...args,
      ]);
      run.child.stdin?.end();
      return run.then(
        ({ stderr }) => stderr,
        (error: { stderr: string }) => error.stderr,
      );
    };
    expect(await openssl("-alpn", "h2")).toContain("alert number 120");
    expect(await openssl("-alpn", "mqtt", "-tls1_2")).toMatch(/TLSv1\.2[\s\S]*Verification: OK/);
    expect(await openssl("-tls1_1")).toMatch(/alert|error/);
  });
});

describe("SNI", () => {
  test("MQTT needs a name of the account: a TLS alert otherwise", async () => {
    const alpn = { ALPNProtocols: ["mqtt"] };
    expect(await handshake({ ...alpn, servername: "elsewhere.example" })).toBe(ALERT_112);
    expect(await handshake({ ...alpn, servername: "" })).toBe(ALERT_112);
  });

  test("or a close, by switch", async () => {
    const other = await startTestEmulator({ behaviours: { noSni: "close" } });
    onTestFinished(() => other.stop());
    expect(await handshake({ ALPNProtocols: ["mqtt"], servername: "" }, other)).toBeOneOf([
      "ECONNRESET",
      "closed",
    ]);
  });

  test("HTTP can do without", async () => {
    expect(await handshake({ servername: "", checkServerIdentity: () => undefined })).toBe(false);
  });

  test("names are case-insensitive", async () => {
    expect(await handshake({ ALPNProtocols: ["mqtt"], servername: ENDPOINT.toUpperCase() })).toBe("mqtt");
  });
});

test.each([
  ["expired.example", "CERT_HAS_EXPIRED"],
  ["self.example", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["wrong.example", "ERR_TLS_CERT_ALTNAME_INVALID"],
])("%s shows a certificate that fails with %s", async (servername, code) => {
  expect(await handshake({ servername })).toBe(code);
});

describe("domains that say what they speak", () => {
  test.each([
    ["mqtt.example", ["mqtt"], "mqtt"],
    ["mqtt.example", undefined, "ECONNRESET"],
    ["mqtt.example", ["http/1.1"], ALERT_120],
    ["wss.example", ["mqtt"], ALERT_120],
    ["https.example", undefined, false],
  ])("%s with ALPN %j: %s", async (servername, offered, expected) => {
    const ended = await handshake({ servername, ...(offered && { ALPNProtocols: offered }) });
    expect(ended === "closed" ? "ECONNRESET" : ended).toBe(expected);
  });

  test("MQTT is served on a SECURE_MQTT domain, not on a disabled one", async () => {
    expect(await connackOf(emulator, { servername: "mqtt.example" })).toBe(0);
    expect(await connackOf(emulator, { servername: "off.example", protocolVersion: 5 })).toBe(135);
    expect(await connackOf(emulator, { servername: "off.example", protocolVersion: 4 })).toBe("closed");
  });
});

describe("other AWS ports", () => {
  test.each([8443, 8883])(
    "custom auth is refused on %i: it wants a client certificate",
    async (gatewayRole) => {
      const other = await startTestEmulator({ listen: { gatewayRole } });
      onTestFinished(() => other.stop());
      const options: ConnectionOptions = {
        maxVersion: "TLSv1.2",
        ...(gatewayRole === 8883 && { ALPNProtocols: ["mqtt"] }),
      };
      expect(await handshake(options, other)).toMatch(/HANDSHAKE_FAILURE|ECONNRESET/);
    },
  );
});

describe("bytes that are not what the port speaks", () => {
  test("MQTT without ALPN on 443 meets HTTP and is closed without an answer", async () => {
    const { received } = await exchange(
      {},
      Buffer.from([0x10, 0x0c, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0]),
    );
    expect(received).toHaveLength(0);
  });

  test("HTTP with ALPN mqtt is closed without an answer", async () => {
    const { received } = await exchange(
      { ALPNProtocols: ["mqtt"] },
      Buffer.from("GET /mqtt HTTP/1.1\r\n\r\n"),
    );
    expect(received).toHaveLength(0);
  });

  test("plain text is closed", async () => {
    const socket = connectTcp(emulator.port, emulator.host);
    socket.write("GET / HTTP/1.1\r\n\r\n");
    expect(await drain(socket)).toHaveLength(0);
  });

  test("a packet that announces 200 MB is refused by its header", async () => {
    const { received } = await exchange(
      { ALPNProtocols: ["mqtt"] },
      Buffer.from([0x10, 0xff, 0xff, 0xff, 0x60]),
    );
    expect(received).toHaveLength(0);
  });
});

describe("fuzzing", () => {
  const someBytes = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));

  test("random bytes on the TCP port crash nothing", async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, fc.boolean(), async (bytes, looksLikeTls) => {
        const socket = connectTcp(emulator.port, emulator.host);
        socket.on("error", () => {});
        socket.end(looksLikeTls ? Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0]), bytes]) : bytes);
        await drain(socket);
      }),
      { numRuns: 60 },
    );
    expect(await connackOf(emulator)).toBe(0);
  });

  test("random bytes after a CONNECT, and mutated CONNECTs, crash nothing", async () => {
    const connectPacket = Buffer.from(
      "101d00044d51545405c2003c000001780006646576696365000572696768740a",
      "hex",
    );
    const mutated = fc
      .array(fc.tuple(fc.nat(connectPacket.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(connectPacket);
        for (const [at, value] of changes) copy[at] = value;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(mutated, someBytes, async (first, rest) => {
        await exchange({ ALPNProtocols: ["mqtt"] }, Buffer.concat([first, rest]), true);
      }),
      { numRuns: 60 },
    );
    expect(await connackOf(emulator)).toBe(0);
  });

  test("a ClientHello is read whole or not at all, wherever it is cut", async () => {
    const hello = await captureHello({ servername: "a.example", ALPNProtocols: ["mqtt", "h2"] });
    expect(peekClientHello(hello)).toEqual({
      kind: "read",
      hello: { serverName: "a.example", alpn: ["mqtt", "h2"] },
    });
    for (let size = 0; size < hello.length; size++) {
      expect(peekClientHello(hello.subarray(0, size)).kind).toBe("incomplete");
    }
    fc.assert(
      fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, value) => {
        const copy = Buffer.from(hello);
        copy[at] = value;
        expect(peekClientHello(copy).kind).toBeOneOf(["read", "incomplete", "not-tls"]);
      }),
    );
  });
});

function captureHello(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once("data", (bytes: Buffer) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      connect({ host: "127.0.0.1", port, ...options }).on("error", () => {});
    });
  });
}

/** Sends bytes over TLS and reads to the end; `endFirst`: we close at once, instead of waiting to be closed. */
async function exchange(
  options: ConnectionOptions,
  bytes: Buffer,
  endFirst = false,
): Promise<{ readonly received: Buffer }> {
  const socket: TLSSocket = connect({
    host: emulator.host,
    port: emulator.port,
    servername: ENDPOINT,
    ca: readFileSync(emulator.caFile),
    ...options,
  });
  socket.on("error", () => {});
  if (endFirst) socket.end(bytes);
  else socket.write(bytes);
  return { received: await drain(socket) };
}

function drain(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}
