import { createClients, type StaticCredentials } from "../aws/client.ts";
import { createConnectionState } from "../aws/connection-state.ts";
import { createDataClients } from "../aws/data-client.ts";
import { createDescribe, type Describe } from "../aws/describe.ts";
import { createIdentity, type Identity } from "../aws/identity.ts";
import { createInvoke } from "../aws/invoke.ts";
import { createPreflight } from "../aws/preflight.ts";
import { createQuotas, type Quotas } from "../aws/quotas.ts";
import { probe } from "../gateway/probers.ts";
import type { CredentialsFn } from "../model/ports.ts";
import type { Ports } from "../pipeline.ts";
import { createCredentials } from "../profiles/credentials.ts";
import type { RunPacer } from "../run/pacer.ts";
import type { CheckObserver } from "../run/shards/observations.ts";

export interface PortsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly killGroup?: (leaderPid: number) => void;
  readonly awsCredentials: StaticCredentials | null;
  readonly observer: CheckObserver;
  readonly pacer: RunPacer;
}

export interface BuiltPorts {
  /** What the pipeline asks the world. */
  readonly ports: Ports;
  readonly resolveEndpoint: Describe["resolveEndpoint"];
  readonly identity: Identity;
  /** What the account allows; the pacer keeps to it from then on. */
  readonly accountLimits: Quotas["of"];
}

/** Builds everything that a check touches outside this process; what must be closed is given to `releases`. */
export function createPorts(options: PortsOptions, releases: AsyncDisposableStack): BuiltPorts {
  const { env, killGroup, awsCredentials, observer, pacer } = options;
  const clients = releases.adopt(createClients(awsCredentials), (each) => each.close());
  const dataClients = releases.adopt(createDataClients(clients), (each) => each.close());
  const describe = createDescribe({ pacer, observer, clients });
  const credentials = releases.adopt(createCredentials({ env, killGroup }), (each) => each.close());
  const identity = releases.adopt(createIdentity({ pacer, observer, clients, describe }), (each) =>
    each.close(),
  );
  const quotas = releases.adopt(createQuotas({ pacer, observer, clients }), (each) => each.close());
  const ports: Ports = {
    credentials: observed(credentials, observer),
    defaultAuthorizer: describe.defaultAuthorizer,
    needsCertificate: describe.needsCertificate,
    preflight: createPreflight({ pacer, observer, clients, describe }),
    invoke: createInvoke({ pacer, observer, clients }),
    pacer,
    probe,
    connectionState: createConnectionState({ pacer, observer, clients, dataClients, describe }),
  };
  const accountLimits: Quotas["of"] = async (target, signal) => {
    const limits = await quotas.of(target, signal);
    if (limits.kind === "known") pacer.setAccountLimits(target, limits.value);
    return limits;
  };
  return { ports, resolveEndpoint: describe.resolveEndpoint, identity, accountLimits };
}

function observed(
  credentials: CredentialsFn,
  metrics: Pick<CheckObserver, "credentialFailure" | "credentialExpiry">,
): CredentialsFn {
  return async (profile, signal) => {
    const answer = await credentials(profile, signal);
    const { cohort } = profile;
    if (answer.kind === "unavailable") metrics.credentialFailure({ cohort });
    else if (answer.expiresAtMs !== null) {
      metrics.credentialExpiry({ cohort, expiresAtMs: answer.expiresAtMs });
    }
    return answer;
  };
}
