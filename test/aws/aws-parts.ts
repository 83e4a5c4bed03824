import { onTestFinished } from "vitest";
import { createClients } from "../../src/aws/client.ts";
import { createDescribe } from "../../src/aws/describe.ts";
import { createInvoke } from "../../src/aws/invoke.ts";
import { createPreflight } from "../../src/aws/preflight.ts";
import type { InvokeRequest } from "../../src/model/context.ts";
import type { Invocation } from "../../src/model/invocation.ts";
import type { InvokeFn, Observer, PreflightFn } from "../../src/model/ports.ts";
import { Secret } from "../../src/model/secret.ts";
import type { ReadyTarget, Target } from "../../src/model/target.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { type AwsServer, startAwsServer } from "../support/aws-server.ts";
import { targetOf } from "../support/fixtures.ts";

type AwsRequest = Parameters<Observer["awsRequest"]>[0];

/** The aws folder on the real SDK, in front of a real HTTP server. */
export interface Parts {
  readonly server: AwsServer;
  readonly target: ReadyTarget;
  readonly invoke: InvokeFn;
  readonly describe: ReturnType<typeof createDescribe>;
  readonly preflight: PreflightFn;
  readonly seen: AwsRequest[];
  readonly used: { readonly target: string; readonly operation: string }[];
  /** Moves the clock that kept answers go by. */
  readonly later: (ms: number) => void;
}

export const NEVER = new AbortController().signal;

export const EMPTY_REQUEST: InvokeRequest = {
  token: null,
  tokenSignature: null,
  httpContext: null,
  mqttContext: null,
  tlsContext: null,
};

/** Keeps the credential chain off this machine's files and metadata services. */
export function useStaticCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID = "AKIDEXAMPLE";
  process.env.AWS_SECRET_ACCESS_KEY = "not-a-real-key";
  process.env.AWS_EC2_METADATA_DISABLED = "true";
  process.env.AWS_CONFIG_FILE = "/nonexistent/config";
  process.env.AWS_SHARED_CREDENTIALS_FILE = "/nonexistent/credentials";
}

export function useNoCredentials(): void {
  useStaticCredentials();
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
}

/** All are closed when the test is over. */
export async function startParts(changes: Partial<Target> = {}, reply?: AwsServer["reply"]): Promise<Parts> {
  const server = await startAwsServer(reply);
  const clients = createClients();
  const seen: AwsRequest[] = [];
  const used: Parts["used"] = [];
  const observer = { awsRequest: (event: AwsRequest) => void seen.push(event) };
  const pacer = createPacer({ onUsed: (event) => used.push(event) });
  let nowMs = 0;
  const now = () => nowMs;
  const describe = createDescribe({ pacer, observer, clients, now });
  onTestFinished(async () => {
    clients.close();
    await server[Symbol.asyncDispose]();
  });
  return {
    server,
    target: {
      ...targetOf({
        controlPlaneEndpoint: server.url,
        budgets: { invokesPerSecond: 1000, connectsPerSecond: 1000, burst: 100 },
      }),
      ...changes,
    } as ReadyTarget,
    invoke: createInvoke({ pacer, observer, clients }),
    describe,
    preflight: createPreflight({ pacer, observer, clients, describe, now }),
    seen,
    used,
    later: (ms) => {
      nowMs += ms;
    },
  };
}

/** A device that signs its token. */
export const SIGNED: InvokeRequest = {
  ...EMPTY_REQUEST,
  token: new Secret("the-token"),
  tokenSignature: new Secret("c2lnbmF0dXJl"),
};

export function ask(
  { invoke, target }: Pick<Parts, "invoke" | "target">,
  request: InvokeRequest = SIGNED,
  secrets: readonly Secret[] = [],
  signal: AbortSignal = NEVER,
): Promise<Invocation> {
  return invoke({ target, authorizer: "fleet", request, secrets, signal });
}
