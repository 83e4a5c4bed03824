import type { CauseEntries } from "./entry.ts";

/** The policies it returns. */
export const POLICY_CAUSES: CauseEntries<"policy"> = {
  POLICY_CONNECT_DENIED: {
    meaning: "The returned policy does not let this client id connect.",
    evidence: "The client id, and the statement that denies it or that none allows it.",
    nextStep:
      "Allow iot:Connect on client/<this client id>; a statement that denies it has to be narrowed or to go.",
    rows: [10, 11],
    reading: "iot/latest/developerguide/connect-policy.html",
  },
  POLICY_PUBLISH_DENIED: {
    meaning: "The returned policy does not permit the publish.",
    evidence: "The topic, what the policy says of it and what the gateway did.",
    nextStep: "Allow iot:Publish on topic/<topic>.",
    rows: [12],
    reading: "iot/latest/developerguide/pub-sub-policy.html",
  },
  POLICY_SUBSCRIBE_DENIED: {
    meaning: "The returned policy does not permit the subscription.",
    evidence: "The topic filter, what the policy says of it and what the gateway did.",
    nextStep: "Allow iot:Subscribe on topicfilter/<filter>; it is topicfilter/, not topic/.",
    rows: [12],
    reading: "iot/latest/developerguide/pub-sub-policy.html",
  },
  POLICY_RECEIVE_DENIED: {
    meaning: "The returned policy does not permit the delivery.",
    evidence: "The topic, what the policy says of it, and that the message did not arrive.",
    nextStep: "Allow iot:Receive on topic/<topic>.",
    rows: [12],
    reading: "iot/latest/developerguide/pub-sub-policy.html",
  },
  POLICY_TOO_OPEN: {
    meaning: "The returned policy permits what should be forbidden.",
    evidence: "The topic that should be forbidden, and the statement that allows it or what the gateway did.",
    nextStep: "Narrow the resources of the statement that the evidence names.",
    rows: [],
    reading: "iot/latest/developerguide/pub-sub-policy.html",
  },
  POLICY_WILL_OR_SESSION: {
    meaning: "The policy refuses the last will or the persistent session of this connection.",
    evidence:
      "That the policy lets the device connect without its will and session; proven by a second attempt without them.",
    nextStep: "Allow iot:Publish on the will's topic and the connect attributes the device uses.",
    rows: [26],
    reading: "iot/latest/developerguide/connect-policy.html",
  },
  POLICY_CONDITION: {
    meaning: "A condition of the policy is not met from here.",
    evidence: "The operators and keys of the conditions without which the policy would allow it.",
    nextStep: "Compare source address, domain name and VPC with the condition.",
    rows: [31],
    reading: "iot/latest/developerguide/iot-policy-actions.html",
  },
  POLICY_UNDECIDABLE: {
    meaning: "The policy cannot be evaluated locally.",
    evidence: "The element that cannot be evaluated from here, with its document and statement.",
    nextStep: "Look at the element that the evidence names and decide by hand.",
    rows: [],
    reading: "iot/latest/developerguide/iot-policy-actions.html",
  },
  TOPIC_UNPROVEN: {
    meaning: "What the profile expects of a topic could not be put to the proof.",
    evidence: "The topic, what the gateway did or left out, and what the policy says of it.",
    nextStep:
      "Repeat; if it stays, see what the evidence says was missing: an answer, or the right to publish what should come back.",
    rows: [],
    reading: null,
  },
};
