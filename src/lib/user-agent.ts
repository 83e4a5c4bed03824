/** What servers that are asked over HTTP see as the caller (RFC 9110 section 10.1.5). */
export const USER_AGENT = "fleet-smoke";
