import type { IoTClient } from "@aws-sdk/client-iot";
import type { Realm } from "../model/realm.ts";

/** The emulator's API signs each of its answers with it. */
const EMULATOR_HEADER = "x-fleet-smoke-emulator";
/** Hosts of AWS's own API endpoints (AWS General Reference, service endpoints; dual stack ends in `api.aws`). */
const AWS_HOST = /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn)$/i;

/** Is this a name under which AWS alone answers? */
export function isAwsHost(host: string): boolean {
  return AWS_HOST.test(host);
}

/** Who gave an answer, by where it was asked and what it says of itself. */
export function realmOf(host: unknown, headers: Readonly<Record<string, unknown>>): Realm {
  if (headers[EMULATOR_HEADER] !== undefined) return "emulator";
  return typeof host === "string" && isAwsHost(host) ? "aws" : "custom";
}

/** Tells `onRealm` of each answer, errors included. */
export function watchRealm(client: IoTClient, onRealm: (realm: Realm) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers = {} } = Object(result.response) as { headers?: Readonly<Record<string, unknown>> };
      onRealm(realmOf((Object(args.request) as { hostname?: unknown }).hostname, headers));
      return result;
    },
    // Closest to the wire: before an error's answer is turned into a throw.
    { step: "deserialize", priority: "low", name: "watchRealm" },
  );
}
