import type { ConnectionState } from "../model/guard.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Profile } from "../model/profile.ts";

type Skipped = Extract<Outcome, { readonly kind: "skipped" }>;

/** A live device whose session may be any: what our connection would do to it cannot be told. null: it is stated. */
export function unstatedSession({ connect, mqttVersion }: Profile): string | null {
  if (connect.sessionStated) return null;
  const fields =
    mqttVersion === 4 ? "connect.cleanSession" : "connect.cleanSession and connect.sessionExpirySeconds";
  return `the profile does not state what becomes of the device's session (${fields})`;
}

/**
 * Why a live device is left alone in the state it is in; null: the connection takes nothing from it. Nobody may be
 * connected, no session may be deleted, and none may be left behind: a device that finds a session present does not
 * subscribe again [MQTT-3.2.2-2], and would hear nothing in one that is ours and empty.
 */
export function objection({ connect, mqttVersion }: Profile, state: ConnectionState): Skipped | null {
  if (state.kind === "connected") return skipped("CLIENT_ID_IN_USE", state.evidence);
  if (state.kind === "unknown") return guarded(`not known whether the device is connected: ${state.reason}`);

  const keeps = mqttVersion === 4 ? !connect.cleanSession : connect.sessionExpirySeconds > 0;
  if (!keeps && state.session === "kept") {
    return guarded(
      "the profile states that no session is kept, AWS says that one is: it would be deleted with its queue",
    );
  }
  if (keeps && connect.cleanSession) {
    return guarded("the session that the profile states would be deleted by its clean start");
  }
  if (keeps && state.session !== "kept") {
    return guarded("no session of the device is known to exist: an empty one would be left in its place");
  }
  return null;
}

export function guarded(reason: string): Skipped {
  return skipped("DEVICE_IDENTITY_GUARDED", reason);
}

function skipped(cause: Skipped["cause"], reason: string): Skipped {
  return { kind: "skipped", cause, reason };
}
