import { Buffer } from "node:buffer";
import type { IConnectPacket, Packet } from "mqtt-packet";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Refused } from "../authorizers/authenticate.ts";
import { connectRefusal } from "../behaviours.ts";
import type { Fault } from "../faults.ts";
import { Timers } from "../timers.ts";
import { ALLOW_ALL, createAccess } from "./access.ts";
import { accessSubject, admit, type Entry, FAULT_DENIAL } from "./admit.ts";
import { encode, refusingConnack } from "./connack.ts";
import { type ConnectRequest, readConnect } from "./connect-request.ts";
import { PacketReader, ProtocolError } from "./framing.ts";
import { type Gateway, LINGER_MS, logRefusal, type MqttLink } from "./link.ts";
import { MqttSession } from "./mqtt-session.ts";
import { Throughput } from "./throughput.ts";
import { unsupported } from "./unsupported.ts";

/** A client that connects and says nothing is dropped. */
const CONNECT_WITHIN_MS = 10_000;
/** No packet starts like this: type 15 with flags set. */
const GARBAGE = Buffer.from([0xff, 0x00, 0xde, 0xad, 0xbe, 0xef]);

/** Serves MQTT on one connection until it ends. Never rejects; the stream is destroyed when it is over. */
export async function serveMqtt(gateway: Gateway, link: MqttLink): Promise<void> {
  const connection = new MqttConnection(gateway, link);
  try {
    await connection.run();
  } catch (error) {
    // A stream that is torn down while we write ends here as well: nothing to do but to be gone.
    gateway.log.debug({ error: errorMessage(error) }, "connection ended");
  } finally {
    connection.dispose();
  }
}

class MqttConnection {
  readonly #gateway: Gateway;
  readonly #link: MqttLink;
  readonly #reader = new PacketReader();
  readonly #throughput: Throughput;
  /** Aborted when the connection is gone or the emulator stops: an authorizer need not be waited for. */
  readonly #gone = new AbortController();
  #session: MqttSession | null = null;
  #isConnecting = false;
  #isEnding = false;
  #isDeaf = false;
  readonly #timers = new Timers();
  readonly #cancelConnectTimer: () => void;

