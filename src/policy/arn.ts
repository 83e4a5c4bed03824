import type { Target } from "../model/target.ts";

/** What tells one account's resources in one Region from all others. */
export type ResourceOwner = Pick<Target, "partition" | "region" | "accountId">;

/** `client` for iot:Connect; `topic` for Publish, Receive, RetainPublish; `topicfilter` for Subscribe. */
export type ResourceKind = "client" | "topic" | "topicfilter";

/** ARN of an IoT policy resource (DG iot-action-resources). The name is put in as it is. */
export function resourceArn(owner: ResourceOwner, kind: ResourceKind, name: string): string {
  return `arn:${owner.partition}:iot:${owner.region}:${owner.accountId}:${kind}/${name}`;
}
