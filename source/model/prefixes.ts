import ipaddr from 'ipaddr.js';

/** Does `10.0.0.0/24` hold `10.0.0.7`? False for text that is no prefix or no address, and across families. */
export function holds(prefix: string, address: string): boolean {
  if (!ipaddr.isValidCIDR(prefix) || !ipaddr.isValid(address)) return false;
  const [network, length] = ipaddr.parseCIDR(prefix);
  const parsed = ipaddr.parse(address);
  return parsed.kind() === network.kind() && parsed.match(network, length);
}

export function prefixLength(prefix: string): number {
  return Number(prefix.slice(prefix.lastIndexOf('/') + 1));
}
