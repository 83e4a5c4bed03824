import { type Peer, readRequest, serveMqtt, tlsPeer, upgradeAnswer } from "../support/gateway-peers.ts";
import type { KeyPair } from "../support/gateway-pki.ts";
import type { PeerKind } from "./scenario.ts";

/** What stands between a device and the gateway, or behaves as no emulated gateway does. */
export function startPeer(kind: PeerKind, keys: KeyPair): Promise<Peer> {
  switch (kind) {
    // A middlebox that ends TLS itself: it agrees on no ALPN, and takes MQTT for broken HTTP.
    case "no-alpn":
      return tlsPeer(keys, (socket) => socket.once("data", () => socket.end()));
    // A proxy that upgrades and drops Sec-WebSocket-Protocol.
    case "no-subprotocol":
      return tlsPeer(keys, (socket) =>
        readRequest(socket, (request) => socket.write(upgradeAnswer(request, null))),
      );
    // The custom authentication path, which has no use for a client certificate.
    case "no-client-certificate":
      return tlsPeer(
        keys,
        (socket) => {
          if (Object.keys(socket.getPeerCertificate() ?? {}).length > 0) socket.destroy();
          else {
            serveMqtt(socket, {
              onConnect: (_packet, session) =>
                session.send({ cmd: "connack", sessionPresent: false, returnCode: 0, reasonCode: 0 }),
              onPacket: ({ cmd }) => cmd === "disconnect" && socket.end(),
            });
          }
        },
        { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ["mqtt"] },
      );
  }
}
