import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer, type Bench, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { run, start } from "../support/program.ts";

/** Each planted where a profile can hold a credential; long and odd enough to be unmistakable. */
const PLANTED = {
  password: 'Pa55-w0rd+planted/"quote"=',
  wrongPassword: "Wr0ng-planted-password",
  token: "good-planted-token-7391",
  header: "planted-header-value-5521",
  query: "planted-query-value-8812",
  raw: "planted-raw-token-6640",
  username: "planted-login-name-0417",
  // Letters and digits only, so that an authorizer can return it as its principalId.
  fromFile: "PlantedFileSecret9903",
  fromCommand: "planted-exec-secret-2288",
};

/** Every form in which it could surface. */
function forms(secret: string): string[] {
  const url = encodeURIComponent(secret);
  const base64 = Buffer.from(secret).toString("base64");
  return [
    secret,
    url,
    JSON.stringify(secret).slice(1, -1),
    base64.replace(/=+$/, ""),
    Buffer.from(secret).toString("base64url"),
    Buffer.from(secret).toString("hex"),
  ];
}

function devices(): object[] {
  const device = (id: string, changes: object) => goodDevice(0, { id, clientId: id, cohort: id, ...changes });
  const signed = { authorizer: "signed", username: undefined, password: undefined };
  return [
    device("passes", { username: "device-planted", password: PLANTED.password }),
    device("denied", { username: PLANTED.username, password: PLANTED.wrongPassword }),
    device("accepted-unexpectedly", {
      username: "device-planted",
      password: PLANTED.password,
      expect: "deny",
    }),
    // The authorizer puts the password into its principalId and policy, the gateway into its reason.
    device("echoed", {
      username: "device-echo",
      password: "${file:secret.txt}",
    }),
    device("signed", { ...signed, token: signedToken(PLANTED.token) }),
    device("bad-signature", {
      ...signed,
      token: { key: "x-token", value: PLANTED.token, signature: "bm90IGl0" },
    }),
    device("not-base64", {
      ...signed,
      token: { key: "x-token", value: PLANTED.token, signature: "_-_not!" },
    }),
    device("headers", { protocol: "wss", username: "device-planted", headers: { "x-own": PLANTED.header } }),
    device("query", { protocol: "wss", username: "device-planted", queryString: `k=${PLANTED.query}` }),
    device("raw", {
      authorizer: undefined,
      username: `x?x-amz-customauthorizer-name=signed&x-token=${PLANTED.raw}`,
      password: PLANTED.password,
    }),
    device("no-authorizer", { authorizer: "nobody", password: PLANTED.password }),
    device("no-alpn", { username: "device-planted", password: PLANTED.password, tls: { alpn: [] } }),
    device("no-sni", { username: "device-planted", password: PLANTED.password, tls: { serverName: "" } }),
    device("guarded", { identity: "device", password: PLANTED.password }),
  ];
}

/** An authorizer that talks: whatever it is given, it repeats. */
const TALKATIVE = {
  name: "passwords",
  status: "ACTIVE",
  signingDisabled: true,
  handler: {
    table: [
      { when: { username: "/^device-planted/", password: PLANTED.password }, answer: answer() },
      {
        when: { username: "/^device-echo/" },
        answer: answer({
          principalId: PLANTED.fromFile,
          policyDocuments: [
            {
              Version: "2012-10-17",
              Statement: [
                { Effect: "Allow", Action: "iot:*", Resource: "*", Condition: { [PLANTED.fromFile]: {} } },
              ],
            },
          ],
        }),
        gatewayAnswer: { isAuthenticated: false },
      },
    ],
  },
};

