import { BlockList, isIP } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"] as const;

/** Can only this machine reach a listener on this host (name, or address without brackets)? */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return LOOPBACK.check(host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Which `Host` headers are served. A page of a foreign site whose name was rebound to our address sends its own
 * name there; loopback names are safe, because nobody can rebind them.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;

  /** @param listenHost without brackets; a wildcard address adds nothing, callers know us by another name */
  constructor(listenHost: string, allowedHosts: readonly string[]) {
    const own = isWildcard(listenHost) ? [] : [listenHost];
    this.#names = new Set([...LOOPBACK_NAMES, ...own, ...allowedHosts].map(canonical));
  }

  /** @param header `Host` as sent, with any port */
  has(header: string): boolean {
    const [, name] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(header) ?? [];
    return name !== undefined && this.#names.has(canonical(name));
  }
}

/** Does the page that sent `Origin` come from the very host and port it now calls? */
export function isSameOrigin(origin: string, host: string): boolean {
  const from = URL.parse(origin);
  if (from === null || !["http:", "https:"].includes(from.protocol)) return false;
  // The scheme is not compared: a proxy in front of us may have ended the TLS.
  return from.host === URL.parse(`${from.protocol}//${host}`)?.host;
}

function isWildcard(host: string): boolean {
  return ["0.0.0.0", "::"].includes(canonical(host));
}

/** One spelling for each host: lower case, IPv6 without brackets and in its shortest form. */
function canonical(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(bare) !== 6) return bare;
  return URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare;
}
