import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/model/invocation.ts";
import { Secret } from "../../../src/model/secret.ts";
import type { CheckSteps } from "../../../src/report/steps/check-steps.ts";
import { checkText } from "../../../src/report/steps/render.ts";
import { widthOf } from "../../../src/report/text.ts";
import {
  ACCEPTED,
  answered,
  CLOSED,
  errored,
  GUARDED,
  predicted,
  preflightOf,
  REFUSED,
  TRANSPORT,
  targetOf,
  unreachable,
} from "../../support/fixtures.ts";
import { acceptedOver, judged } from "../../support/results.ts";
import { type Case, everything, LOGIN, PASSWORD, stepsOf } from "./sample.ts";

const HOSTILE = [
  "\u001b[31mred\u001b[0m\u0007",
  "line\nbreak\r\n::error::x",
  "\u202Eevil \u200B\uFEFF",
  "ポンプ用ポンプ用ポンプ用".repeat(20),
  "👩‍👩‍👧‍👦🏳️‍🌈e\u0301".repeat(30),
  "x".repeat(3000),
  "<script>alert(1)</script> | `md` ${a} %s",
  "\uD800lone",
  "",
  "   ",
];

function page(steps: CheckSteps, width = 80): string {
  return checkText(steps, { color: false, width });
}

/** The text with its line breaks undone, to look for sentences in it. */
async function said(changes: Case): Promise<string> {
  return page(await stepsOf(changes)).replace(/\s+/g, " ");
}

function sectionTitles(text: string): string[] {
  return [...text.matchAll(/^\d+ {2}(.*)$/gm)].map((match) => match[1] ?? "");
}

