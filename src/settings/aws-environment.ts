import { type Finding, finding } from "./finding.ts";
import { controlPlaneEndpoint } from "./leaves.ts";
import { entries } from "./plain-tree.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the environment sends calls of the AWS IoT API, by the AWS SDKs' rules ("Service-specific endpoints", AWS
 * SDKs and Tools Reference Guide). Read here, so that a target whose calls do not reach AWS never passes for AWS.
 */
export function endpointOfEnvironment(env: Environment): string | null {
  const variable = deciding(env);
  return variable === null ? null : (env[variable] ?? null);
}

/** The SDK would take any text, and fail with the first call. */
export function checkEnvironment(root: unknown, env: Environment): readonly Finding[] {
  const variable = deciding(env);
  if (variable === null || controlPlaneEndpoint.safeParse(env[variable]).success) return [];
  return entries(root, ["targets"])
    .filter(({ value }) => value.controlPlaneEndpoint === undefined)
    .map(({ path }) => {
      const message = `left out, and the variable ${variable} in its place is not a URL such as http://127.0.0.1:8080`;
      return finding([...path, "controlPlaneEndpoint"], message);
    });
}

function deciding(env: Environment): string | null {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === "true") return null;
  return ["AWS_ENDPOINT_URL_IOT", "AWS_ENDPOINT_URL"].find((variable) => env[variable]) ?? null;
}
