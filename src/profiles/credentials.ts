import { isUtf8 } from "node:buffer";
import pLimit from "p-limit";
import { monotonicMs, wallMs } from "../lib/clock.ts";
import { assertNever } from "../lib/errors.ts";
import { resolveReferences } from "../lib/references.ts";
import type { CredentialsAnswer, CredentialsFn } from "../model/ports.ts";
import type {
  Credentials,
  CredentialTemplate,
  ExecSource,
  Profile,
  ResolvedToken,
} from "../model/profile.ts";
import { Secret } from "../model/secret.ts";
import { mapValues } from "./build.ts";
import { fileFields, type TemplateField, templateFields } from "./credential-fields.ts";
import { type ExecLimits, execCall, type KillGroup, runExec } from "./exec.ts";
import { type ExecAnswer, type ParsedAnswer, parseExecAnswer } from "./exec-answer.ts";
import { expiryMs } from "./expiry.ts";
import { FileCache } from "./file-cache.ts";
import { formatFieldPath } from "./finding.ts";
import { CREDENTIAL_FIELDS, MAX_MQTT_BYTES } from "./profile-schema.ts";
import { SharedWork } from "./shared-work.ts";

export interface CredentialsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch; omitted: the wall clock, and a steady one for what is kept of files. */
  readonly now?: () => number;
  /** How long what a file holds may be used; 5 s. */
  readonly cacheMs?: number;
  /** Omitted: of a command that must end only the process itself is killed. */
  readonly killGroup?: KillGroup;
}

/** Answers of commands that do not say when they expire. */
const EXEC_KEPT_MS = 60_000;
const MAX_EXEC_ANSWERS = 1000;
const MAX_EXECS_AT_ONCE = 8;
const EXEC_LIMITS: ExecLimits = { timeoutMs: 10_000, maxBytes: 1024 * 1024 };

type Field<T> = { readonly kind: "value"; readonly value: T } | Unavailable;
type Unavailable = Extract<CredentialsAnswer, { kind: "unavailable" }>;

/**
 * The port that reads a profile's credentials at the moment its check runs: references, files, and the source's
 * command, whose answer goes before what the profile states. Kept briefly in memory, never stored. Throws only the
 * signal's reason when aborted; `close` ends commands that still run.
 */
export function createCredentials(
  options: CredentialsOptions,
): CredentialsFn & { readonly close: () => Promise<void> } {
  const reader = new CredentialsReader(options);
  return Object.assign((profile: Profile, signal: AbortSignal) => reader.read(profile, signal), {
    close: () => reader.close(),
  });
}

class CredentialsReader {
  readonly #env: CredentialsOptions["env"];
  readonly #now: () => number;
  readonly #files: FileCache;
  readonly #execs: SharedWork<ParsedAnswer>;
  readonly #execLimit = pLimit(MAX_EXECS_AT_ONCE);
  readonly #killGroup: KillGroup | undefined;

  constructor({ env, now, cacheMs = 5_000, killGroup }: CredentialsOptions) {
    this.#env = env;
    this.#killGroup = killGroup;
    this.#now = now ?? wallMs;
    // A wall clock that is set back would keep a secret for hours.
    this.#files = new FileCache(cacheMs, now ?? monotonicMs);
    this.#execs = new SharedWork(MAX_EXEC_ANSWERS, (answer) => this.#goodUntil(answer), this.#now);
  }

  async read(profile: Profile, signal: AbortSignal): Promise<CredentialsAnswer> {
    signal.throwIfAborted();
    if (profile.exec === null) return this.#resolve(profile, new Set(), null, signal);
    const asked = await this.#ask(profile, profile.exec, signal);
    if (asked.kind === "failed") return unavailable(asked.reason);
    const { answer } = asked;
    if (answer.expiresAtMs !== null && answer.expiresAtMs <= this.#now()) {
      return unavailable("the command answered credentials that have expired");
    }
    return this.#resolve(overlay(profile, answer), secretsOf(answer), answer.expiresAtMs, signal);
  }

  async close(): Promise<void> {
    await this.#execs.close();
    this.#files.clear();
  }

