import type { Domain } from "../domains.ts";
import { type ApiServices, failure, type Operation, ok, page } from "./operation.ts";

const MAX_PAGE = 250;
const DATA_ENDPOINT = "iot:Data-ATS";

/** What the other endpoint types would be called; nothing listens there. */
const OTHER_ENDPOINTS: Readonly<Record<string, string>> = {
  "iot:Data": "emulator",
  "iot:Data-Beta": "emulator-beta",
  "iot:CredentialProvider": "emulator.credentials",
  "iot:Jobs": "emulator.jobs",
  "iot:DeviceAdvisor": "emulator.deviceadvisor",
};

export const DOMAIN_OPERATIONS: readonly Operation[] = [
  {
    name: "DescribeEndpoint",
    plane: "control",
    method: "GET",
    path: /^\/endpoint$/,
    run: (services, { query }) => {
      const address = endpointAddress(services, query.get("endpointType") ?? DATA_ENDPOINT);
      return address === null
        ? failure("InvalidRequestException", "endpointType is not valid")
        : ok({ endpointAddress: address });
    },
  },
  {
    name: "DescribeDomainConfiguration",
    plane: "control",
    method: "GET",
    path: /^\/domainConfigurations\/([^/]+)$/,
    run: ({ domains, config }, { name }) => {
      const domain = domains.find((each) => each.name === name);
      return domain === undefined
        ? failure("ResourceNotFoundException", `Domain configuration ${name} does not exist`)
        : ok(described(domain, config.region, config.accountId));
    },
  },
  {
    name: "ListDomainConfigurations",
    plane: "control",
    method: "GET",
    path: /^\/domainConfigurations$/,
    run: ({ domains }, { query }) => {
      const serviceType = query.get("serviceType");
      const found = page(serviceType === null || serviceType === "DATA" ? domains : [], query, MAX_PAGE);
      if (found === null) return failure("InvalidRequestException", "pageSize or marker is not valid");
      const domainConfigurations = found.items.map(({ name, arn }) => ({
        domainConfigurationName: name,
        domainConfigurationArn: arn,
        serviceType: "DATA",
      }));
      return ok({ domainConfigurations, ...(found.nextMarker !== null && { nextMarker: found.nextMarker }) });
    },
  },
];

function endpointAddress({ domains, config }: ApiServices, type: string): string | null {
  if (type === DATA_ENDPOINT) {
    const domain = domains.find(({ name }) => name === DATA_ENDPOINT) ?? domains[0];
    return domain?.serverName ?? null;
  }
  const prefix = OTHER_ENDPOINTS[type];
  return prefix === undefined ? null : `${prefix}.iot.${config.region}.amazonaws.com`;
}

function described(domain: Domain, region: string, accountId: string): object {
  const isBuiltIn = domain.name.startsWith("iot:");
  return {
    domainConfigurationName: domain.name,
    domainConfigurationArn: domain.arn,
    domainName: domain.serverName,
    serverCertificates: isBuiltIn
      ? []
      : [
          {
            serverCertificateArn: `arn:aws:acm:${region}:${accountId}:certificate/${domain.name}`,
            serverCertificateStatus: domain.certificate === "valid" ? "VALID" : "INVALID",
          },
        ],
    ...(domain.defaultAuthorizer !== null && {
      authorizerConfig: {
        defaultAuthorizerName: domain.defaultAuthorizer,
        allowAuthorizerOverride: domain.allowAuthorizerOverride,
      },
    }),
    domainConfigurationStatus: domain.status,
    serviceType: "DATA",
    domainType: isBuiltIn ? "ENDPOINT" : "CUSTOMER_MANAGED",
    tlsConfig: { securityPolicy: "IoTSecurityPolicy_TLS13_1_2_2022_10" },
    authenticationType: domain.authenticationType,
    applicationProtocol: domain.applicationProtocol,
  };
}
