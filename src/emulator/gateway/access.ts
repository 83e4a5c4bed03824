import type { Json } from "../../model/invocation.ts";
import { evaluate } from "../../policy/evaluate.ts";
import { arnOf } from "../arn.ts";

/** What a connection may do: policies, and what the gateway knows of it. */
export interface Access {
  /** For MQTT and HTTPS; `context` is added to what is known of the connection. */
  allows(
    action: "Connect" | "Publish" | "Subscribe" | "Receive" | "RetainPublish",
    resource: string,
    context?: Readonly<Record<string, string | readonly string[]>>,
  ): boolean;
}

export interface AccessSubject {
  readonly region: string;
  readonly accountId: string;
  readonly serverName: string | null;
  readonly sourceIp: string;
  /** Null over HTTPS, which has none (DG http). */
  readonly clientId: string | null;
  readonly clientCertificate: boolean;
}

/** For a fault that lets a device in whatever its authorizer says. */
export const ALLOW_ALL: Json = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
};

/** Default deny; what the evaluator cannot decide is denied too, because a gateway has to answer. */
export function createAccess(documents: readonly Json[], subject: AccessSubject): Access {
  const { serverName, sourceIp, clientId, clientCertificate } = subject;
  return {
    allows: (action, resource, context = {}) => {
      const now = new Date();
      const known = {
        "aws:SourceIp": sourceIp,
        "aws:CurrentTime": now.toISOString(),
        "aws:EpochTime": String(Math.floor(now.getTime() / 1000)),
        // Not behind a VPC endpoint: the keys are absent.
        "aws:SourceVpc": [],
        "aws:SourceVpce": [],
        "aws:VpcSourceIp": [],
        ...(serverName !== null && { "iot:DomainName": serverName }),
        ...(clientId !== null && { "iot:ClientId": clientId }),
      };
      const prediction = evaluate(documents, {
        action: `iot:${action}`,
        resource: arnOf(subject, "iot", resource),
        context: { ...known, ...context },
        clientCertificate,
      });
      return prediction.decision === "allow";
    },
  };
}

/** iot:Connect with its condition keys (DG connect-policy). */
export function mayConnect(
  access: Access,
  subject: AccessSubject,
  { persistent, willTopic }: { readonly persistent: boolean; readonly willTopic: string | null },
): boolean {
  return access.allows("Connect", `client/${subject.clientId ?? ""}`, {
    "iot:ConnectAttributes": [
      ...(persistent ? ["PersistentConnect"] : []),
      ...(willTopic === null ? [] : ["LastWill"]),
    ],
    ...(willTopic !== null && {
      "iot:LastWillTopic": arnOf(subject, "iot", `topic/${willTopic}`),
    }),
  });
}
