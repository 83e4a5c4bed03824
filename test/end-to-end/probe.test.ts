import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProbeReport } from "../../src/cli/probe-device.ts";
import { widthOf } from "../../src/report/text.ts";
import { probeSchema } from "../report/steps/probe-schema.ts";
import { answer, type Bench, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { type Program, run, start } from "../support/program.ts";

const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
const WRONG_PASSWORD = "planted wrong password";

function device(id: string, changes: object = {}): Record<string, unknown> {
  return goodDevice(0, { id, clientId: id, username: `device-${id}`, ...changes });
}

const DEVICES = [
  device("healthy"),
  device("wrong-password", { password: WRONG_PASSWORD }),
  device("narrow", { username: "narrow" }),
  device("live", { identity: "device" }),
  device("no-alpn", { tls: { alpn: [] } }),
  device("cut", { clientId: "cut" }),
  device("topics", { expect: { access: "allow", publish: { allow: ["smoke/{id}"] } } }),
  device("both", {
    protocol: ["mqtt", "https"],
    topic: "smoke/both",
    authorizer: "signed",
    username: undefined,
    password: undefined,
    token: signedToken("good-both"),
  }),
  device("kept-out", { password: WRONG_PASSWORD, expect: "deny" }),
  device("ours", { clientId: "ours" }),
  device("fileless", { password: "${file:gone.txt}" }),
];

/** Denies by its second statement. */
const NARROW = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "iot:*", Resource: "*" },
    { Effect: "Deny", Action: "iot:Connect", Resource: "arn:aws:iot:*:*:client/narrow" },
  ],
};

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({
    profiles: DEVICES,
    emulator: {
      authorizers: [
        {
          name: "passwords",
          signingDisabled: true,
          handler: {
            table: [
              { when: { username: "/^device-/", password: "right" }, answer: answer() },
              {
                when: { username: "narrow", password: "right" },
                answer: answer({ policyDocuments: [NARROW] }),
              },
            ],
          },
        },
        {
          name: "signed",
          tokenKeyName: "x-token",
          publicKeyFiles: { k1: "signed.pub.pem" },
          handler: { table: [{ when: { token: "/^good/" }, answer: answer() }] },
        },
      ],
      faults: [{ match: { clientId: "cut" }, kind: "close" }],
    },
    target: { timeouts: { invoke: "10s", probe: "60s" } },
  });
  await writeFile(join(bench.folder, "gone.txt"), "right");
});
afterAll(() => bench?.end());

async function probe(id: string, ...more: string[]) {
  const ended = await run(["probe", "--config", bench.configFile, "--device", id, ...more]);
  return { ...ended, text: ended.stdout.replace(/\s+/g, " ") };
}

async function json(id: string): Promise<ProbeReport> {
  const { stdout } = await probe(id, "--json");
  expect(stdout.split("\n")).toHaveLength(2);
  const report: unknown = JSON.parse(stdout);
  expect(probeSchema.parse(report)).toEqual(report);
  return report as ProbeReport;
}

