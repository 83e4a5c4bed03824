import {
  ListServiceQuotasCommand,
  type ServiceQuota,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import type { AccountLimits, Checked } from "../model/preflight.ts";
import type { Target } from "../model/target.ts";
import { askAws, type CallDependencies } from "./call.ts";
import { ClientPool, ONE_TRY } from "./client-pool.ts";
import { notChecked } from "./describe.ts";
import { Shared } from "./shared.ts";

export interface QuotasDependencies extends CallDependencies {
  /** Instead of AWS's own Service Quotas. */
  readonly endpoint?: string | null;
  /** Monotonic milliseconds, for how long answers are kept. */
  readonly now?: () => number;
}

/** Reads what an account may do in a Region. */
export interface Quotas {
  /** Throws only the signal's reason. */
  of(target: Target, signal: AbortSignal): Promise<Checked<AccountLimits>>;
  /** Closes every connection. */
  close(): void;
}

const SERVICE = "iotcore";
/** Quotas are raised by a request that takes days. */
const KEEP_MS = 3_600_000;
const KEEP_FAILURE_MS = 60_000;
/** Of 100 quotas each; AWS IoT Core has some 300. */
const MOST_PAGES = 10;

/**
 * Makes the port that reads the account's own limits (servicequotas:ListServiceQuotas). They are found by the names under
 * which Service Quotas lists them; one that is not there is not known. Where something else stands in AWS's place nothing is
 * asked.
 */
export function createQuotas(dependencies: QuotasDependencies): Quotas {
  const { clients, endpoint = null, now } = dependencies;
  const answers = new Shared<Checked<AccountLimits>>({
    keepMs: ({ kind }) => (kind === "known" ? KEEP_MS : KEEP_FAILURE_MS),
    now,
  });
  const pool = new ClientPool<ServiceQuotasClient>();

  function clientOf(target: Target): ServiceQuotasClient {
    const { name, region } = target;
    const { credentials } = clients.of(target).config;
    const elsewhere = endpoint === null ? {} : { endpoint };
    return pool.of(name, () => new ServiceQuotasClient({ region, credentials, ...elsewhere, ...ONE_TRY }));
  }

  return {
    async of(target, signal) {
      if (endpoint === null && target.controlPlaneEndpoint !== null) {
        return { kind: "not-checked", reason: "the target's API is not AWS's own" };
      }
      return answers.get(target.name, signal, (shared) =>
        readLimits(dependencies, clientOf(target), target, shared),
      );
    },
    close: () => pool.close(),
  };
}

async function readLimits(
  dependencies: CallDependencies,
  client: ServiceQuotasClient,
  target: Target,
  signal: AbortSignal,
): Promise<Checked<AccountLimits>> {
  const limits = { invokesPerSecond: null as number | null, connectsPerSecond: null as number | null };
  const operation = "ListServiceQuotas";
  let NextToken: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const command = new ListServiceQuotasCommand({ ServiceCode: SERVICE, MaxResults: 100, NextToken });
    const reply = await askAws(dependencies, {
      target,
      operation,
      send: (_control, abortSignal) => client.send(command, { abortSignal }),
      signal,
    });
    if (reply.kind === "failed") return notChecked(operation, reply.failure);
    for (const quota of reply.output.Quotas ?? []) {
      limits.invokesPerSecond ??= limitOf(quota, "TestInvokeAuthorizer API TPS");
      limits.connectsPerSecond ??= limitOf(quota, "Connect requests per second per account");
    }
    const isWhole = limits.invokesPerSecond !== null && limits.connectsPerSecond !== null;
    NextToken = reply.output.NextToken;
    if (isWhole || !NextToken) break;
  }
  return { kind: "known", value: limits };
}

/** null: another quota, or no usable number: the SDK does not check the types of an answer. */
function limitOf({ QuotaName, Value }: ServiceQuota, name: string): number | null {
  const isIt = typeof QuotaName === "string" && QuotaName.toLowerCase() === name.toLowerCase();
  return isIt && typeof Value === "number" && Value > 0 ? Value : null;
}
