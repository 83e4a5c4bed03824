import { arnOf } from "./arn.ts";
import type { EmulatorConfig } from "./config.ts";
import type { DomainConfig } from "./schema.ts";

/** Name of the account's endpoint of before 2018, with VeriSign's certificates and without MQTT 5 (DG mqtt). */
export const LEGACY_ENDPOINT = "iot:Data";

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

export function createDomains(config: EmulatorConfig): readonly Domain[] {
  return config.domains.map((each) => ({
    ...each,
    arn: arnOf(config, "iot", `domainconfiguration/${each.name}`),
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
