import type { EmulatorConfig } from "./config.ts";
import type { DomainConfig } from "./schema.ts";

/** A domain configuration (DG iot-custom-endpoints-configurable). */
export interface Domain {
  readonly name: string;
  readonly arn: string;
  readonly serverName: string;
  /** Other names it answers to; an emulator's need, AWS has no such thing. */
  readonly aliases: readonly string[];
  readonly defaultAuthorizer: string | null;
  readonly allowAuthorizerOverride: boolean;
  readonly authenticationType: DomainConfig["authenticationType"];
  readonly applicationProtocol: DomainConfig["applicationProtocol"];
  readonly status: DomainConfig["status"];
  readonly certificate: DomainConfig["certificate"];
}

export function createDomains({ domains, region, accountId }: EmulatorConfig): readonly Domain[] {
  return domains.map((each) => ({
    ...each,
    arn: `arn:aws:iot:${region}:${accountId}:domainconfiguration/${each.name}`,
    defaultAuthorizer: each.defaultAuthorizer ?? null,
  }));
}

/** The domain that answers to a host name; host names are case-insensitive. */
export function findDomain(domains: readonly Domain[], host: string | null): Domain | null {
  const wanted = host?.toLowerCase();
  return (
    domains.find(({ serverName, aliases }) =>
      [serverName, ...aliases].some((each) => each.toLowerCase() === wanted),
    ) ?? null
  );
}
