import ipaddr from 'ipaddr.js';

const BOUND = 50_000;
const known = new Map<string, string | undefined>();

/** Canonical text of an address: IPv4 dotted, IPv6 lower case and compressed (RFC 5952). Undefined when it is none. */
export function canonical(address: string): string | undefined {
  if (known.has(address)) return known.get(address);
  let result: string | undefined;
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) result = ipaddr.IPv4.parse(address).toString();
  else if (address.includes(':') && ipaddr.IPv6.isValid(address)) {
    result = ipaddr.IPv6.parse(address).toRFC5952String();
  }
  if (known.size >= BOUND) known.clear();
  known.set(address, result);
  return result;
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** Canonical `address/length`; a missing length is a host's. Undefined when it is no prefix. */
export function canonicalPrefix(prefix: string): string | undefined {
  const slash = prefix.indexOf('/');
  const address = canonical(slash < 0 ? prefix : prefix.slice(0, slash));
  if (address === undefined) return undefined;
  const most = familyOf(address) === 6 ? 128 : 32;
  const digits = slash < 0 ? String(most) : prefix.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > most) return undefined;
  return `${address}/${Number(digits)}`;
}