describe("the page of a check", () => {
  it("opens with the verdict and goes through every step that was taken", async () => {
    const text = page(await stepsOf({}));
    expect(text.split("\n")[0]).toBe("✔ PASS  pump-1  over mqtt");
    expect(sectionTitles(text)).toEqual([
      "The device, and what it sends",
      "Preflight: what AWS says of authorizer and domain",
      "TestInvokeAuthorizer: what it is asked",
      "TestInvokeAuthorizer: what it answers",
      "What the policy permits",
      "The device gateway",
      "Metrics a run would export for it",
      "Verdict",
    ]);
  });

  it("has a section more for the guard, topics and second attempts, where there are any", async () => {
    expect(sectionTitles(page(await stepsOf(everything("x"))))).toHaveLength(11);
  });

  it("of a check that could not begin says so and why", async () => {
    const text = page(
      await stepsOf({
        facts: {
          context: null,
          authorizer: null,
          invocation: { kind: "skipped", why: "not-selected" },
          outcome: { kind: "skipped", cause: "CREDENTIAL_UNAVAILABLE", reason: "the file is gone" },
        },
        verdict: judged("inconclusive", "CREDENTIAL_UNAVAILABLE"),
      }),
    );
    expect(text.split("\n")[0]).toBe("? INCONCLUSIVE  pump-1  over mqtt  CREDENTIAL_UNAVAILABLE");
    expect(text).toContain("the file is gone");
    expect(sectionTitles(text)).not.toContain("What the policy permits");
  });

  it.each([40, 57, 120])("keeps within %i columns, whatever stands in it", async (width) => {
    for (const text of HOSTILE) {
      for (const line of page(await stepsOf(everything(text)), width).split("\n")) {
        expect([line, widthOf(line) <= width]).toEqual([line, true]);
      }
    }
  });

  it("lets nothing through that a terminal obeys", async () => {
    for (const text of HOSTILE) {
      const shown = page(await stepsOf(everything(text)));
      expect(shown.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }
  });

  it("is the same with colours, which only the program adds", async () => {
    const steps = await stepsOf(everything("\u001b[31mred"));
    const colored = checkText(steps, { color: true, width: 80 });
    expect(colored).toContain("\u001b[");
    expect(stripVTControlCharacters(colored)).toBe(page(steps));
  });

  it("holds our own symbols as ASCII where that is asked for", async () => {
    const text = checkText(await stepsOf(everything("x")), { color: false, width: 80, unicode: false });
    expect(text).toMatch(/^\p{ASCII}*$/u);
  });
});

describe("no credential", () => {
  const spread = [
    { credentials: {} },
    { profile: { protocols: ["wss"] as const, credentialsIn: "query" as const } },
    {
      profile: { protocols: ["https"] as const, clientId: null },
      credentials: { username: null, password: null, headers: { "x-own": new Secret(PASSWORD) } },
    },
    { profile: { authorizer: null }, credentials: { username: new Secret(`${LOGIN}?a=${PASSWORD}&b`) } },
  ];

  it.each(spread)("is in the page or the JSON, nor what echoes it: %j", async (changes) => {
    const echo = `echo ${PASSWORD} ${Buffer.from(PASSWORD).toString("base64")} ${encodeURIComponent(PASSWORD)}`;
    const { facts = {}, verdict = judged("fail") } = everything(echo);
    // Topics are the profile's own, and shown as they are.
    const steps = await stepsOf({ ...changes, facts: { ...facts, topics: [] }, verdict });
    // The result and the causes are scrubbed where they are made.
    const shown = JSON.stringify({ ...steps.steps, verdict: null });
    for (const secret of [PASSWORD, Buffer.from(PASSWORD).toString("base64").replace(/=+$/, "")]) {
      expect(shown.includes(secret)).toBe(false);
    }
    expect(shown).toContain("<secret>");
  });
});

describe("each step", () => {
  it.each(["device", "domain", "account"] as const)("says that the %s names the authorizer", async (from) => {
    const words = {
      device: "named by the device",
      domain: "default of the domain",
      account: "default of the account",
    };
    expect(await said({ facts: { authorizer: { kind: "known", name: "fleet", from } } })).toContain(
      words[from],
    );
  });

  it("says that no authorizer is named, or that it is not known which", async () => {
    const none = await said({ facts: { authorizer: { kind: "none", evidence: "nobody names one" } } });
    expect(none).toContain("✘ none: nobody names one");
    const unknown = { kind: "unknown", cause: "API_UNAVAILABLE", code: "Oops", message: "m" } as const;
    expect(await said({ facts: { authorizer: unknown } })).toContain("? not known: Oops: m");
  });

  it("shows the deciding statement itself, of a list and of a single one", async () => {
    const Statement = { Effect: "Deny", Action: "iot:Connect", Resource: "*" };
    const prediction = { ...predicted("deny"), by: "explicit-deny" as const, document: 1, statement: 0 };
    for (const one of [Statement, [Statement]]) {
      const steps = await stepsOf({
        facts: { invocation: answered("allowed", { policyDocuments: [{}, { Statement: one }] }), prediction },
      });
      expect(JSON.parse(steps.steps.policy?.decidingStatement?.text ?? "")).toEqual(Statement);
      expect(page(steps)).toContain("statement 0 of document 1 denies it (counted from 0):");
    }
  });

  it("shows what the decision hangs on, and what it does not", async () => {
    const prediction = predicted("deny");
    const lesser = { willAndSession: predicted("deny"), conditions: predicted("allow") };
    const steps = await stepsOf({ facts: { prediction, lesser } });
    expect(steps.steps.policy?.lesser).toEqual({ willAndSession: "deny", conditions: "allow" });
    expect(page(steps)).toContain("✘ deny, as a clean session without a will");
    expect(page(steps)).toContain("✔ allow, if every condition of an Allow were met");
    expect(page(await stepsOf({ facts: { prediction } }))).not.toContain("otherwise");
  });

  it("shows what comes nearest where no statement allows it", async () => {
    const near = { Effect: "Allow", Action: ["iot:Publish", "iot:connect"], Resource: "client/other" };
    const far: Json[] = [
      { Effect: "Deny", Action: "iot:Connect", Resource: "client/other" },
      { Effect: "Allow", Action: "iot:Publish", Resource: "*" },
      { Effect: "Allow", Action: 7 },
      "text",
    ];
    const steps = await stepsOf({
      facts: {
        invocation: answered("allowed", { policyDocuments: [null, { Statement: [...far, near] }] }),
        prediction: predicted("deny"),
      },
    });
    const [nearest, ...more] = steps.steps.policy?.nearest ?? [];
    expect([nearest?.document, nearest?.statement, more]).toEqual([1, 4, []]);
    expect(JSON.parse(nearest?.text ?? "")).toEqual(near);
    expect(page(steps)).toContain("statement 4 of document 1 allows the action elsewhere");
  });

  it.each([null, 7, "text", [], { Statement: 7 }, { Statement: [] }])(
    "bears a document that is %j",
    async (document) => {
      const prediction = { ...predicted("deny"), document: 0, statement: 3 };
      const steps = await stepsOf({
        facts: { invocation: answered("allowed", { policyDocuments: [document] }), prediction },
      });
      expect(steps.steps.policy?.decidingStatement).toBeNull();
    },
  );

  it("bounds what an authorizer returns, and says what is left out", async () => {
    const big = {
      Statement: Array.from({ length: 500 }, () => ({ Effect: "Allow", Resource: "r".repeat(50) })),
    };
    const steps = await stepsOf({
      facts: { invocation: answered("allowed", { policyDocuments: Array(30).fill(big) }) },
    });
    const { answer } = steps.steps.answer;
    expect(answer).toMatchObject({ more: 20 });
    expect(answer?.policyDocuments[0]).toMatchObject({ isCut: true });
    expect(answer?.policyDocuments[0]?.characters).toBe(JSON.stringify(big).length);
    const text = page(steps);
    expect(text).toMatch(/… \d+ more lines/);
    expect(text).toContain("and 20 more documents");
    expect(text.split("\n").length).toBeLessThan(800);
  });

  it("shows how the API failed", async () => {
    const text = await said({ facts: { invocation: errored("caller", "CALLER_PERMISSION_MISSING") } });
    expect(text).toContain("? errored (caller)");
    expect(text).toContain("SomeException no");
  });

  it.each([
    ["accepted", ACCEPTED, "✔ accepted (code 0)"],
    ["refused", { ...REFUSED, code: 135, reason: "CONNACK 135, no" }, "✘ refused (0x87): CONNACK 135, no"],
    ["unreachable", unreachable("TLS_FAILED"), "? unreachable (TLS_FAILED): no answer"],
    ["left alone", GUARDED, "· skipped (DEVICE_IDENTITY_GUARDED): a live device may be connected"],
  ] as const)("names an outcome: %s", async (_, outcome, expected) => {
    expect(await said({ facts: { outcome } })).toContain(expected);
  });

  it("draws each phase to its share and names packets in their order", async () => {
    const phasesMs = { dns: 0, tcp: 10, tls: 30, connack: 40 };
    const packets = ["> CONNECT", "< CONNACK 0", "> DISCONNECT"];
    const text = page(
      await stepsOf({ facts: { outcome: acceptedOver({ phasesMs, durationMs: 80, packets }) } }),
    );
    const bars = ["dns", "tcp", "tls", "connack", "in all"].map((phase) => {
      const line = text.split("\n").find((each) => each.startsWith(`   ${phase} `)) ?? "";
      return line.match(/█/g)?.length ?? 0;
    });
    expect(bars).toEqual([0, 3, 9, 12, 0]);
    const places = packets.map((packet) => text.indexOf(packet));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });

  it("says how long the server's certificate is still valid", async () => {
    const until = (days: number) => acceptedOver({ certificateExpiresAtMs: days * 86_400_000 });
    expect(TRANSPORT.startedAtMs).toBe(0);
    expect(await said({ facts: { outcome: until(30) } })).toContain("valid until 1970-01-31 (30 days left)");
    expect(await said({ facts: { outcome: until(-1) } })).toContain("(expired)");
  });

  it("says what AWS knows, and what was not asked", async () => {
    const text = await said({
      facts: {
        preflight: preflightOf({
          authorizer: { kind: "known", value: null },
          domain: { kind: "known", value: null },
          accountEndpoint: { kind: "known", value: targetOf().endpoint },
          clockSkewMs: { kind: "known", value: -400_000 },
        }),
      },
    });
    expect(text).toContain("✘ AWS knows no authorizer of this name");
    expect(text).toContain("· no domain configuration has this endpoint as its name");
    expect(text).toContain("✔ the account's own is the target's");
    expect(text).toContain("✘ 400.0 s ahead of AWS's");
    expect(await said({})).toContain("· not checked: not asked");
  });

  it("tells expected, predicted and done apart for each topic", async () => {
    const topic = (
      expected: "allow" | "deny",
      gateway: "allowed" | "denied" | "unanswered" | "not-tried",
    ) => ({
      test: { action: "publish" as const, topic: `${expected}/${gateway}`, expected },
      predicted: predicted(expected),
      gateway,
      evidence: "PUBACK 0",
    });
    const text = await said({
      facts: {
        topics: [
          topic("allow", "allowed"),
          topic("allow", "denied"),
          topic("deny", "denied"),
          topic("deny", "allowed"),
          topic("allow", "unanswered"),
          topic("allow", "not-tried"),
        ],
      },
    });
    for (const line of [
      "✔ allow/allowed",
      "✘ allow/denied",
      "✔ deny/denied",
      "✘ deny/allowed",
      "? allow/unanswered",
      "· allow/not-tried",
    ]) {
      expect(text).toContain(line);
    }
  });

  it("shows what was done for the safety of a live device", async () => {
    const state = { kind: "connected", via: "GetConnection", evidence: "connected since noon" } as const;
    const text = await said({
      profile: { identity: "device" },
      facts: { guard: { state, connected: false, sessionPresent: null } },
    });
    expect(text).toContain("✘ connected according to GetConnection: connected since noon");
    expect(text).toContain("connected no");
  });

  it("ranks causes with their meaning, evidence and next step", async () => {
    const text = await said({ verdict: judged("fail", "ALPN_MISSING", "SNI_MISMATCH") });
    expect(text).toMatch(/cause 1 ALPN_MISSING means .+ evidence seen next do cause 2 SNI_MISMATCH/);
  });

  it("says what to do about a close that one device alone cannot explain", async () => {
    const verdict = judged("inconclusive", "GATEWAY_CLOSED_UNCONFIRMED");
    expect(await said({ facts: { outcome: CLOSED }, verdict })).toContain(
      "One device alone cannot show whether",
    );
    expect(await said({ verdict: judged("fail", "ALPN_MISSING") })).not.toContain("One device alone");
  });

  it("lists the series a run would export, and only those", async () => {
    const { metrics } = (await stepsOf({ verdict: judged("fail", "ALPN_MISSING") })).steps;
    const named = metrics.map(({ name }) => name);
    expect(named).toContain("fleet_smoke_check_failures_total");
    expect(named.every((name) => name.startsWith("fleet_smoke_") && !name.endsWith("_bucket"))).toBe(true);
    expect(metrics.filter(({ name, value }) => value === 0 && !name.endsWith("_sum"))).toEqual([]);
    expect(metrics.find(({ name }) => name === "fleet_smoke_checks_total")).toMatchObject({
      labels: { target: "here", cohort: "pumps", protocol: "mqtt", verdict: "fail", location: "local" },
      value: 1,
    });
  });

  it("takes any text from outside", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        const steps = await stepsOf(everything(text));
        expect(
          page(steps)
            .split("\n")
            .every((line) => widthOf(line) <= 80),
        ).toBe(true);
        expect(JSON.parse(JSON.stringify(steps))).toEqual(steps);
      }),
      { numRuns: 20 },
    );
  });
});
