import {
  CODES_5,
  CODES_311,
  type ConnectRefusal,
  type Grade,
  REFUSAL_CAUSES,
  type RefusalCause,
} from "./refusal-causes.ts";

/**
 * Every behaviour that AWS does not document, as a switch. The configuration's schema and docs/emulator.md are made
 * from this table. Grades: S: seen in AWS's own SDK sources or tests; O: reported by a third party; U: undocumented.
 */

interface Choice {
  readonly values: readonly (string | number | boolean)[];
  /** The first of `values` is the default. */
  readonly grade: Grade;
  readonly about: string;
}

const OTHER_SWITCHES = {
  noSni: {
    values: ["alert", "close"],
    grade: "U",
    about:
      "No SNI, or a name that is no endpoint of the account, where SNI is needed: a TLS alert or a bare close",
  },
  explicitDomainWithoutAlpn: {
    values: ["accept", "close"],
    grade: "U",
    about: "MQTT without ALPN on a domain whose applicationProtocol is SECURE_MQTT",
  },
  httpsRefusalStatus: { values: [403, 401], grade: "U", about: "HTTPS publish that is not authenticated" },
  upgradeRefusalStatus: {
    values: [403, 401],
    grade: "U",
    about: "WebSocket upgrade that is not authenticated",
  },
  upgradeChecks: {
    values: ["early", "late"],
    grade: "O",
    about:
      "What the upgrade request alone proves wrong (authorizer, signature) is refused with a status, or only after CONNECT",
  },
  webSocketAuthorizer: {
    values: ["after-connect", "at-upgrade"],
    grade: "U",
    about: "When the authorizer is asked over WebSocket; at the upgrade its event has no mqtt block",
  },
  httpsNeedsConnect: {
    values: [false, true],
    grade: "U",
    about: "HTTPS publish also needs iot:Connect (on the client with the empty name)",
  },
  httpsBody: {
    values: ["message", "empty"],
    grade: "U",
    about: "Body of an accepted HTTPS publish; two AWS pages disagree",
  },
  overrideDisallowed: {
    values: ["refuse", "default"],
    grade: "U",
    about:
      "The device names an authorizer although the domain disallows it: refused, or the default is asked",
  },
  conflictingCredentials: {
    values: ["refuse", "first"],
    grade: "U",
    about: "Header, query string and user name disagree: refused, or the first of this order counts",
  },
  secondQuestionMark: {
    values: ["refuse", "ignore"],
    grade: "O",
    about: "A second ? in the user name: refused, or taken as part of the last value",
  },
  tokenUrlDecoding: {
    values: [true, false],
    grade: "U",
    about: "The token of a user name or query string is URL-decoded before its signature is checked",
  },
  plusInUsername: {
    values: ["space-on-mqtt", "space", "plus"],
    grade: "S",
    about:
      "A + in the user name's parameters reads as a space (so an unencoded signature fails); AWS's device SDKs send it unencoded over WebSocket",
  },
  legacyEndpointMqtt5: {
    values: ["close", 1, 132],
    grade: "U",
    about:
      "A CONNECT of MQTT 5 at the legacy endpoint (a domain named iot:Data), which does not support it; 1 is the CONNACK of MQTT 3.1.1",
  },
  smallMaximumPacketSize: {
    values: [128, 130, 149, "close"],
    grade: "U",
    about: "A CONNECT of MQTT 5 that asks for a Maximum Packet Size below 512 bytes: CONNACK, or a close",
  },
  deniedPublish311: {
    values: ["disconnect", "keep"],
    grade: "O",
    about: "Publish without iot:Publish over MQTT 3.1.1; kept: it is dropped without an answer",
  },
  deniedPublish5: {
    values: ["keep", "disconnect", "close"],
    grade: "U",
    about:
      "Publish without iot:Publish over MQTT 5; kept: PUBACK 0x87; disconnect: DISCONNECT 0x87; close: without a word",
  },
  excessPublish5: {
    values: ["puback", "nothing"],
    grade: "U",
    about:
      "A publish with QoS 1 beyond the connection's rate over MQTT 5 is dropped: PUBACK 0x97, or no answer",
  },
  deniedSubscribe311: {
    values: ["disconnect", "keep"],
    grade: "O",
    about: "Subscribe without iot:Subscribe over MQTT 3.1.1; kept: SUBACK 0x80",
  },
  deniedSubscribe5: {
    values: ["keep", "disconnect", "close"],
    grade: "U",
    about:
      "Subscribe without iot:Subscribe over MQTT 5; kept: SUBACK 0x87; disconnect: DISCONNECT 0x87; close: without a word",
  },
  lifetimeOutOfRange: {
    values: ["refuse", "clamp"],
    grade: "U",
    about: "refreshAfterInSeconds or disconnectAfterInSeconds outside 300 to 86400 at the gateway",
  },
  failedRefresh: {
    values: ["disconnect", "keep"],
    grade: "U",
    about: "A refresh of the policies that fails ends the session, or leaves the old policies in force",
  },
  testInvokeSignatureFailure: {
    values: ["InvalidRequestException", "UnauthorizedException", "not-authenticated"],
    grade: "U",
    about: "TestInvokeAuthorizer, signing enabled, token or signature missing or wrong",
  },
  testInvokeInactive: {
    values: ["answer", "InvalidRequestException"],
    grade: "U",
    about: "TestInvokeAuthorizer of an inactive authorizer: asked all the same, or refused",
  },
  testInvokeFunctionError: {
    values: ["InvalidResponseException", "InvalidRequestException", "InternalFailureException"],
    grade: "U",
    about: "TestInvokeAuthorizer when the authorizer throws, takes over 5 s or may not be invoked",
  },
  testInvokeUnusableAnswer: {
    values: ["InvalidResponseException", "answer"],
    grade: "U",
    about: "TestInvokeAuthorizer when the answer breaks a limit: exception, or passed on as it is",
  },
  testInvokeExtractsToken: {
    values: [false, true],
    grade: "U",
    about: "TestInvokeAuthorizer takes token and signature from user name, headers and query string too",
  },
  testInvokeQueryMark: {
    values: ["as-sent", "added"],
    grade: "U",
    about: "A queryString given to TestInvokeAuthorizer without its leading ? gets one in the event",
  },
  setDefaultAgain: {
    values: ["replace", "ResourceAlreadyExistsException"],
    grade: "U",
    about: "SetDefaultAuthorizer while another one is the default; the exception is in its list of errors",
  },
  createdStatus: {
    values: ["INACTIVE", "ACTIVE"],
    grade: "U",
    about: "Status of an authorizer created without one",
  },
  cancelJobAgain: {
    values: ["answer", "InvalidRequestException"],
    grade: "U",
    about: "CancelJob of a job that is cancelled: answered as the first time, or refused",
  },
  callerNotPermitted: {
    values: ["AccessDeniedException", "ForbiddenException", "UnauthorizedException"],
    grade: "O",
    about: "The API's caller lacks the permission; UnauthorizedException has status 401, the others 403",
  },
} as const satisfies Record<string, Choice>;

