import type { Packet } from "mqtt";
import { codeText } from "./topic-codes.ts";

/** A packet that we sent, by its name: what it holds is the device's. */
export function sent({ cmd }: Packet): string {
  return `> ${cmd.toUpperCase()}`;
}

/** A packet that the gateway sent, with its code where it has one. */
export function received(packet: Packet): string {
  const name = `< ${packet.cmd.toUpperCase()}`;
  const codes = codesOf(packet);
  return codes.length === 0 ? name : `${name} ${codes.map(codeText).join(" ")}`;
}

function codesOf(packet: Packet): readonly number[] {
  switch (packet.cmd) {
    case "connack":
      return [packet.reasonCode ?? packet.returnCode ?? 0];
    case "suback":
      return (packet.granted as readonly number[]).slice(0, 1);
    case "puback":
    case "disconnect":
      return packet.reasonCode === undefined ? [] : [packet.reasonCode];
    default:
      return [];
  }
}