  constructor(gateway: Gateway, link: MqttLink) {
    this.#gateway = gateway;
    this.#link = link;
    this.#throughput = new Throughput(gateway.config.quotas.bytesPerSecondPerConnection, monotonicMs);
    link.stream.once("close", () => this.#gone.abort(new Error("the connection is closed")));
    link.stream.on("error", () => link.stream.destroy());
    this.#cancelConnectTimer = this.#timers.after(CONNECT_WITHIN_MS, () => link.stream.destroy());
    gateway.signal.addEventListener("abort", this.#onStop, { once: true });
  }

  async run(): Promise<void> {
    for await (const chunk of this.#link.stream) {
      // After our last word the rest is read and dropped: closing with unread bytes would reset the connection
      // and might cost the client that word.
      if (this.#isEnding || this.#isDeaf) continue;
      await this.#take(chunk as Buffer);
      this.#throughput.spend((chunk as Buffer).length);
      const { waitMs } = this.#throughput;
      if (waitMs > 0) await sleep(waitMs, this.#gone.signal);
    }
  }

  dispose(): void {
    this.#gateway.signal.removeEventListener("abort", this.#onStop);
    this.#timers.clear();
    this.#session?.closed();
    this.#link.stream.destroy();
  }

  /** A session says goodbye itself. */
  readonly #onStop = (): void => {
    if (this.#session === null) this.#link.stream.destroy();
  };

  async #take(chunk: Buffer): Promise<void> {
    try {
      for (const packet of this.#reader.push(chunk)) {
        await this.#handle(packet);
        if (this.#isEnding) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#session?.protocolError(error.code);
      this.#end();
    }
  }

  async #handle(packet: Packet): Promise<void> {
    if (this.#session !== null) {
      this.#session.handle(packet);
      return;
    }
    // The first packet has to be a CONNECT (MQTT-3.1.0-1).
    if (packet.cmd !== "connect" || this.#isConnecting) throw new ProtocolError("not a CONNECT", 0x82);
    this.#isConnecting = true;
    this.#cancelConnectTimer();
    await this.#connect(packet);
  }

  async #connect(packet: IConnectPacket): Promise<void> {
    const request = readConnect(packet);
    if (request === null) {
      // MQTT 3.1, or no client id for a session to keep: MQTT 3.1.1, 3.2.2.3.
      this.#write(refusingConnack(4, packet.protocolVersion === 4 ? 2 : 1), 4);
      this.#end();
      return;
    }
    this.#gateway.activity.connect(request.clientId);
    const { domain } = this.#link;
    const refusal = unsupported(packet, request, domain, this.#gateway.account.behaviours);
    if (refusal !== null) {
      // A CONNACK of 3.1.1 has the version's own shape.
      if (refusal.connack !== null) this.#write(refusal.connack, "returnCode" in refusal.connack ? 4 : 5);
      this.#end();
      return;
    }
    const entry = await this.#decide(request);
    if (entry === null || this.#link.stream.destroyed || this.#isEnding) return;
    if (entry.kind === "refused") {
      this.#refuse(entry, request);
      return;
    }
    this.#session = new MqttSession(this.#gateway, this.#link, request, entry, () => this.#end());
    this.#strikeSession(request, this.#session);
  }

  /** Null: a fault has dealt with it. */
  async #decide(request: ConnectRequest): Promise<Entry | Refused | null> {
    const fault = this.#drawFault("connect", request);
    if (fault?.kind === "deny") return FAULT_DENIAL;
    if (fault?.kind === "admit") {
      const subject = accessSubject(this.#gateway, this.#link, request.clientId);
      return { kind: "entry", access: createAccess([ALLOW_ALL], subject), admitted: null };
    }
    if (fault !== null && !(await this.#strike(fault, request))) return null;
    return admit(this.#gateway, this.#link, request, this.#gone.signal);
  }

  /** A fault some time after a device was let in. */
  #strikeSession(request: ConnectRequest, session: MqttSession): void {
    const fault = this.#drawFault("session", request);
    if (fault === null) return;
    this.#timers.after(fault.delayMs, () => {
      if (fault.kind === "session-reset") this.#link.reset();
      else if (fault.kind === "session-close") this.#end();
      else {
        // Half open: the client's bytes are taken, and nothing ever comes back.
        this.#isDeaf = true;
        session.mute();
      }
    });
  }

  #refuse(refusal: Refused, { version, clientId }: ConnectRequest): void {
    logRefusal(this.#gateway, this.#link, this.#protocol, clientId, refusal);
    const how = connectRefusal(this.#gateway.account.behaviours, refusal.cause, version);
    if (how !== "close") this.#write(refusingConnack(version, how), version);
    this.#end();
  }

  get #protocol(): "mqtt" | "wss" {
    return this.#link.http === null ? "mqtt" : "wss";
  }

  #drawFault(stage: "connect" | "session", { clientId, username }: ConnectRequest): Fault | null {
    return this.#gateway.faults.draw(stage, {
      clientId,
      username: username?.split("?", 1)[0],
      serverName: this.#link.serverName ?? undefined,
      protocol: this.#protocol,
    });
  }

  /** Does what the fault says; true: the CONNECT goes on all the same. */
  async #strike({ kind, code, delayMs }: Fault, { version }: ConnectRequest): Promise<boolean> {
    switch (kind) {
      case "delay":
        await sleep(delayMs, this.#gone.signal);
        return true;
      case "connack":
        this.#write(refusingConnack(version, code ?? 0), version);
        this.#end();
        return false;
      case "garbage":
        this.#link.stream.write(GARBAGE);
        this.#end();
        return false;
      case "reset":
        this.#link.reset();
        return false;
      case "silent":
        return false;
      default:
        this.#end();
        return false;
    }
  }

  #write(packet: Packet, version: 4 | 5): void {
    if (this.#link.stream.writable) this.#link.stream.write(encode(packet, version));
  }

  /** Closes in good order: what was written arrives, then the connection is gone. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#link.stream.end();
    this.#timers.after(LINGER_MS, () => this.#link.stream.destroy());
  }
}
