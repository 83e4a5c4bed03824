import { PROTOCOLS, TLS_VERSIONS } from "../model/profile.ts";
import {
  choice,
  credential,
  either,
  flag,
  type Infer,
  integer,
  list,
  map,
  object,
  type Rule,
  text,
} from "./schema.ts";
import { isPublishTopic, PUBLISH_TOPIC_IS } from "./topics.ts";

/** Headers that the connection itself needs: a profile that set them would test something no device sends. */
const RESERVED_HEADER = /^(host|upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/i;
/** RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const CONTROL = /\p{Cc}/u;
/** The length of a text in MQTT has two bytes [MQTT-1.5.4]. */
export const MAX_MQTT_BYTES = 65_535;

const SHORT = text("1 to 256 characters without control characters", (value) => isPrintable(value, 256));
const PATH = text("the path of a file", (value) => isPrintable(value, 4096));
const PUBLISH_TOPIC = text(PUBLISH_TOPIC_IS, isPublishTopic);
/** More is checked once the names are filled in (topics.ts). */
const TOPIC_OR_FILTER = text(
  "a topic or filter: 1 to 256 bytes, no NUL",
  (value) => value !== "" && bytes(value) <= 256 && !value.includes("\0"),
);
const TOPICS = object({ allow: list(TOPIC_OR_FILTER, 0, 256), deny: list(TOPIC_OR_FILTER, 0, 256) });
const SECONDS_RANGE = list(integer(0, 2 ** 31 - 1), 2, 2);
const ACCESS = choice(["allow", "deny"]);
const PROTOCOL = choice(PROTOCOLS);
const TLS_VERSION = choice(TLS_VERSIONS);
const MQTT_TEXT = "text of at most 65535 bytes without NUL";

export const CREDENTIAL_FIELDS = {
  username: credential(MQTT_TEXT, isMqttText),
  password: credential("text of at most 65535 bytes", (value) => bytes(value) <= MAX_MQTT_BYTES),
  token: object(
    {
      key: text(
        "the authorizer's token key name: 1 to 128 of A-Z a-z 0-9 _ -",
        // TestInvokeAuthorizer's authorizer has `tokenKeyName`, [a-zA-Z0-9_-]+, 1 to 128 (API/CreateAuthorizer).
        (value) => /^[A-Za-z0-9_-]{1,128}$/.test(value),
      ),
      value: credential("text without line breaks", isOneLine),
      signature: credential("text without line breaks", isOneLine),
      signingKeyFile: PATH,
      jwt: credential("text without line breaks", isOneLine),
    },
    ["key"],
  ),
  headers: map(
    "a header name that the connection does not set itself",
    (key) => HEADER_NAME.test(key) && key !== "__proto__" && !RESERVED_HEADER.test(key),
    credential("a header value without line breaks or NUL", isHeaderValue),
  ),
  queryString: credential("a query string: printable ASCII without spaces or #", isQueryString),
} satisfies Readonly<Record<string, Rule>>;

/** A profile as it is written (design 6.3). What depends on several fields is in cross-checks.ts. */
export const PROFILE = object(
  {
    id: SHORT,
    cohort: text("1 to 64 of A-Z a-z 0-9 _ . : -", (value) => /^[A-Za-z0-9_.:-]{1,64}$/.test(value)),
    target: SHORT,
    protocol: either(PROTOCOL, list(PROTOCOL, 1, PROTOCOLS.length)),
    mqttVersion: choice([4, 5]),
    authorizer: text("an authorizer's name: 1 to 128 of A-Z a-z 0-9 _ = , @ -", (value) =>
      /^[\w=,@-]{1,128}$/.test(value),
    ),
    clientId: text(MQTT_TEXT, isMqttText),
    ...CREDENTIAL_FIELDS,
    credentialsIn: choice(["username", "headers", "query"]),
    topic: PUBLISH_TOPIC,
    identity: choice(["dedicated", "device"]),
    connect: object({
      cleanSession: flag([true, false]),
      sessionExpirySeconds: integer(0, 2 ** 32 - 1),
      keepAliveSeconds: integer(0, 65_535),
      will: either(
        { kind: "null" },
        object(
          {
            topic: PUBLISH_TOPIC,
            // DG/limits: a message holds at most 128 KB.
            payload: text("text of at most 131072 bytes", (value) => bytes(value) <= 131_072),
            qos: choice([0, 1]),
            // A will that fires and is retained would outlive the probe on a production topic.
            retain: flag([false]),
          },
          ["topic"],
        ),
      ),
    }),
    tls: object({
      serverName: text("a host name, or empty to send none", (value) => /^[\x21-\x7e]{0,255}$/.test(value)),
      alpn: list(
        text("a protocol name of 1 to 255 bytes", (value) => value !== "" && bytes(value) <= 255),
        0,
        16,
      ),
      certFile: PATH,
      keyFile: PATH,
      minVersion: TLS_VERSION,
      maxVersion: TLS_VERSION,
      groups: text("group names joined by colons, as in X25519:P-256", (value) =>
        /^[A-Za-z0-9_:/*?-]{1,256}$/.test(value),
      ),
    }),
    expect: either(
      ACCESS,
      object({
        access: ACCESS,
        publish: TOPICS,
        subscribe: TOPICS,
        receive: TOPICS,
        principalId: SHORT,
        refreshAfterSeconds: SECONDS_RANGE,
        disconnectAfterSeconds: SECONDS_RANGE,
        preset: choice(["iot-jobs", "shadow"]),
      }),
    ),
    labels: map(
      "a label of 1 to 64 printable characters",
      (key) => isPrintable(key, 64) && key !== "__proto__",
      text(
        "at most 256 characters without control characters",
        (value) => value === "" || isPrintable(value, 256),
      ),
    ),
  },
  ["id", "protocol"],
);

/** A profile that passed PROFILE. */
export type RawProfile = Infer<typeof PROFILE>;
export type RawToken = NonNullable<RawProfile["token"]>;

/** Header field value: anything a line can hold (RFC 9110, section 5.5). */
export function isHeaderValue(value: string): boolean {
  return !/[\0\r\n]/.test(value);
}

/** It goes into the request line as it is (RFC 9112, section 3.2). */
export function isQueryString(value: string): boolean {
  return /^[\x21\x22\x24-\x7e]*$/.test(value);
}

export function isOneLine(value: string): boolean {
  return !/[\0\r\n]/.test(value);
}

function isMqttText(value: string): boolean {
  return bytes(value) <= MAX_MQTT_BYTES && !value.includes("\0");
}

function isPrintable(value: string, max: number): boolean {
  return value !== "" && value.length <= max && !CONTROL.test(value);
}

function bytes(value: string): number {
  return Buffer.byteLength(value);
}