type Version = "Mqtt311" | "Mqtt5";
type RefusalSwitch = `refuse${RefusalCause}${Version}`;

export type Behaviours = {
  readonly [K in keyof typeof OTHER_SWITCHES]: (typeof OTHER_SWITCHES)[K]["values"][number];
} & { readonly [K in RefusalSwitch]: ConnectRefusal };

export interface Switch extends Choice {
  readonly name: keyof Behaviours;
  readonly default: string | number | boolean;
}

/** Every switch: one a cause and MQTT version for refused connections, and the others. */
export const SWITCHES: readonly Switch[] = [
  ...(Object.keys(REFUSAL_CAUSES) as RefusalCause[]).flatMap((cause): Switch[] => {
    const { mqtt311, mqtt5, grade, about } = REFUSAL_CAUSES[cause];
    return [
      {
        name: `refuse${cause}Mqtt311`,
        values: CODES_311,
        default: mqtt311,
        grade,
        about: `${about} (MQTT 3.1.1)`,
      },
      { name: `refuse${cause}Mqtt5`, values: CODES_5, default: mqtt5, grade, about: `${about} (MQTT 5)` },
    ];
  }),
  ...(Object.keys(OTHER_SWITCHES) as (keyof typeof OTHER_SWITCHES)[]).map((name): Switch => {
    const choice: Choice = OTHER_SWITCHES[name];
    const [first = ""] = choice.values;
    return { name, ...choice, default: first };
  }),
];

/** How a CONNECT refused for `cause` ends for a client of this version. */
export function connectRefusal(behaviours: Behaviours, cause: RefusalCause, version: 4 | 5): ConnectRefusal {
  return behaviours[`refuse${cause}${version === 5 ? "Mqtt5" : "Mqtt311"}`];
}
