import { expect, test } from "vitest";
import { examine, type Ports } from "../../src/pipeline.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  credentialsOf,
  preflightOf,
  REFUSED,
  targetOf,
} from "../support/fixtures.ts";

const POLICY = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: "iot:Connect",
      Resource: "*",
      Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } },
    },
  ],
};

/** Everything outside answers as for a device that gets in. */
const PORTS: Ports = {
  credentials: async () => ({ kind: "ready", credentials: credentialsOf(), expiresAtMs: null }),
  defaultAuthorizer: async () => ({ kind: "known", name: "fleet", from: "domain" }),
  needsCertificate: async () => false,
  preflight: async () => preflightOf(),
  invoke: async () => answered("allowed", { policyDocuments: [POLICY] }),
  pacer: { take: async () => {}, throttled: () => {}, connect: async () => () => {} },
  probe: async ({ leaveIfSessionPresent }) => (leaveIfSessionPresent ? REFUSED : ACCEPTED),
  connectionState: async () => ({ kind: "unknown", reason: "not asked" }),
};

test.each([
  [null, "unknown"],
  ["203.0.113.9", "allow"],
  ["198.51.100.1", "deny"],
])(
  "a policy about the caller's address is predicted for the target's sourceIp %s: %s",
  async (sourceIp, decision) => {
    const never = new AbortController().signal;
    const { facts } = await examine(checkOf(), targetOf({ sourceIp }), PORTS, never);
    expect(facts.prediction.decision).toBe(decision);
  },
);
