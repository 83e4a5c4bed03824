/**
 * A gateway and an API that answer after a known time. Each device is told its own delays in its client id
 * (`<anything>~<ms of the API>~<ms of CONNACK>`). argv: key, certificate. Asked by a message, it answers with how long it
 * truly took, by client id, from the request's arrival to the answer's departure: timers and this machine may add to what
 * was wanted.
 */
import { readFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { parser } from "mqtt-packet";

/** In ms. */
interface Took {
  api?: number;
  connack?: number;
}

const [, , key = "", cert = ""] = process.argv;
const took = new Map<string, Took>();
/** What is due, soonest first after sorting; few at a time. */
const due: { readonly atMs: number; readonly answer: () => void }[] = [];
let isSpinning = false;

/** Timers are late by up to a millisecond and more: while something is due the loop turns without a pause. */
function at(atMs: number, answer: () => void): void {
  due.push({ atMs, answer });
  due.sort((a, b) => a.atMs - b.atMs);
  if (!isSpinning) spin();
}

function spin(): void {
  const nowMs = performance.now();
  while (due[0] !== undefined && due[0].atMs <= nowMs) due.shift()?.answer();
  isSpinning = due.length > 0;
  if (isSpinning) setImmediate(spin);
}

function noteOf(clientId: string): Took {
  const note = took.get(clientId) ?? {};
  took.set(clientId, note);
  return note;
}

function delaysOf(clientId: string): { readonly api: number; readonly connack: number } {
  const [, api, connack] = clientId.split("~").map(Number);
  return { api: api ?? 0, connack: connack ?? 0 };
}

const CONNACK = Buffer.from([0x20, 2, 0, 0]);

function serve(socket: TLSSocket): void {
  const parsing = parser();
  // Something that is no MQTT, for example a request for the data plane's API.
  parsing.on("error", () => socket.destroy());
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    const arrivedMs = performance.now();
    parsing.removeAllListeners("packet");
    parsing.on("packet", (packet) => {
      if (packet.cmd === "disconnect") socket.end();
      if (packet.cmd !== "connect") return;
      const { clientId } = packet;
      at(arrivedMs + delaysOf(clientId).connack, () => {
        socket.write(CONNACK);
        noteOf(clientId).connack = performance.now() - arrivedMs;
      });
    });
    parsing.parse(chunk);
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const ANSWER = JSON.stringify({
  isAuthenticated: true,
  principalId: "bench",
  policyDocuments: [
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "iot:Connect", Resource: "*" }],
    }),
  ],
  refreshAfterInSeconds: 300,
  disconnectAfterInSeconds: 86_400,
});

const api = createHttp((request, response) => {
  const arrivedMs = performance.now();
  void textOf(request).then((body) => {
    const isTest = request.url?.endsWith("/test") === true;
    response.setHeader("content-type", "application/json");
    if (!isTest) {
      response.statusCode = 403;
      response.setHeader("x-amzn-errortype", "AccessDeniedException");
      response.end('{"message":"not here"}');
      return;
    }
    const { clientId } = (JSON.parse(body) as { mqttContext: { clientId: string } }).mqttContext;
    at(arrivedMs + delaysOf(clientId).api, () => {
      response.end(ANSWER);
      noteOf(clientId).api = performance.now() - arrivedMs;
    });
  });
});
const gateway = createTls({ key: readFileSync(key), cert: readFileSync(cert) }, serve);
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

process.on("message", () => process.send?.([...took]));
process.on("disconnect", () => process.exit());
api.keepAliveTimeout = 60_000;
api.listen(0, "127.0.0.1", () => {
  gateway.listen(0, "127.0.0.1", () => {
    process.send?.({ api: `http://127.0.0.1:${portOf(api)}`, port: portOf(gateway) });
  });
});
