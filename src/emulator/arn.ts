/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; China and GovCloud are partitions of their own (IAM reference-arns). */
export function arnOf(
  { region, accountId }: { readonly region: string; readonly accountId: string },
  service: "iot" | "lambda" | "acm",
  resource: string,
): string {
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return `arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}
