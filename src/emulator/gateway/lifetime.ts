import { MAX_LIFETIME_SECONDS } from "../authorizers/answer.ts";
import { type Admitted, authenticate } from "../authorizers/authenticate.ts";
import type { DisconnectReason } from "../broker/presence.ts";
import { Timers } from "../timers.ts";
import { type Access, createAccess } from "./access.ts";
import { accessSubject, presentedBy } from "./admit.ts";
import type { ConnectRequest } from "./connect-request.ts";
import { type Gateway, logRefusal, type MqttLink } from "./link.ts";

interface Listener {
  /** The authorizer was asked again and answered. */
  readonly renewed: (access: Access) => void;
  /** The time is up, or the refresh failed. */
  readonly ended: (reason: DisconnectReason) => void;
}

/**
 * A session's time: refreshed every refreshAfterInSeconds, over after disconnectAfterInSeconds, which is fixed at
 * the connect: later answers do not change it (DG custom-auth-lambda).
 */
export class Lifetime {
  readonly #timers = new Timers();
  readonly #stopped = new AbortController();
  readonly #gateway: Gateway;
  readonly #link: MqttLink;
  readonly #request: ConnectRequest;
  readonly #listener: Listener;

  constructor(
    gateway: Gateway,
    link: MqttLink,
    request: ConnectRequest,
    admitted: Admitted | null,
    listener: Listener,
  ) {
    this.#gateway = gateway;
    this.#link = link;
    this.#request = request;
    this.#listener = listener;
    // A client certificate alone has no such limits.
    if (admitted === null) return;
    const { disconnectAfterInSeconds, refreshAfterInSeconds } = admitted.response;
    this.#timers.after(this.#scaledMs(disconnectAfterInSeconds ?? MAX_LIFETIME_SECONDS), () =>
      listener.ended("CUSTOMAUTH_TTL_EXPIRATION"),
    );
    this.#scheduleRefresh(refreshAfterInSeconds);
  }

  stop(): void {
    this.#timers.clear();
    this.#stopped.abort(new Error("the session is over"));
  }

  #scheduleRefresh(seconds: number | null): void {
    if (seconds === null) return;
    this.#timers.after(this.#scaledMs(seconds), () => void this.#refresh(seconds));
  }

  /** Never rejects. */
  async #refresh(seconds: number): Promise<void> {
    const { domain } = this.#link;
    if (domain === null) return;
    const presented = presentedBy(this.#link, this.#request);
    const answer = await authenticate(this.#gateway.account, domain, presented, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    if (answer.kind === "refused") {
      const protocol = this.#link.http === null ? "mqtt" : "wss";
      logRefusal(this.#gateway, this.#link, protocol, this.#request.clientId, answer);
      if (this.#gateway.account.behaviours.failedRefresh === "disconnect") this.#listener.ended("AUTH_ERROR");
      else this.#scheduleRefresh(seconds);
      return;
    }
    const { certificate } = this.#link;
    const attached = (certificate && this.#gateway.clientCertificates.policiesOf(certificate.id)) ?? [];
    const subject = accessSubject(this.#gateway, this.#link, this.#request.clientId);
    this.#listener.renewed(createAccess([...answer.response.documents, ...attached], subject));
    this.#scheduleRefresh(answer.response.refreshAfterInSeconds ?? seconds);
  }

  #scaledMs(seconds: number): number {
    return (seconds * 1000) / this.#gateway.config.lifetimeSpeed;
  }
}
