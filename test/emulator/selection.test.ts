import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authenticate } from "../../src/emulator/authorizers/authenticate.ts";
import type { Presented } from "../../src/emulator/authorizers/event.ts";
import { createRegistry } from "../../src/emulator/authorizers/registry.ts";
import { type EmulatorConfig, parseEmulatorConfig } from "../../src/emulator/config.ts";
import { createDomains } from "../../src/emulator/domains.ts";
import { createLog } from "../../src/lib/log.ts";
import { admitted, tableAuthorizer } from "../support/emulator.ts";

const log = createLog("silent");
const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
const SIGNATURE = sign("sha256", Buffer.from("a b/c"), KEYS.privateKey).toString("base64");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-selection-"));
  writeFileSync(join(folder, "k.pem"), KEYS.publicKey.export({ type: "spki", format: "pem" }));
});
afterAll(() => rmSync(folder, { recursive: true }));

function configOf(changes: { domain?: object; account?: string; behaviours?: object }): EmulatorConfig {
  const all = [{ answer: admitted() }];
  const loaded = parseEmulatorConfig(
    {
      authorizers: [
        ...["A", "X", "G"].map((name) => tableAuthorizer(all, { name })),
        tableAuthorizer(all, { name: "off", status: "INACTIVE" }),
        { name: "signed", tokenKeyName: "t", publicKeyFiles: { k: "k.pem" }, handler: { table: all } },
      ],
      domains: [{ name: "d", serverName: "a.example", ...changes.domain }],
      ...(changes.account && { defaultAuthorizer: changes.account }),
      behaviours: changes.behaviours ?? {},
    },
    folder,
  );
  if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** The authorizer that was asked, or why none was. */
async function ask(config: EmulatorConfig, changes: Partial<Presented>): Promise<string> {
  const [domain] = createDomains(config);
  if (domain === undefined) throw new Error("no domain");
  const account = { registry: await createRegistry(config), behaviours: config.behaviours, log };
  const presented = { tls: { serverName: "a.example" }, http: null, mqtt: null, ...changes };
  const answer = await authenticate(account, domain, presented, new AbortController().signal);
  return answer.kind === "admitted" ? answer.authorizer.name : answer.cause;
}

function mqtt(username: string): Partial<Presented> {
  return { mqtt: { username, password: null, clientId: "c" } };
}

function http(headers: Record<string, string>, queryString: string | null = null): Partial<Presented> {
  return { http: { headers, queryString } };
}

describe("which authorizer is asked", () => {
  const named = mqtt("u?x-amz-customauthorizer-name=A");
  const unnamed = mqtt("u");
  test.each([
    ["named, no default", named, {}, "A"],
    ["named, override allowed", named, { domain: { defaultAuthorizer: "X" }, account: "G" }, "A"],
    [
      "named, override not allowed",
      named,
      { domain: { defaultAuthorizer: "X", allowAuthorizerOverride: false } },
      "NoAuthorizer",
    ],
    [
      "named, override not allowed, switched to the default",
      named,
      {
        domain: { defaultAuthorizer: "X", allowAuthorizerOverride: false },
        behaviours: { overrideDisallowed: "default" },
      },
      "X",
    ],
    [
      "the default itself named, override not allowed",
      named,
      { domain: { defaultAuthorizer: "A", allowAuthorizerOverride: false } },
      "A",
    ],
    ["not named, the domain's default", unnamed, { domain: { defaultAuthorizer: "X" }, account: "G" }, "X"],
    ["not named, the account's default", unnamed, { account: "G" }, "G"],
    ["not named, no default", unnamed, {}, "NoAuthorizer"],
    ["named, unknown", mqtt("u?x-amz-customauthorizer-name=nobody"), { account: "G" }, "NoAuthorizer"],
    ["named, inactive", mqtt("u?x-amz-customauthorizer-name=off"), { account: "G" }, "NoAuthorizer"],
    ["named, its name URL-encoded", mqtt("u?x-amz-customauthorizer-name=%41"), {}, "A"],
  ])("%s", async (_what, presented, changes, expected) => {
    expect(await ask(configOf(changes), presented)).toBe(expected);
  });
});

describe("where credentials stand", () => {
  const encoded = encodeURIComponent(SIGNATURE);
  const suffix = `x-amz-customauthorizer-name=signed&x-amz-customauthorizer-signature=${encoded}&t=a%20b%2Fc`;
  const headers = {
    "X-Amz-CustomAuthorizer-Name": "signed",
    "x-amz-customauthorizer-signature": SIGNATURE,
    T: "a b/c",
  };

  test.each([
    ["user name", mqtt(`u?${suffix}`), {}, "signed"],
    ["user name, empty before the mark", mqtt(`?${suffix}`), {}, "signed"],
    ["headers of any case", http(headers), {}, "signed"],
    ["query string", http({}, `?${suffix}`), {}, "signed"],
    ["split over header and query", http({ t: "a b/c" }, `?${suffix.replace(/&t=.*/, "")}`), {}, "signed"],
    ["query string and user name agree", { ...http({}, `?${suffix}`), ...mqtt(`u?${suffix}`) }, {}, "signed"],
    [
      "names disagree",
      { ...http({ "x-amz-customauthorizer-name": "A" }), ...mqtt(`u?${suffix}`) },
      {},
      "Signature",
    ],
    [
      "names disagree, the first counts",
      { ...http({ "x-amz-customauthorizer-name": "A" }), ...mqtt(`u?${suffix}`) },
      { behaviours: { conflictingCredentials: "first" } },
      "A",
    ],
    [
      "the token is not decoded, by switch",
      mqtt(`u?${suffix}`),
      { behaviours: { tokenUrlDecoding: false } },
      "Signature",
    ],
    [
      "no signature",
      mqtt(`u?${suffix.replace(/&x-amz-customauthorizer-signature=[^&]*/, "")}`),
      {},
      "Signature",
    ],
    ["no token", mqtt(`u?${suffix.replace(/&t=.*/, "")}`), {}, "Signature"],
    ["another token", mqtt(`u?${suffix}d`), {}, "Signature"],
    ["two marks", mqtt(`u?${suffix}?SDK=x`), {}, "Signature"],
    [
      "two marks that are ignored, but spoil the token",
      mqtt(`u?${suffix}?SDK=x`),
      { behaviours: { secondQuestionMark: "ignore" } },
      "Signature",
    ],
    [
      "two marks that are ignored",
      mqtt(`u?x=1?2&${suffix}`),
      { behaviours: { secondQuestionMark: "ignore" } },
      "signed",
    ],
  ])("%s", async (_what, presented, changes, expected) => {
    expect(await ask(configOf(changes), presented)).toBe(expected);
  });
});