describe("no planted secret", () => {
  let bench: Bench;
  const written: [string, string][] = [];

  beforeAll(async () => {
    const signed = {
      name: "signed",
      status: "ACTIVE",
      tokenKeyName: "x-token",
      publicKeyFiles: { k1: "signed.pub.pem" },
      handler: { table: [{ when: { token: "/^good/" }, answer: answer() }] },
    };
    bench = await startBench({
      profiles: [],
      emulator: { authorizers: [TALKATIVE, signed] },
      config: {
        profiles: [
          { path: "fleet.ndjson" },
          { path: "by-command.ndjson", credentials: { exec: ["sh", "./credentials.sh"] } },
        ],
      },
    });
    await writeFile(join(bench.folder, "secret.txt"), PLANTED.fromFile);
    const byCommand = goodDevice(0, { id: "by-command", clientId: "by-command", password: undefined });
    await writeFile(join(bench.folder, "by-command.ndjson"), `${JSON.stringify(byCommand)}\n`);
    const script = `echo '{"password":"${PLANTED.fromCommand}"}'; echo "${PLANTED.fromCommand}" >&2`;
    await writeFile(join(bench.folder, "credentials.sh"), script);
    const fleet = join(bench.folder, "fleet.ndjson");
    await writeFile(
      fleet,
      devices()
        .map((each) => `${JSON.stringify(each)}\n`)
        .join(""),
    );

    const command = ["run", "--config", bench.configFile, "--report", `json=${bench.folder}/r.json`];
    const ended = await run([...command, "--report", `metrics=${bench.folder}/r.prom`], {
      env: { FLEET_SMOKE_LOG_LEVEL: "trace" },
    });
    written.push(["run's output", ended.stdout + ended.stderr]);
    written.push(["the JSON report", await readFile(`${bench.folder}/r.json`, "utf8")]);
    written.push(["the metrics", await readFile(`${bench.folder}/r.prom`, "utf8")]);
    for (const device of ["echoed", "by-command", "raw", "query", "bad-signature", "not-base64"]) {
      for (const json of [[], ["--json"]]) {
        const probed = await run(["probe", "--config", bench.configFile, "--device", device, ...json]);
        written.push([`probe of ${device} ${json}`, probed.stdout + probed.stderr]);
      }
    }
    written.push(["the daemon", await useDaemon(bench)]);
    written.push(["problems of invalid profiles", await useInvalid(bench, fleet)]);
  }, 120_000);
  afterAll(() => bench?.end());

  it("had a chance to appear: everything was written, for every device", () => {
    expect(written.length).toBe(17);
    for (const [what, text] of written) expect([what, text.length > 100]).toEqual([what, true]);
    const [, report = ""] = written.find(([what]) => what === "the JSON report") ?? [];
    const { results } = JSON.parse(report) as { readonly results: { readonly derived: unknown }[] };
    expect(results.filter(({ derived }) => derived === null)).toHaveLength(devices().length + 1);
  });

  it.each(Object.entries(PLANTED))("%s appears anywhere, in any encoding", (_, secret) => {
    for (const [what, text] of written) {
      for (const form of forms(secret))
        expect([what, form, text.includes(form)]).toEqual([what, form, false]);
    }
  });
});

async function useDaemon({ configFile }: Bench): Promise<string> {
  const daemon = start(["daemon", "--config", configFile], { env: { FLEET_SMOKE_LOG_LEVEL: "trace" } });
  const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  const started = await fetch(`${url}/api/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({}),
  });
  const body = await started.text();
  await daemon.says(/run finished/);
  const pages = await Promise.all(
    ["/metrics", "/", "/api/v1/runs", new URL(started.headers.get("location") ?? "/", url).pathname].map(
      async (path) => (await fetch(url + path)).text(),
    ),
  );
  for (const query of ["", "&debug=true", "&debug=true&format=json", "&format=metrics"]) {
    const probed = await fetch(`${url}/probe?device=echoed${query}`);
    expect(probed.status).toBe(200);
    pages.push(await probed.text());
  }
  daemon.process.kill("SIGTERM");
  await daemon.ended;
  return [body, ...pages, daemon.stdout(), daemon.stderr()].join("\n");
}

/** Every planted value once more, in lines that are wrong. */
async function useInvalid({ configFile }: Bench, fleet: string): Promise<string> {
  const before = await readFile(fleet, "utf8");
  const broken = devices().flatMap((each, index) => [
    JSON.stringify({ ...each, id: `b${index}`, nonsense: PLANTED.password }),
    JSON.stringify({ ...each, id: `c${index}`, mqttVersion: PLANTED.token }),
    JSON.stringify({ ...each, id: `d${index}` }).slice(0, -3),
    JSON.stringify({ ...each, id: `e${index}`, password: { [PLANTED.password]: PLANTED.password } }),
  ]);
  await writeFile(fleet, `${broken.join("\n")}\n`);
  const ended = [
    await run(["run", "--config", configFile]),
    await run(["lint", "--config", configFile]),
    await run(["lint", "--config", configFile, "--json"]),
  ];
  await writeFile(fleet, before);
  return ended.map(({ stdout, stderr }) => stdout + stderr).join("\n");
}
