import type { AddressInfo, Server } from "node:net";
import { resolve } from "node:path";
import { monotonicMs, wallMs } from "../lib/clock.ts";
import { createLog, type Log } from "../lib/log.ts";
import { createAdminHandler } from "./admin.ts";
import { createApiHandler } from "./api/handler.ts";
import { createApiServer } from "./api/server.ts";
import { createRegistry } from "./authorizers/registry.ts";
import { Activity, type ClientState, clientState } from "./broker/activity.ts";
import { Broker } from "./broker/broker.ts";
import { Presence } from "./broker/presence.ts";
import { ensureCertificates } from "./certificates/store.ts";
import type { EmulatorConfig } from "./config.ts";
import { createDomains } from "./domains.ts";
import { Faults } from "./faults.ts";
import { readClientCertificates } from "./gateway/client-certificates.ts";
import type { Gateway } from "./gateway/link.ts";
import { GatewayListener } from "./gateway/listener.ts";
import { Jobs } from "./jobs.ts";
import { TokenBuckets } from "./quotas.ts";

/** How long open connections may take to go when the emulator stops. */
const STOP_GRACE_MS = 1500;

export interface Emulator {
  /** `http://host:port`, where the AWS clients' endpoint is pointed. */
  readonly api: string;
  /** `host:port` of the device gateway. */
  readonly gateway: string;
  /** Absolute path of the CA that devices have to trust. */
  readonly caFile: string;
  /** What it knows of a client id. */
  readonly client: (clientId: string) => ClientState;
  /** Ends every connection and listener. */
  stop(): Promise<void>;
}

/**
 * Starts the look-alike: authorizer API and device gateway. Throws UsageError for files of the configuration that
 * cannot be used, and the system's error where an address cannot be listened on; nothing is left open then.
 */
export async function startEmulator(
  config: EmulatorConfig,
  { log = createLog("silent") }: { readonly log?: Log } = {},
): Promise<Emulator> {
  const registry = await createRegistry(config);
  const clientCertificates = await readClientCertificates(config);
  const domains = createDomains(config);
  const folder = resolve(config.baseFolder, config.certificates.folder);
  const certificates = await ensureCertificates(folder, certificateNames(config));
  const stopping = new AbortController();
  const account = { registry, behaviours: config.behaviours, log };
  const faults = new Faults({ faults: config.faults, faultSeed: config.faultSeed });
  const broker = new Broker();
  const presence = new Presence(wallMs);
  const activity = new Activity();
  const client = (clientId: string) => clientState(clientId, { broker, presence, activity });
  const { connectsPerSecondPerClientId: connects, connectionQueriesPerSecondPerClientId: queries } =
    config.quotas;
  const shared = { config, account, domains, presence, signal: stopping.signal };
  const connectionQueries = new TokenBuckets(queries, 1, monotonicMs);
  const services = { ...shared, broker, jobs: new Jobs(), connectionQueries, log };
  const handleApi = createApiHandler({ services, faults });
  const gateway: Gateway = {
    ...{ ...shared, broker, activity, faults, clientCertificates, log },
    connects: new TokenBuckets(connects, 1, monotonicMs),
    serveDataPlane: (request, response) => handleApi(request, response, "data"),
  };
  const listener = new GatewayListener(gateway, certificates);
  const api = createApiServer({
    handle: handleApi,
    admin: config.admin.enabled ? createAdminHandler(faults, client) : null,
    certificate: config.listen.apiTls ? certificates.valid : null,
  });

  await using starting = new AsyncDisposableStack();
  const gatewayAt = hostAndPort(config.listen.gateway);
  const gatewayServer = await listener.listen(gatewayAt.host, gatewayAt.port);
  starting.defer(() => listener.stop(0));
  const apiAt = hostAndPort(config.listen.api);
  await listen(api, apiAt);
  starting.move();

  return {
    api: `${config.listen.apiTls ? "https" : "http"}://${addressOf(api, apiAt.host)}`,
    gateway: addressOf(gatewayServer, gatewayAt.host),
    caFile: certificates.caFile,
    client,
    stop: async () => {
      stopping.abort(new Error("the emulator stops"));
      const closed = new Promise((done) => api.close(done));
      api.closeAllConnections();
      await Promise.all([closed, listener.stop(STOP_GRACE_MS)]);
      broker.stop();
    },
  };
}

/** Every name a client may connect by, and the loopback addresses. */
function certificateNames({ domains }: EmulatorConfig): string[] {
  const names = domains.flatMap(({ serverName, aliases }) => [serverName, ...aliases]);
  return [...new Set([...names.map((name) => name.toLowerCase()), "localhost", "127.0.0.1", "::1"])];
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(at + 1)) };
}

function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      done();
    });
  });
}

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
