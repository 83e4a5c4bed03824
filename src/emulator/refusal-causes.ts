/** Grades: S: seen in AWS's own SDK sources or tests; O: reported by a third party; U: undocumented. */
export type Grade = "S" | "O" | "U";

/** How a refused CONNECT ends: a code in a CONNACK, or the connection closes without one. */
export type ConnectRefusal = "close" | number;

/** CONNACK return codes of MQTT 3.1.1 (clause 3.2.2.3); 7 is what AWS's 2022 documentation named instead of 5. */
export const CODES_311 = ["close", 1, 2, 3, 4, 5, 7] as const;
/** CONNACK reason codes of MQTT 5 (clause 3.2.2.2). */
export const CODES_5 = [
  ...["close" as const, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 140],
  ...[144, 149, 151, 153, 154, 155, 156, 157, 159],
] as const;

/** Why a connection is refused, with what a device then sees by default. */
export const REFUSAL_CAUSES = {
  NoAuthorizer: {
    mqtt311: "close",
    mqtt5: 135,
    grade: "U",
    about: "No such authorizer, an inactive one, or none named and no default",
  },
  Signature: { mqtt311: 5, mqtt5: 135, grade: "S", about: "Token or signature missing, malformed or wrong" },
  NotAuthenticated: {
    mqtt311: 5,
    mqtt5: 135,
    grade: "S",
    about: "The authorizer answers isAuthenticated false",
  },
  AuthorizerError: {
    mqtt311: "close",
    mqtt5: 128,
    grade: "U",
    about: "The authorizer throws, takes over 5 s, may not be invoked, or answers something unusable",
  },
  Policy: { mqtt311: 5, mqtt5: 135, grade: "O", about: "The returned policies do not allow iot:Connect" },
  Will: { mqtt311: 5, mqtt5: 135, grade: "U", about: "The will's topic may not be published to" },
  ClientId: {
    mqtt311: "close",
    mqtt5: 133,
    grade: "O",
    about: "Client id over 128 bytes, or one that starts with $GEN/",
  },
  ClientRate: {
    mqtt311: "close",
    mqtt5: 151,
    grade: "U",
    about: "More than one CONNECT a second for a client id",
  },
  Domain: {
    mqtt311: "close",
    mqtt5: 135,
    grade: "U",
    about: "The domain is disabled, or does not offer this way in",
  },
} as const satisfies Record<
  string,
  { mqtt311: ConnectRefusal; mqtt5: ConnectRefusal; grade: Grade; about: string }
>;

export type RefusalCause = keyof typeof REFUSAL_CAUSES;
