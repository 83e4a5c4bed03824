import { IoTDataPlaneClient } from "@aws-sdk/client-iot-data-plane";
import type { Target } from "../model/target.ts";
import type { Clients } from "./client.ts";
import { ClientPool, ONE_TRY } from "./client-pool.ts";

/** Clients of the data plane, one for each target; made when first used. */
export interface DataClients {
  /** @param endpoint host name of a data endpoint of the account */
  of(target: Target, endpoint: string): IoTDataPlaneClient;
  /** Closes every connection. */
  close(): void;
}

/** They share their credentials with the clients of the control plane: a chain may run a program. */
export function createDataClients(clients: Pick<Clients, "of">): DataClients {
  const pool = new ClientPool<IoTDataPlaneClient>();
  return {
    of: (target, endpoint) =>
      pool.of(`${target.name}\n${endpoint}`, () => createDataClient(target, endpoint, clients)),
    close: () => pool.close(),
  };
}

/**
 * Dials as a device of the target is dialled, with the SDK's defaults switched off. Requests signed
 * by AWS credentials take port 443 without ALPN (DG/protocols.html).
 */
function createDataClient(
  target: Target,
  endpoint: string,
  clients: Pick<Clients, "of">,
): IoTDataPlaneClient {
  const { region, port, address, addressFamily, ca, concurrency } = target;
  const httpsAgent = {
    ...{ keepAlive: true, maxSockets: concurrency, ALPNProtocols: [], servername: endpoint },
    ...(ca === null ? {} : { ca }),
    ...(address === null ? {} : { host: address }),
    ...(addressFamily === "any" ? {} : { family: addressFamily }),
  };
  return new IoTDataPlaneClient({
    region,
    endpoint: `https://${endpoint}:${port}`,
    credentials: clients.of(target).config.credentials,
    ...ONE_TRY,
    requestHandler: { httpsAgent },
  });
}
