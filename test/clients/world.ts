import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  admitted,
  arn,
  CALLER,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

/** What every client here meets: an emulator with one authorizer for each way that custom authentication can go. */
export interface World {
  readonly emulator: TestEmulator;
  /** For the files that a client wants to be given. */
  readonly folder: string;
  /** PEM of the public key that `signed` knows. */
  readonly publicKey: string;
  readonly end: () => Promise<void>;
}

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
const STRANGER = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A token whose signature has a + in it, which a URL must encode. */
export const TOKEN = tokenWithPlus();
export const SIGNATURE = signed(TOKEN, KEYS.privateKey);
export const STRANGERS_SIGNATURE = signed(TOKEN, STRANGER.privateKey);

/** May publish and read only below `mine/`. */
const NARROW = [
  policy("iot:Connect", arn("client/*")),
  policy(["iot:Publish", "iot:RetainPublish", "iot:Receive"], arn("topic/mine/*")),
  policy("iot:Subscribe", arn("topicfilter/mine/*")),
];
/** May subscribe to everything below `all/`, but is given only one topic of it. */
const DEAF = [policy(["iot:Connect", "iot:Subscribe"], "*"), policy("iot:Receive", arn("topic/all/heard"))];
const GOOD = { username: "device", password: "right" };

export async function startWorld(changes: object = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-clients-"));
  const publicKey = KEYS.publicKey.export({ type: "spki", format: "pem" }).toString();
  writeFileSync(join(folder, "fleet.pem"), publicKey);
  const emulator = await startTestEmulator({
    credentials: [
      CALLER,
      { accessKeyId: "denied", secretAccessKey: "x", deny: ["iot:TestInvokeAuthorizer", "iot:CancelJob"] },
      { accessKeyId: "expired", secretAccessKey: "x", sessionToken: "token", expired: true },
    ],
    authorizers: [
      tableAuthorizer([
        { when: GOOD, answer: admitted() },
        { when: { "headers.x-password": "right" }, answer: admitted() },
        { when: { queryString: "/[?&]password=right(&|$)/" }, answer: admitted() },
        { when: { username: "throws" }, error: "no database" },
        { when: { username: "dashed" }, answer: { ...admitted(), principalId: "a-b" } },
      ]),
      tableAuthorizer([{ when: GOOD, answer: admitted(...NARROW) }], { name: "narrow" }),
      tableAuthorizer([{ when: GOOD, answer: admitted(policy("iot:Connect", arn("client/other"))) }], {
        name: "elsewhere",
      }),
      tableAuthorizer([{ when: GOOD, answer: admitted(...DEAF) }], { name: "deaf" }),
      {
        name: "signed",
        tokenKeyName: "x-token",
        publicKeyFiles: { k1: join(folder, "fleet.pem") },
        handler: { table: [{ when: { token: TOKEN }, answer: admitted() }] },
      },
      tableAuthorizer([], { name: "asleep", status: "INACTIVE" }),
    ],
    ...changes,
  });
  return {
    emulator,
    folder,
    publicKey,
    end: async () => {
      await emulator.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A user name that names its authorizer, as devices write it. */
export function usernameFor(authorizer: string, username = "device"): string {
  return `${username}?x-amz-customauthorizer-name=${authorizer}`;
}

/** A user name that carries a signed token; the signature is URL-encoded, as AWS asks. */
export function signedUsername(signature = SIGNATURE): string {
  const parameters = [
    "x-amz-customauthorizer-name=signed",
    `x-amz-customauthorizer-signature=${encodeURIComponent(signature)}`,
    `x-token=${TOKEN}`,
  ];
  return `device?${parameters.join("&")}`;
}

function tokenWithPlus(): string {
  for (let index = 0; ; index++) {
    const token = `fleet.device-${index}`;
    if (signed(token, KEYS.privateKey).includes("+")) return token;
  }
}

function signed(token: string, key: KeyObject): string {
  return sign("sha256", Buffer.from(token), key).toString("base64");
}