describe("probe", () => {
  it("of a healthy device passes and shows every step", async () => {
    const { code, stdout, stderr, text } = await probe("healthy");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")[0]).toBe("✔ PASS  healthy  over mqtt");
    for (const part of [
      "passwords, named by the device",
      "✔ passwords: ACTIVE",
      "✔ allowed in",
      "✔ allow because statement 0 of document 0 allows it",
      "✔ accepted (code 0)",
      "> CONNECT < CONNACK 0 > DISCONNECT",
      'verdict="pass"',
      "✔ pass: it gets in, as it should",
    ]) {
      expect(text).toContain(part);
    }
    expect(stdout.split("\n").filter((line) => widthOf(line) > 80)).toEqual([]);
  });

  it("of a device with a wrong password fails and says who refused it, without the password", async () => {
    const { code, stdout, text } = await probe("wrong-password");
    expect(code).toBe(3);
    expect(text).toContain("✘ denied in");
    expect(text).toContain("AUTHORIZER_DENIED_EXPECTED_ALLOW");
    expect(text).toContain(`password <secret> ${WRONG_PASSWORD.length} bytes`);
    expect(stdout).not.toContain(WRONG_PASSWORD);
  });

  it("of a device whose policy denies it shows the statement that decides", async () => {
    const { code, text } = await probe("narrow");
    expect(code).toBe(3);
    expect(text).toContain("because statement 1 of document 0 denies it");
    const report = await json("narrow");
    const { policy } = report.results[0]?.steps ?? {};
    expect(policy).toMatchObject({ decision: "deny", by: "explicit-deny", document: 0, statement: 1 });
    expect(JSON.parse(policy?.decidingStatement?.text ?? "")).toEqual(NARROW.Statement[1]);
    expect(report.results[0]?.causes[0]?.code).toBe("POLICY_CONNECT_DENIED");
  });

  it("leaves the gateway alone where a live device may be connected", async () => {
    const { code, text } = await probe("live");
    expect(code).toBe(4);
    expect(text).toContain("· SKIPPED live over mqtt DEVICE_IDENTITY_GUARDED");
    const [result] = (await json("live")).results;
    expect(result).toMatchObject({
      verdict: "skipped",
      gateway: "skipped",
      steps: { gateway: { connection: null } },
    });
  });

  it("tries again with one thing changed, and says that it was that", async () => {
    const { code, text } = await probe("no-alpn");
    expect(code).toBe(3);
    expect(text).toContain("alpn-mqtt ✔ with ALPN mqtt: accepted (code 0)");
    expect(text).toContain("cause ALPN_MISSING");
  });

  it("of a device that is cut off is inconclusive, and says what to do", async () => {
    const { code, text } = await probe("cut");
    expect(code).toBe(4);
    expect(text).toContain("GATEWAY_CLOSED_UNCONFIRMED");
    expect(text).toContain("One device alone cannot show whether");
  });

  it("proves topics one by one", async () => {
    const { code, text } = await probe("topics");
    expect(code).toBe(0);
    expect(text).toMatch(
      /publish ✔ smoke\/topics, expected allow policy: allow, .+ gateway: allowed, PUBACK 0/,
    );
  });

  it("goes through every protocol of the device", async () => {
    const report = await json("both");
    expect(report.results.map(({ protocol, verdict }) => [protocol, verdict])).toEqual([
      ["mqtt", "pass"],
      ["https", "pass"],
    ]);
    expect((await probe("both")).stdout.match(/^✔ PASS {2}both {2}over \w+$/gm)).toHaveLength(2);
  });

  it("of a device that must be kept out, and is, passes", async () => {
    const { code, text } = await probe("kept-out");
    expect(code).toBe(0);
    expect(text).toContain("✔ pass: it is kept out, as it should");
  });

  it("of a device whose credentials are lost says which, and that nothing was sent", async () => {
    await rm(join(bench.folder, "gone.txt"));
    const { code, text } = await probe("fileless");
    await writeFile(join(bench.folder, "gone.txt"), "right");
    expect(code).toBe(4);
    expect(text).toContain("CREDENTIAL_UNAVAILABLE");
    expect(text).toContain("sent nothing");
  });

  it("does not connect with a dedicated client id that somebody uses: nobody is thrown out", async () => {
    const client = connect({
      protocol: "mqtts",
      host: "127.0.0.1",
      port: Number(bench.gateway.split(":").at(-1)),
      servername: ENDPOINT,
      ca: readFileSync(join(bench.folder, "certificates/ca.pem")),
      ALPNProtocols: ["mqtt"],
      reconnectPeriod: 0,
      clientId: "ours",
      username: "device-ours?x-amz-customauthorizer-name=passwords",
      password: "right",
    });
    await new Promise((resolve) => client.once("connect", resolve));
    let isClosed = false;
    client.once("close", () => {
      isClosed = true;
    });
    try {
      const { code, text } = await probe("ours");
      expect(code).toBe(4);
      expect(text).toContain("CLIENT_ID_IN_USE");
      expect([client.connected, isClosed]).toEqual([true, false]);
    } finally {
      await client.endAsync(true);
    }
  });

  it("of an unknown device is exit code 5", async () => {
    const { code, stdout, stderr } = await probe("nobody\u001b[31m");
    expect([code, stdout]).toEqual([5, ""]);
    expect(stderr).toBe('unknown device "nobody\\u001b[31m": no valid profile has this id\n');
  });

  it("of a device whose profile is invalid says where and what is wrong with it", async () => {
    const file = join(bench.folder, "fleet.ndjson");
    const before = await readFile(file, "utf8");
    await writeFile(file, `${before}{"id":"odd","protocol":"smoke"}\n{not json\n`);
    const { code, stderr } = await probe("odd");
    await writeFile(file, before);
    expect(code).toBe(5);
    expect(stderr).toContain(`fleet.ndjson:${DEVICES.length + 1}: protocol`);
    expect(stderr).toContain(`fleet.ndjson:${DEVICES.length + 2}: `);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at %s with %i", async (signal, expected) => {
    const gateway = await silentGateway();
    try {
      const program = start(["probe", "--config", gateway.configFile, "--device", "healthy"]);
      await gateway.connected();
      program.process.kill(signal);
      expect([await program.ended, program.stdout(), program.stderr()]).toEqual([expected, "", ""]);
    } finally {
      await gateway.close();
    }
  });
});

