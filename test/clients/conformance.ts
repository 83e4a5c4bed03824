/**
 * What the emulator does, on which ground, and which test shows it: docs/emulator-conformance.md is made from this.
 * Grades: D: AWS documents it; M: AWS's API model; S: seen in AWS's own SDK sources or tests; O: reported by a third
 * party; U: undocumented, so a switch or a choice.
 */
export interface Row {
  readonly behaviour: string;
  /** Section of the fact sheet on custom authentication, or a page: `DG x` is AWS's developer guide. */
  readonly fact: string;
  readonly grade: "D" | "M" | "S" | "O" | "U";
  /** `FILE: TITLE`, the file below test/ and without its ending. */
  readonly tests: readonly string[];
}

const D = "D";
const M = "M";
const S = "S";
const O = "O";
const U = "U";

function row(behaviour: string, fact: string, grade: Row["grade"], ...tests: readonly string[]): Row {
  return { behaviour, fact, grade, tests };
}

export const CONFORMANCE: Readonly<Record<string, readonly Row[]>> = {
  "Ways in": [
    row(
      "MQTT with custom authentication needs ALPN `mqtt` on port 443",
      "4.1",
      D,
      "clients/paho: needs ALPN mqtt",
      "clients/mosquitto: gets nowhere with %s",
      "emulator/gateway-tls: MQTT without ALPN on 443 meets HTTP and is closed without an answer",
    ),
    row(
      "WebSocket: no ALPN, path `/mqtt`, subprotocol `mqtt`",
      "4.4",
      D,
      "clients/device-sdk: connects with %s, publishes and subscribes",
      "clients/paho: publishes, subscribes and receives with QoS 0 and 1",
    ),
    row(
      "A GET of `/mqtt` without an upgrade: 426",
      "6.3",
      O,
      "clients/curl: a request that breaks the API is refused with its own status",
    ),
    row(
      "HTTPS without ALPN; `http/1.1`, which curl and browsers offer, does too",
      "4.1",
      U,
      "clients/curl: HTTP/1.1 is spoken with and without ALPN",
    ),
    row(
      "MQTT needs an SNI that is one of the account's endpoints; HTTP can do with its Host header",
      "4.2",
      D,
      "emulator/gateway-tls: MQTT needs a name of the account: a TLS alert otherwise",
      "emulator/gateway-tls: HTTP can do without",
    ),
    row(
      "Domain configurations: authenticationType and applicationProtocol decide, a disabled one lets nobody in",
      "2.4",
      D,
      "emulator/gateway-tls: %s with ALPN %j: %s",
      "emulator/domains: %s × %s: %j",
      "emulator/domains: a DISABLED domain lets nobody in, whatever its types",
    ),
    row(
      "The legacy endpoint (`iot:Data`) does not take MQTT 5",
      "2.3",
      D,
      "emulator/switches-mqtt: takes MQTT 3.1.1 only; legacyEndpointMqtt5 %s",
    ),
    row(
      "The certificate paths never call the authorizer",
      "4.1",
      O,
      "emulator/gateway-x509: ALPN x-amzn-mqtt-ca asks no authorizer",
    ),
    row(
      "CUSTOM_AUTH_X509: client certificate and authorizer",
      "2.4, 5.2",
      D,
      "emulator/gateway-x509: a registered certificate is let in with its own policies, where the principal is its id",
    ),
  ],
  Credentials: [
    row(
      "Parameters in the user name after one `?`; the signature URL-encoded",
      "4.3",
      D,
      "clients/mosquitto: a signed token in the user name opens the door",
      "clients/device-sdk: connects with %s, publishes and subscribes",
    ),
    row(
      "The device SDK's own parameters (`SDK`, `Version`) do no harm",
      "4.3",
      S,
      "clients/device-sdk: connects with %s, publishes and subscribes",
      "emulator/gateway-http: an SDK's own parameters do no harm, a second question mark does",
    ),
    row(
      "WebSocket: in the upgrade's headers, its query string, or the CONNECT",
      "4.4",
      D,
      "clients/paho: may show its credentials in the headers of the WebSocket upgrade",
      "emulator/gateway-http: credentials %s are accepted",
    ),
    row("HTTPS: in headers or query string", "4.5", D, "clients/curl: publishes with %s"),
    row(
      "A signature is RSA-SHA256 (PKCS#1 v1.5) over the token; any registered key will do",
      "4.6",
      D,
      "emulator/api: accepts a signature by any registered key",
    ),
    row(
      "A token or signature that is missing or wrong does not get in",
      "4.6, 6.2",
      S,
      "clients/mosquitto: refuses %s",
      "clients/device-sdk: is refused with %s",
      "clients/curl: is refused with %s",
    ),
    row(
      "Which authorizer is asked: the named one, the domain's default, the account's",
      "4.9",
      D,
      "emulator/selection: %s",
    ),
  ],
  "Refused connections": [
    row(
      "`isAuthenticated: false`: CONNACK 5, in MQTT 5 0x87",
      "6.2",
      S,
      "clients/paho: is let in or refused by its credentials and its policy",
      "clients/mosquitto: refuses %s",
      "clients/device-sdk: is refused with %s",
    ),
    row(
      "No iot:Connect for the client id: CONNACK 5, in MQTT 5 0x87 with a reason text",
      "6.2",
      O,
      "clients/paho: is let in or refused by its credentials and its policy",
      "clients/paho: reads why it is refused",
      "clients/device-sdk: is refused with %s",
    ),
    row(
      "No such authorizer, or an inactive one: closed, in MQTT 5 0x87",
      "6.2",
      U,
      "clients/mosquitto: refuses %s",
      "clients/device-sdk: is refused with %s",
    ),
    row(
      "The authorizer fails: closed, in MQTT 5 0x80",
      "6.2",
      U,
      "clients/paho: is let in or refused by its credentials and its policy",
    ),
    row(
      "The authorizer takes over 5 seconds: as if it had failed",
      "5.3",
      D,
      "emulator/authorizers: a function that takes over 5 seconds has failed, at the gateway and at the API",
    ),
    row(
      "Client id over 128 bytes, or `$GEN/…`: closed, in MQTT 5 0x85",
      "6.2",
      O,
      "clients/mosquitto: refuses %s",
      "clients/paho: is let in or refused by its credentials and its policy",
    ),
    row(
      "A will that the policy does not let the client publish",
      "6.2",
      D,
      "clients/mosquitto: refuses a will that the policy does not let the client publish",
      "clients/paho: is refused with a will that its policy does not let it publish",
    ),
    row(
      "More than one CONNECT a second for a client id: closed, in MQTT 5 0x97",
      "3.3",
      U,
      "emulator/faults: the second one is refused",
    ),
    row("HTTPS: 403 ForbiddenException with a trace id", "6.4", O, "clients/curl: is refused with %s"),
  ],
  Messages: [
    row(
      "QoS 0 and 1, between MQTT 3.1.1 and 5 too",
      "DG mqtt",
      D,
      "clients/mosquitto: a message of QoS %i arrives",
      "clients/mosquitto: a message from the other MQTT version arrives",
      "clients/paho: publishes, subscribes and receives with QoS 0 and 1",
    ),
    row(
      "QoS 2 is not supported: no answer, in MQTT 5 DISCONNECT 0x9B",
      "6.2",
      D,
      "clients/paho: has no answer to a publish with QoS 2, or a 0x9B",
      "emulator/gateway-mqtt: MQTT 3.1.1: QoS 2 is never acknowledged, neither publish nor subscribe",
    ),
    row("UNSUBSCRIBE", "DG mqtt", D, "clients/paho: gets no more of a filter that it has unsubscribed"),
    row(
      "Retained messages; an empty one deletes",
      "DG mqtt",
      D,
      "clients/mosquitto: a retained message waits for its subscriber",
      "clients/paho: gets the last retained message, until an empty one ends it",
    ),
    row(
      "The will, when the connection is lost",
      "DG mqtt",
      D,
      "clients/paho: has its will published when it is lost, not when it leaves",
    ),
    row(
      "A will with a delay waits, and is not published where the session is resumed",
      "MQTT 5, 3.1.3.2.2",
      U,
      "emulator/clients: is not published where the session is resumed before, by whatever kind of connection",
      "emulator/clients: is published at once where a new session replaces the old one, or it had none",
    ),
    row(
      "Queued and retained messages expire; what is left of the interval is told",
      "DG mqtt",
      D,
      "emulator/broker: is queued until then, and comes with what is left of its interval",
      "emulator/broker: is retained until then",
    ),
    row(
      "Persistent sessions keep QoS 1 messages",
      "DG mqtt",
      D,
      "clients/mosquitto: a persistent session keeps what came meanwhile",
      "clients/paho: finds its session and the messages of QoS 1 that it missed",
    ),
    row(
      "A second connection with the client id ends the first one; in MQTT 5 DISCONNECT 0x8E",
      "6.2",
      D,
      "clients/paho: is put out when another connection takes its client id",
    ),
    row(
      "Shared subscriptions",
      "DG mqtt",
      D,
      "clients/paho: shares a subscription: each message goes to one member",
    ),
    row("Up to 8 topic aliases", "3.3", D, "clients/paho: may use 8 topic aliases"),
    row(
      "MQTT 5's message properties are passed on",
      "DG mqtt",
      D,
      "clients/paho: gets a message with the properties it was published with",
    ),
    row("No Local", "MQTT 5, 3.8.3.1", U, "clients/paho: gets nothing of its own with No Local"),
    row(
      "A client without an id is given one, `$GEN/…`",
      "8, row 22",
      O,
      "clients/paho: is given a client id where it has none",
    ),
    row(
      "HTTPS publish reaches MQTT subscribers",
      "4.5",
      D,
      "clients/curl: what it publishes reaches a subscriber",
    ),
  ],
  Policies: [
    row(
      "No iot:Publish: the connection ends; in MQTT 5 PUBACK 0x87",
      "6.2",
      O,
      "clients/paho: publishes only where its policy lets it",
    ),
    row(
      "No iot:Subscribe: the connection ends; in MQTT 5 SUBACK 0x87",
      "6.2",
      O,
      "clients/paho: subscribes only where its policy lets it",
    ),
    row(
      "No iot:Receive: silently not delivered",
      "6.2, 7",
      D,
      "clients/paho: gets silently nothing where its policy lacks iot:Receive",
    ),
  ],
  Limits: [
    row(
      "The CONNACK of MQTT 5 tells them; keep-alives of 1 to 29 s become 30",
      "3.3",
      D,
      "clients/paho: reads the gateway's limits in the CONNACK",
      "emulator/gateway-mqtt: a keep-alive of %i s counts as %i",
    ),
    row(
      "Payload 128 KB, topic 256 bytes and 7 slashes, 8 filters in a SUBSCRIBE",
      "3.3",
      D,
      "clients/paho: is put out beyond AWS's limits, not at them",
    ),
    row(
      "50 subscriptions a connection",
      "3.3",
      D,
      "emulator/gateway-mqtt: no more than 50 subscriptions a connection",
    ),
    row(
      "512 KB a second a connection, each way; more is delayed",
      "3.3",
      D,
      "emulator/gateway-mqtt: what a client sends is read later",
      "emulator/gateway-mqtt: what is sent to it comes later, and holds up no answer",
    ),
    row(
      "A Maximum Packet Size below 512 bytes is refused, in MQTT 5 0x80",
      "3.3",
      D,
      "emulator/switches-mqtt: is refused; smallMaximumPacketSize %s",
    ),
    row(
      "Subscription identifiers are not supported: DISCONNECT 0xA1",
      "6.1",
      D,
      "emulator/gateway-mqtt: a subscription identifier ends an MQTT 5 session with 0xA1",
    ),
    row(
      "100 publishes a second a connection; more are lost",
      "3.3",
      D,
      "emulator/gateway-mqtt: MQTT 5, excessPublish5 %s",
    ),
    row(
      "A malformed packet ends its connection only; in MQTT 5 DISCONNECT 0x81 or 0x82",
      "6.1",
      D,
      "emulator/bad-input: %s: 0x%s",
      "emulator/bad-input: and no other client notices",
    ),
  ],
  "The API": [
    row(
      "TestInvokeAuthorizer: request, answer with documents as text",
      "1.2, 1.3",
      M,
      "clients/boto3: asks an authorizer",
      "clients/aws-cli: asks an authorizer",
    ),
    row(
      "Its exceptions, and the front end's 403s",
      "1.4",
      M,
      "clients/boto3: gets the exceptions of TestInvokeAuthorizer that a request or an authorizer causes",
      "clients/boto3: gets the front end's 403s for callers that are not known or not permitted",
      "clients/aws-cli: reads each exception of TestInvokeAuthorizer, and the front end's",
    ),
    row(
      "Signatures for the service `iot`, or `execute-api` as clients of 2022 send",
      "1.1",
      M,
      "clients/boto3: asks an authorizer",
      "emulator/api: answers all five fields, documents as text",
    ),
    row(
      "ThrottlingException is HTTP 400, each operation has its own bucket",
      "3.1",
      D,
      "clients/boto3: boto3 is throttled beyond the quota, each operation by itself",
    ),
    row(
      "Throttled, unauthorized, 500 and 503, of every operation",
      "1.4, 2",
      M,
      "clients/boto3: boto3 reads %s (%i) from every operation",
    ),
    row(
      "Authorizers are created, described, changed, listed and deleted; one is the default",
      "2.1, 2.2",
      M,
      "clients/boto3: creates, changes, lists and deletes an authorizer",
      "clients/boto3: turns the pages of a list",
      "clients/aws-cli: takes an authorizer from its creation to its deletion",
    ),
    row(
      "32 active authorizers, then LimitExceededException 410",
      "2.2, 3.2",
      D,
      "clients/boto3: may keep 32 authorizers active",
    ),
    row(
      "DescribeEndpoint, DescribeDomainConfiguration, ListDomainConfigurations",
      "2.3, 2.4",
      M,
      "clients/boto3: asks for endpoints and domain configurations",
      "clients/aws-cli: asks for endpoints and domain configurations",
    ),
    row(
      "GetConnection and GetThingConnectivityData",
      "6.5",
      M,
      "clients/boto3: asks what is connected, with requests that botocore signs",
      "emulator/connections: tells of the client with the thing's name",
      "emulator/clients: GetConnection: 200 with the permission, 403 without it, 404 for a stranger",
      "emulator/clients: GetThingConnectivityData: with session details, 403 without the permission",
    ),
    row(
      "DeleteConnection, with or without the session and the will",
      "API iotdata_DeleteConnection",
      M,
      "emulator/clients: DeleteConnection ends it, with its will; the session stays",
      "emulator/clients: DeleteConnection without the will, and with the session",
    ),
    row(
      "CreateJob, DescribeJob, CancelJob",
      "API CreateJob, CancelJob",
      M,
      "clients/boto3: starts a job and stops it",
      "clients/aws-cli: starts a job and stops it",
    ),
  ],
};