  async #ask(profile: Profile, exec: ExecSource, signal: AbortSignal): Promise<ParsedAnswer> {
    const call = execCall(exec, profile);
    const run = async (stop: AbortSignal): Promise<ParsedAnswer> => {
      const output = await this.#execLimit(() =>
        runExec(call, this.#env, EXEC_LIMITS, stop, this.#killGroup),
      );
      if (output.kind === "failed") return output;
      const parsed = parseExecAnswer(output.bytes, call.cwd);
      return parsed.kind === "failed" ? { ...parsed, reason: `the command ${parsed.reason}` } : parsed;
    };
    return this.#execs.do(JSON.stringify(call), run, signal);
  }

  #goodUntil(parsed: ParsedAnswer): number {
    if (parsed.kind === "failed") return 0;
    return parsed.answer.expiresAtMs ?? this.#now() + EXEC_KEPT_MS;
  }

  /** `literal` are values that stand for themselves. */
  async #resolve(
    profile: Profile,
    literal: ReadonlySet<Secret>,
    commandSaysMs: number | null,
    signal: AbortSignal,
  ): Promise<CredentialsAnswer> {
    const values = new Map<CredentialTemplate, Secret>();
    for (const field of templateFields(profile)) {
      const isLiteral = literal.has(field.template);
      const read = isLiteral
        ? checked(field, field.template)
        : await this.#resolveField(field, profile.baseFolder);
      if (read.kind === "unavailable") return read;
      values.set(field.template, read.value);
    }
    const contents = new Map<string, Secret>();
    for (const { path, file } of fileFields(profile)) {
      const read = await this.#files.read(file);
      if (read.kind === "unreadable") return unavailable(`${formatFieldPath(path)}: the file ${read.reason}`);
      contents.set(file, new Secret(read.bytes));
    }
    signal.throwIfAborted();
    const credentials = assemble(profile, values, contents);
    return { kind: "ready", credentials, expiresAtMs: expiryMs(credentials, commandSaysMs) };
  }

  async #resolveField(field: TemplateField, baseFolder: string): Promise<Field<Secret>> {
    const text = field.template.exposeText();
    // Most credentials that hold no reference are used as they are.
    if (!text.includes("${")) return checked(field, field.template);
    const readFile = (path: string) => this.#files.read(path);
    const answer = await resolveReferences(text, { baseFolder, env: this.#env, readFile });
    if (answer.kind === "unavailable") return unavailable(`${formatFieldPath(field.path)}: ${answer.reason}`);
    return checked(field, new Secret(answer.bytes));
  }
}

/** The profile with the command's answer in place of its own fields; headers are replaced one by one. */
function overlay(profile: Profile, answer: ExecAnswer): Profile {
  const replaced = new Set(Object.keys(answer.headers).map((name) => name.toLowerCase()));
  const kept = Object.entries(profile.headers).filter(([name]) => !replaced.has(name.toLowerCase()));
  return {
    ...profile,
    username: answer.username ?? profile.username,
    password: answer.password ?? profile.password,
    token: answer.token ?? profile.token,
    headers: Object.fromEntries([...kept, ...Object.entries(answer.headers)]),
    queryString: answer.queryString ?? profile.queryString,
  };
}

function secretsOf({ username, password, token, headers, queryString }: ExecAnswer): ReadonlySet<Secret> {
  const inToken = token === null ? [] : token.kind === "jwt" ? [token.jwt] : [token.value];
  const signature = token?.kind === "value" ? token.signature : null;
  const all = [username, password, ...inToken, signature, ...Object.values(headers), queryString];
  return new Set(all.filter((each) => each !== null));
}

/** What a reference stood for must be as fit for its field as what is written there. */
function checked({ path }: TemplateField, value: Secret): Field<Secret> {
  const [field] = path;
  const refused = (expected: string) => unavailable(`${formatFieldPath(path)}: expected ${expected}`);
  // A password may be any bytes [MQTT-3.1.3.6].
  if (field === "password") {
    return value.length <= MAX_MQTT_BYTES
      ? { kind: "value", value }
      : refused(CREDENTIAL_FIELDS.password.expected);
  }
  if (!isUtf8(value.exposeBytes())) return refused("UTF-8 text");
  const rule = ruleOf(path);
  return rule.accepts(value.exposeText()) ? { kind: "value", value } : refused(rule.expected);
}

function ruleOf([field, inner]: TemplateField["path"]) {
  const { username, token, headers, queryString } = CREDENTIAL_FIELDS;
  if (field === "headers") return headers.value;
  if (field === "queryString") return queryString;
  if (field === "username") return username;
  return token.fields[inner === "jwt" || inner === "signature" ? inner : "value"];
}

function assemble(
  profile: Profile,
  values: ReadonlyMap<CredentialTemplate, Secret>,
  contents: ReadonlyMap<string, Secret>,
): Credentials {
  const required = (template: CredentialTemplate) => known(values.get(template));
  const optional = (template: CredentialTemplate | null) => (template === null ? null : required(template));
  const file = (path: string) => known(contents.get(path));
  const { certFile, keyFile } = profile.tls;
  return {
    username: optional(profile.username),
    password: optional(profile.password),
    token: profile.token === null ? null : resolvedToken(profile.token, required, file),
    headers: mapValues(profile.headers, required),
    queryString: optional(profile.queryString),
    clientCertificate:
      certFile === null || keyFile === null ? null : { cert: file(certFile), key: file(keyFile) },
  };
}

function resolvedToken(
  token: NonNullable<Profile["token"]>,
  required: (template: CredentialTemplate) => Secret,
  file: (path: string) => Secret,
): ResolvedToken {
  const { key } = token;
  switch (token.kind) {
    case "value": {
      const signature = token.signature === null ? null : required(token.signature);
      return { key, kind: "value", value: required(token.value), signature };
    }
    case "sign":
      return { key, kind: "sign", value: required(token.value), signingKey: file(token.signingKeyFile) };
    case "jwt":
      return { key, kind: "jwt", jwt: required(token.jwt) };
    default:
      return assertNever(token, "token");
  }
}

function known(value: Secret | undefined): Secret {
  if (value === undefined) throw new Error("a credential field was not resolved");
  return value;
}

function unavailable(reason: string): Unavailable {
  return { kind: "unavailable", reason };
}
