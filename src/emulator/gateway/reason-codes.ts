/** Reason codes of MQTT 5 that AWS names for PUBACK, SUBACK and DISCONNECT (DG mqtt). */
export const CODE = {
  success: 0,
  withWill: 0x04,
  protocolError: 0x82,
  notAuthorized: 0x87,
  shuttingDown: 0x8b,
  keepAlive: 0x8d,
  takenOver: 0x8e,
  badFilter: 0x8f,
  badTopic: 0x90,
  aliasInvalid: 0x94,
  tooLarge: 0x95,
  quota: 0x97,
  administrative: 0x98,
  qosUnsupported: 0x9b,
  identifiersUnsupported: 0xa1,
} as const;
