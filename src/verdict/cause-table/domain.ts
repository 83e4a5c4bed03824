import type { CauseEntries } from "./entry.ts";

/** The domain configuration. */
export const DOMAIN_CAUSES: CauseEntries<"domain"> = {
  DOMAIN_DISABLED: {
    meaning: "The domain configuration is DISABLED.",
    evidence: "The status, or the server certificate's, that DescribeDomainConfiguration shows.",
    nextStep: "Enable it with UpdateDomainConfiguration.",
    rows: [19],
    reading: "iot/latest/apireference/API_DescribeDomainConfiguration.html",
  },
  DOMAIN_PROTOCOL_MISMATCH: {
    meaning: "The domain configuration does not offer this protocol or kind of authentication.",
    evidence: "authenticationType and applicationProtocol, beside what the device speaks.",
    nextStep: "Compare its applicationProtocol and authenticationType with the device's protocol.",
    rows: [18],
    reading: "iot/latest/developerguide/protocols.html",
  },
  AUTHORIZER_OVERRIDE_DISALLOWED: {
    meaning: "The domain does not let a device name another authorizer than its default.",
    evidence: "The domain's default authorizer and the one the device names.",
    nextStep: "Name the default authorizer, or allow the override.",
    rows: [17],
    reading: "iot/latest/developerguide/iot-custom-endpoints-configurable.html",
  },
  SERVER_CERTIFICATE_EXPIRED: {
    meaning: "The gateway's certificate has expired or is not valid yet.",
    evidence: "The certificate's subject and the end of its validity.",
    nextStep: "Renew the domain's certificate, or check this machine's clock.",
    rows: [28],
    reading: "iot/latest/developerguide/server-authentication.html",
  },
  SERVER_CERTIFICATE_UNTRUSTED: {
    meaning: "The gateway's certificate does not lead to a trusted root.",
    evidence: "The certificate's subject, and why it is not trusted.",
    nextStep:
      "Compare the root the devices hold with the one that issued the certificate; look for a TLS proxy.",
    rows: [28, 40],
    reading: "iot/latest/developerguide/server-authentication.html",
  },
  SERVER_CERTIFICATE_NAME: {
    meaning: "The gateway's certificate is for another host name.",
    evidence: "The names the certificate is for.",
    nextStep: "Connect to the name the certificate holds, or correct the domain's certificate.",
    rows: [28],
    reading: "iot/latest/developerguide/server-authentication.html",
  },
};
