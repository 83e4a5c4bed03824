import { arnOf } from "../arn.ts";
import { type Domain, LEGACY_ENDPOINT } from "../domains.ts";
import { type ApiServices, failure, type Operation, ok, page } from "./operation.ts";

const MAX_PAGE = 250;
const DATA_ENDPOINT = "iot:Data-ATS";

/** What the other endpoint types would be called; nothing listens there, but at a domain of that name. */
const OTHER_ENDPOINTS: Readonly<Record<string, string>> = {
  [LEGACY_ENDPOINT]: "emulator",
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
        : ok(described(domain, config));
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
  const domain = domains.find(({ name }) => name === type);
  if (domain !== undefined) return domain.serverName;
  if (type === DATA_ENDPOINT) return domains[0]?.serverName ?? null;
  const prefix = OTHER_ENDPOINTS[type];
  if (prefix === undefined) return null;
  const suffix = config.region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `${prefix}.iot.${config.region}.${suffix}`;
}

function described(domain: Domain, config: ApiServices["config"]): object {
  const isBuiltIn = domain.name.startsWith("iot:");
  return {
    domainConfigurationName: domain.name,
    domainConfigurationArn: domain.arn,
    domainName: domain.serverName,
    serverCertificates: isBuiltIn
      ? []
      : [
          {
            serverCertificateArn: arnOf(config, "acm", `certificate/${domain.name}`),
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
