/** Holds a client id over Redis until it is killed: `node redis-holder.ts URL PREFIX`. */
import { Secret } from "../../src/model/secret.ts";
import { createRedisPacer } from "../../src/run/redis/pacer.ts";
import { holderTarget, LEASE_MARGIN_MS } from "./redis-target.ts";

const [, , url = "", prefix = ""] = process.argv;
const pacer = createRedisPacer({
  server: { url: new Secret(url), ca: null },
  prefix,
  leaseMarginMs: LEASE_MARGIN_MS,
  onTrouble: () => {},
});
await pacer.connect(holderTarget(), "pump-1", new AbortController().signal);
process.stdout.write("held\n");
