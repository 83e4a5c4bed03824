import type { CauseEntries } from "./entry.ts";

/** fleet-smoke's own AWS access. */
export const CALLER_CAUSES: CauseEntries<"caller"> = {
  CALLER_PERMISSION_MISSING: {
    meaning: "fleet-smoke's own AWS identity may not make this call.",
    evidence: "The call, and AWS's error.",
    nextStep: "Grant the permission that the evidence names to the role fleet-smoke runs with.",
    rows: [38],
    reading: "service-authorization/latest/reference/list_awsiot.html",
  },
  CALLER_CREDENTIALS_INVALID: {
    meaning: "fleet-smoke's own AWS credentials are missing, wrong or expired.",
    evidence: "AWS's or the credential chain's error.",
    nextStep: "Check the credential chain of the process: variables, profile, role.",
    rows: [38],
    reading: "service-authorization/latest/reference/list_awsiot.html",
  },
  CALLER_CLOCK_SKEW: {
    meaning: "This machine's clock is too far off for AWS to accept its signatures.",
    evidence: "AWS's clock beside this machine's.",
    nextStep: "Synchronize the clock.",
    rows: [38],
    reading: "IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
  },
  API_THROTTLED: {
    meaning: "AWS throttled TestInvokeAuthorizer until the check's time was over.",
    evidence: "AWS's error; the quota is 10 calls a second for the account and cannot be raised.",
    nextStep: "Lower invokesPerSecond: the account's 10 calls a second are shared with everybody in it.",
    rows: [30],
    reading: "general/latest/gr/iot-core.html",
  },
  API_UNAVAILABLE: {
    meaning: "The AWS API answered with an error of its own.",
    evidence: "AWS's error.",
    nextStep: "Repeat; look at the AWS health dashboard.",
    rows: [],
    reading: "iot/latest/apireference/API_TestInvokeAuthorizer.html",
  },
  API_TIMEOUT: {
    meaning: "The AWS API did not answer in time.",
    evidence: "The time that was waited.",
    nextStep: "Repeat; check the authorizer's duration and the network to the API.",
    rows: [],
    reading: "iot/latest/apireference/API_TestInvokeAuthorizer.html",
  },
  API_UNREACHABLE: {
    meaning: "The AWS API could not be reached.",
    evidence: "The system's error.",
    nextStep: "Check Region, controlPlaneEndpoint, proxy and network.",
    rows: [],
    reading: "iot/latest/apireference/API_TestInvokeAuthorizer.html",
  },
};

/** Guards that protect live devices. */
export const GUARD_CAUSES: CauseEntries<"guard"> = {
  DEVICE_IDENTITY_GUARDED: {
    meaning: "A live device may use this client id, so no gateway connection was made.",
    evidence: "Why a live device may be connected.",
    nextStep: "Give the fleet dedicated test identities, or lift the guard for a few devices.",
    rows: [20],
    reading: null,
  },
  CLIENT_ID_IN_USE: {
    meaning: "Something else is connected with this client id.",
    evidence: "What GetConnection or GetThingConnectivityData says of the client id.",
    nextStep: "Use a client id that only fleet-smoke uses.",
    rows: [20],
    reading: "iot/latest/developerguide/life-cycle-events.html",
  },
  SESSION_TAKEN_OVER: {
    meaning: "Another client took the session over while it was tested.",
    evidence: "DISCONNECT 0x8E, with the gateway's reason.",
    nextStep: "Find who else uses this client id; a dedicated identity belongs to nobody else.",
    rows: [20],
    reading: "iot/latest/developerguide/mqtt.html",
  },
  PAUSED: {
    meaning: "fleet-smoke was paused.",
    evidence: "Since when.",
    nextStep: "Resume it and run again.",
    rows: [],
    reading: null,
  },
};

/** fleet-smoke itself. */
export const TESTER_CAUSES: CauseEntries<"tester"> = {
  TESTER_ERROR: {
    meaning: "fleet-smoke itself failed.",
    evidence: "The error.",
    nextStep: "Read its log and report the error.",
    rows: [],
    reading: null,
  },
  TESTER_OVERLOADED: {
    meaning: "fleet-smoke was too busy for its measurement to count.",
    evidence: "The resource that ran out.",
    nextStep: "Lower the concurrency or give it more processor.",
    rows: [],
    reading: null,
  },
  DEADLINE_EXCEEDED: {
    meaning: "The run's time was over before this check.",
    evidence: "The deadline.",
    nextStep: "Raise the deadline or the budgets, or test a sample.",
    rows: [],
    reading: null,
  },
  INTERRUPTED: {
    meaning: "The run was interrupted before this check was done.",
    evidence: "What was being waited for.",
    nextStep: "Run again.",
    rows: [],
    reading: null,
  },
};
