export type Partition = "aws" | "aws-cn" | "aws-us-gov";

/** One AWS account + Region + device endpoint. */
export interface Target {
  readonly name: string;
  readonly partition: Partition;
  readonly region: string;
  readonly accountId: string;
  /** Host name sent as SNI and Host; null until DescribeEndpoint answered. */
  readonly endpoint: string | null;
  /** Dial here instead of resolving `endpoint`. */
  readonly address: string | null;
  readonly addressFamily: 4 | 6 | "any";
  readonly port: number;
  /** PEM read at start; null: the system's roots. */
  readonly ca: string | null;
  readonly controlPlaneEndpoint: string | null;
  /** Does `httpContext.queryString` start with `?` as the device's event does? The API does not say. */
  readonly queryStringMark: boolean;
  /** The address the gateway sees us come from, for policies with aws:SourceIp; null: not known. */
  readonly sourceIp: string | null;
  readonly budgets: Budgets;
  /** Is a lower limit of the account, read from Service Quotas before a run, kept too? Omitted: no. */
  readonly serviceQuotas?: boolean;
  /** Checks in flight. */
  readonly concurrency: number;
  readonly timeouts: { readonly invokeMs: number; readonly probeMs: number };
}

/** A target whose endpoint is known: what a run works with. */
export interface ReadyTarget extends Target {
  readonly endpoint: string;
}

export interface Budgets {
  readonly invokesPerSecond: number;
  readonly connectsPerSecond: number;
  readonly burst: number;
}
