/** What the API serves, by the names of the model. */
export const OPERATION_NAMES = [
  ...([
    "TestInvokeAuthorizer",
    "DescribeAuthorizer",
    "DescribeDefaultAuthorizer",
    "ListAuthorizers",
  ] as const),
  ...(["CreateAuthorizer", "UpdateAuthorizer", "DeleteAuthorizer"] as const),
  ...(["SetDefaultAuthorizer", "ClearDefaultAuthorizer"] as const),
  ...(["DescribeEndpoint", "DescribeDomainConfiguration", "ListDomainConfigurations"] as const),
  ...(["GetThingConnectivityData", "GetConnection", "DeleteConnection"] as const),
  ...(["CreateJob", "DescribeJob", "CancelJob"] as const),
] as const;

export type OperationName = (typeof OPERATION_NAMES)[number];
