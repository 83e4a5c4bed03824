import type { CauseCode } from "../model/causes.ts";
import { AUTHORIZER_CAUSES } from "./cause-table/authorizer.ts";
import { CONNECTION_CAUSES } from "./cause-table/connection.ts";
import { DEVICE_CAUSES } from "./cause-table/device.ts";
import { DOMAIN_CAUSES } from "./cause-table/domain.ts";
import type { CauseEntry } from "./cause-table/entry.ts";
import { NETWORK_CAUSES } from "./cause-table/network.ts";
import { CALLER_CAUSES, GUARD_CAUSES, TESTER_CAUSES } from "./cause-table/own-side.ts";
import { POLICY_CAUSES } from "./cause-table/policy.ts";

/** Every cause of the closed list, by its code; the tables are split by whose fault it is. */
export const CAUSES: Readonly<Record<CauseCode, CauseEntry>> = {
  ...DEVICE_CAUSES,
  ...CONNECTION_CAUSES,
  ...AUTHORIZER_CAUSES,
  ...POLICY_CAUSES,
  ...DOMAIN_CAUSES,
  ...NETWORK_CAUSES,
  ...CALLER_CAUSES,
  ...GUARD_CAUSES,
  ...TESTER_CAUSES,
};
