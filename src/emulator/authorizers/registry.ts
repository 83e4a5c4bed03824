import { createPublicKey, type KeyObject } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { unreadableReason } from "../../lib/bounded-file.ts";
import { UsageError } from "../../lib/errors.ts";
import { arnOf } from "../arn.ts";
import type { EmulatorConfig } from "../config.ts";
import type { AuthorizerConfig, HandlerConfig } from "../schema.ts";
import type { Handler } from "./handler.ts";
import { moduleHandler } from "./module-handler.ts";
import { tableHandler } from "./table-handler.ts";
import { urlHandler } from "./url-handler.ts";

export interface Authorizer {
  readonly name: string;
  readonly arn: string;
  readonly functionArn: string;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly tokenKeyName: string | null;
  readonly signingDisabled: boolean;
  /** PEM by key name; any of them may have signed. */
  readonly publicKeys: Readonly<Record<string, string>>;
  readonly enableCachingForHttp: boolean;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** How long an authorizer's function may take (DG config-custom-auth). */
const LIMIT_MS = 5000;

/** Authorizers by name, the account's default one, and the functions behind them by ARN. */
export class AuthorizerRegistry {
  readonly #authorizers = new Map<string, Authorizer>();
  readonly #functions = new Map<string, Handler>();
  readonly #parsedKeys = new Map<string, KeyObject>();
  /** Name of the account's default authorizer. */
  defaultName: string | null = null;

  /** How long a function may take. */
  readonly limitMs: number;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  get(name: string): Authorizer | null {
    return this.#authorizers.get(name) ?? null;
  }

  /** In the order of their names. */
  list(): readonly Authorizer[] {
    return [...this.#authorizers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  put(authorizer: Authorizer): void {
    this.#authorizers.set(authorizer.name, authorizer);
  }

  remove(name: string): void {
    this.#authorizers.delete(name);
  }

  /** The code behind an authorizer; null: IoT may not invoke it, or there is none. */
  handlerOf({ functionArn }: Authorizer): Handler | null {
    return this.#functions.get(functionArn) ?? null;
  }

  addFunction(arn: string, handler: Handler): void {
    this.#functions.set(arn, handler);
  }

  publicKeysOf({ publicKeys }: Authorizer): readonly KeyObject[] {
    return Object.values(publicKeys).map((pem) => {
      const key = this.#parsedKeys.get(pem) ?? createPublicKey(pem);
      this.#parsedKeys.set(pem, key);
      return key;
    });
  }
}

/** Builds what the configuration defines. Throws UsageError for a module that is missing, and
 * for a key file that is missing or no RSA public key. */
export async function createRegistry(config: EmulatorConfig): Promise<AuthorizerRegistry> {
  const registry = new AuthorizerRegistry(LIMIT_MS / config.functionSpeed);
  for (const each of config.authorizers) {
    const authorizer = await toAuthorizer(each, config);
    registry.put(authorizer);
    if (each.invokePermission === "granted") {
      registry.addFunction(authorizer.functionArn, await createHandler(each.handler, config.baseFolder));
    }
  }
  registry.defaultName = config.defaultAuthorizer ?? null;
  return registry;
}

export function authorizerArn(config: EmulatorConfig, name: string): string {
  return arnOf(config, "iot", `authorizer/${name}`);
}

async function toAuthorizer(each: AuthorizerConfig, config: EmulatorConfig): Promise<Authorizer> {
  const { baseFolder } = config;
  const publicKeys: Record<string, string> = {};
  for (const [name, file] of Object.entries(each.publicKeyFiles ?? {})) {
    publicKeys[name] = await readPublicKey(resolve(baseFolder, file));
  }
  // A function's name has no `=`, `,` or `@`.
  const functionName = each.name.replace(/[^\w-]/g, "-");
  return {
    name: each.name,
    arn: authorizerArn(config, each.name),
    functionArn: each.functionArn ?? arnOf(config, "lambda", `function:${functionName}`),
    status: each.status,
    tokenKeyName: each.tokenKeyName ?? null,
    signingDisabled: each.signingDisabled === true,
    publicKeys,
    enableCachingForHttp: each.enableCachingForHttp,
    createdAtMs: Date.now(),
    modifiedAtMs: Date.now(),
  };
}

async function readPublicKey(file: string): Promise<string> {
  let pem: string;
  try {
    pem = await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`the public key file ${file} ${unreadableReason(error)}`);
  }
  if (!isRsaPublicKey(pem))
    throw new UsageError(`${file} is not an RSA public key of at least 2048 bits in PEM`);
  return pem;
}

/** At least 2048 bits (DG config-custom-auth). A private key would do as well, but has no business there. */
export function isRsaPublicKey(pem: string): boolean {
  try {
    if (pem.includes("PRIVATE KEY")) return false;
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem);
    return asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

async function createHandler(
  { table = [], module, url }: HandlerConfig,
  baseFolder: string,
): Promise<Handler> {
  if (module !== undefined) {
    const file = resolve(baseFolder, module);
    try {
      await access(file, constants.R_OK);
    } catch (error) {
      throw new UsageError(`the authorizer's module ${file} ${unreadableReason(error)}`);
    }
    return moduleHandler(file);
  }
  return url === undefined ? tableHandler(table) : urlHandler(url);
}
