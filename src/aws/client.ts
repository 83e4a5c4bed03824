import { IoTClient } from "@aws-sdk/client-iot";
import { USER_AGENT } from "../lib/user-agent.ts";
import type { Realm } from "../model/realm.ts";
import type { Target } from "../model/target.ts";
import { ClientPool, ONE_TRY } from "./client-pool.ts";
import { watchClock } from "./clock-skew.ts";
import { within } from "./deadline.ts";
import { HttpHandler, type SignedRequest } from "./http-handler.ts";
import { watchRealm } from "./realm.ts";
import { Sha256 } from "./sha256.ts";
import { Shared } from "./shared.ts";

/** The SDK's clients, one for each target; made when first used. */
export interface Clients {
  of(target: Target): IoTClient;
  /**
   * Makes sure that credentials are at hand, so that reading them is no part of a call's duration. Answers null, or
   * the error of the credential chain. Throws only the signal's reason when aborted.
   */
  credentialError(target: Target, signal: AbortSignal): Promise<Error | null>;
  /** AWS's clock less ours, in ms, as the last answer about this target showed it; null: none did. */
  clockSkewMs(target: Target): number | null;
  /** Who gave the last answer about this target; null: nobody did. */
  realm(target: Target): Realm | null;
  /** Closes every connection. */
  close(): void;
}

/** The chain keeps its credentials itself; this many milliseconds nobody asks whether it still has them. */
const KEEP_CREDENTIALS_MS = 1000;
/** A chain that failed may run a program or wait for a metadata service: not again for each device of a fleet. */
const KEEP_CREDENTIAL_ERROR_MS = 5000;

/** A key pair instead of the SDK's credential chain; for the demo, whose emulator knows one caller. */
export interface StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function createClients(credentials: StaticCredentials | null = null): Clients {
  const clients = new ClientPool<IoTClient>();
  const skews = new Map<string, number>();
  const realms = new Map<string, Realm>();
  const attempts = new Shared<Error | null>({
    keepMs: (error) => (error === null ? KEEP_CREDENTIALS_MS : KEEP_CREDENTIAL_ERROR_MS),
  });

  function of(target: Target): IoTClient {
    return clients.of(target.name, () => {
      const client = createClient(target, credentials);
      watchClock(client, (skewMs) => skews.set(target.name, skewMs));
      watchRealm(client, (realm) => realms.set(target.name, realm));
      return client;
    });
  }

  return {
    of,
    credentialError(target, signal) {
      return attempts.get(target.name, signal, (shared) => credentialError(of(target), target, shared));
    },
    clockSkewMs: ({ name }) => skews.get(name) ?? null,
    realm: ({ name }) => realms.get(name) ?? null,
    close: () => clients.close(),
  };
}

/**
 * Credentials come from the SDK's standard chain, the endpoint from the target or the SDK's own resolution
 * (AWS_ENDPOINT_URL_IOT and the shared configuration file included). The SDK neither retries nor logs, as requests hold
 * credentials of devices.
 */
function createClient(target: Target, credentials: StaticCredentials | null): IoTClient {
  const { controlPlaneEndpoint } = target;
  const client = new IoTClient({
    region: target.region,
    ...(credentials === null ? {} : { credentials }),
    ...(controlPlaneEndpoint === null ? {} : { endpoint: controlPlaneEndpoint }),
    ...ONE_TRY,
    // No timeouts there: the deadline of each call covers name lookup, connecting and the answer.
    requestHandler: new HttpHandler(target.concurrency),
    sha256: Sha256,
  });
  // A log that nobody keeps, for which each request with its credentials would be copied.
  client.middlewareStack.remove("loggerMiddleware");
  // With one attempt it has nothing to do, and is not cheap. Others ask to stand behind it: the name stays.
  client.middlewareStack.add((next) => next, {
    name: "retryMiddleware",
    step: "finalizeRequest",
    priority: "high",
    override: true,
  });
  // It would put the names of SDK, Node and kernel together anew for each call; this one says who spends the quota.
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as SignedRequest).headers, { "user-agent": USER_AGENT });
      return next(args);
    },
    { name: "getUserAgentMiddleware", step: "build", priority: "low", override: true },
  );
  return client;
}

async function credentialError(
  client: IoTClient,
  target: Target,
  signal: AbortSignal,
): Promise<Error | null> {
  try {
    await within(target.timeouts.invokeMs, signal, () => client.config.credentials());
    return null;
  } catch (error) {
    if (signal.aborted) throw error;
    return error instanceof Error ? error : new Error(String(error));
  }
}
