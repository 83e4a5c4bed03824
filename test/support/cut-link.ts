import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * A network between clients and a server on loopback, which can be cut: while it is, no byte comes through, nobody is told,
 * and whoever connects anew hears nothing. What was on its way arrives when the network is back, as TCP's resends would.
 */
export class CutLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(to: number) {
    this.#server = createServer({ pauseOnConnect: true }, (near) => {
      const far = connect(to, "127.0.0.1");
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on("data", (chunk) => other.write(chunk));
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.end();
        });
        if (this.#isCut) one.pause();
        else one.resume();
      }
    });
  }

  static async to(port: number): Promise<CutLink> {
    const link = new CutLink(port);
    await once(link.#server.listen(0, "127.0.0.1"), "listening");
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
