/** An address as a number of `bits` bits. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Dotted IPv4 without leading zeros, or IPv6 (RFC 4291 section 2.2) without a zone; null: neither. */
export function parseIp(text: string): IpAddress | null {
  const value4 = parseIpv4(text);
  if (value4 !== null) return { bits: 32, value: value4 };
  const value6 = parseIpv6(text);
  return value6 === null ? null : { bits: 128, value: value6 };
}

/** `address/prefix`, or an address alone (prefix null). Bits beyond the prefix may be set. */
export function parseCidr(
  text: string,
): { readonly address: IpAddress; readonly prefix: number | null } | null {
  const [host = "", prefixText, ...rest] = text.split("/");
  const address = parseIp(host);
  if (address === null || rest.length > 0) return null;
  if (prefixText === undefined) return { address, prefix: null };
  if (!/^(0|[1-9]\d{0,2})$/.test(prefixText) || Number(prefixText) > address.bits) return null;
  return { address, prefix: Number(prefixText) };
}

/** Are the first `prefix` bits the same? Addresses of different families never match. */
export function inRange(address: IpAddress, network: IpAddress, prefix: number): boolean {
  if (address.bits !== network.bits) return false;
  const drop = BigInt(network.bits - prefix);
  return address.value >> drop === network.value >> drop;
}

function parseIpv4(text: string): bigint | null {
  const octets = text.split(".");
  if (octets.length !== 4) return null;
  let value = 0n;
  for (const octet of octets) {
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return null;
    value = (value << 8n) | BigInt(octet);
  }
  return value;
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const compressed = halves.length === 2;
  const head = groupsOf(halves[0] ?? "", !compressed);
  const tail = groupsOf(halves[1] ?? "", compressed);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group.
  if (compressed ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address may stand for the address's last two. */
function groupsOf(side: string, isEnd: boolean): readonly bigint[] | null {
  if (side === "") return [];
  const groups: bigint[] = [];
  const texts = side.split(":");
  for (const [index, text] of texts.entries()) {
    const embedded = isEnd && index === texts.length - 1 ? parseIpv4(text) : null;
    if (embedded !== null) groups.push(embedded >> 16n, embedded & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(text)) groups.push(BigInt(`0x${text}`));
    else return null;
  }
  return groups;
}