/** A gateway that takes connections and says nothing, and a configuration that leads there. */
async function silentGateway() {
  const server = createServer().listen(0, "127.0.0.1");
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket.on("error", () => {}).resume()));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = JSON.parse(await readFile(bench.configFile, "utf8"));
  const configFile = join(bench.folder, `silent-${port}.yaml`);
  const targets = config.targets.map((target: object) => ({ ...target, port }));
  await writeFile(configFile, JSON.stringify({ ...config, targets }));
  return {
    configFile,
    /** The next connection. */
    connected: async (): Promise<Socket> => {
      if (sockets.length === 0) await once(server, "connection");
      return sockets.shift() ?? Promise.reject(new Error("no connection"));
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("GET /probe of a daemon", () => {
  let daemon: Program;
  let url: string;
  beforeAll(async () => {
    daemon = start(["daemon", "--config", bench.configFile]);
    [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  });
  afterAll(async () => {
    daemon.process.kill("SIGTERM");
    await daemon.ended;
  });

  async function ask(query: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}/probe?${query}`, { headers });
    return { status: response.status, text: await response.text() };
  }

  it("answers shortly, in full as text, in full as JSON, and with metrics", async () => {
    const short = await ask("device=narrow");
    expect(short.status).toBe(200);
    expect(JSON.parse(short.text)).toMatchObject({
      device: "narrow",
      verdict: "fail",
      causes: [{ protocol: "mqtt", code: "POLICY_CONNECT_DENIED" }],
    });
    const full = await ask("device=narrow&debug=true");
    expect(full.text).toMatch(/^✘ FAIL {2}narrow {2}over mqtt {2}POLICY_CONNECT_DENIED\n/);
    expect(full.text).toContain('"Resource": "arn:aws:iot:*:*:client/narrow"');
    const report = JSON.parse((await ask("device=narrow&debug=true&format=json")).text);
    expect(probeSchema.parse(report)).toEqual(report);
    const metrics = await ask("device=narrow&format=metrics");
    expect(metrics.text).toMatch(/^fleet_smoke_checks_total\{.*verdict="fail".*\} 1$/m);
    expect(metrics.text).not.toContain("fleet_smoke_build_info");
  });

  it("counts in the daemon's metrics as calls, not as checks", async () => {
    await ask("device=healthy");
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(page).toMatch(/^fleet_smoke_aws_requests_total\{.*operation="TestInvokeAuthorizer".*\} [1-9]/m);
    expect(page).not.toMatch(/^fleet_smoke_checks_total\{.*\} [1-9]/m);
  });

  it("does not connect a guarded device", async () => {
    const { text } = await ask("device=live&debug=true&format=json");
    expect(JSON.parse(text).results[0].steps.gateway.connection).toBeNull();
  });

  it("does not know every device", async () => {
    const { status, text } = await ask("device=nobody");
    expect([status, JSON.parse(text)]).toMatchObject([404, { detail: "no valid profile has this id" }]);
  });

  it("ends its connection when the client hangs up", async () => {
    const gateway = await silentGateway();
    const other = start(["daemon", "--config", gateway.configFile]);
    try {
      const [, address = ""] = await other.says(/"url":"([^"]+)"/);
      const leaving = new AbortController();
      const asked = fetch(`${address}/probe?device=healthy`, { signal: leaving.signal }).catch(() => "left");
      const closed = once(await gateway.connected(), "close");
      leaving.abort();
      await closed;
      expect(await asked).toBe("left");
    } finally {
      other.process.kill("SIGTERM");
      expect(await other.ended).toBe(0);
      await gateway.close();
    }
  });
});
