import {type Element, inners, number, text} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import {note} from './lines.ts';
import {optional} from './links.ts';
import {canonical} from './prefix.ts';

/** One address of an interface as `ip -j addr` shows it. */
export type Address = Span & {
  readonly ifindex: number;
  readonly dev: string;
  readonly family: 4 | 6;
  /** Canonical text, lower case, IPv6 compressed. */
  readonly address: string;
  readonly prefix: number;
  readonly scope: string;
  /** The other end of a point-to-point address. */
  readonly peer?: string;
  readonly broadcast?: string;
  readonly label?: string;
};

/**
 * Addresses of an `ip -j -d -s addr` array; a row's range is that of its interface. Sample (iproute2 6.1.0):
 * `"addr_info":[{"family":"inet","local":"10.88.1.7","prefixlen":24,"broadcast":"10.88.1.255","scope":"global",
 * "label":"eth0","valid_life_time":4294967295,"preferred_life_time":4294967295}]`. With a peer, `local` is this end
 * and `address` the other one.
 */
export function parseAddresses(elements: readonly Element[]): Parsed<Address> {
  const rows: Address[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const ifindex = number(fields, 'ifindex');
    const dev = text(fields, 'ifname');
    if (ifindex === undefined || dev === undefined) continue; // parseLinks reports it
    for (const info of inners(fields, 'addr_info')) {
      const family = text(info, 'family');
      if (Object.keys(info).length === 0) continue;
      const local = text(info, 'local') ?? text(info, 'address');
      const address = local === undefined ? undefined : canonical(local);
      if (address === undefined || (family !== 'inet' && family !== 'inet6')) {
        note(problems, () => `an address of interface ${dev} that is neither IPv4 nor IPv6.`);
        continue;
      }
      const other = text(info, 'address');
      const peer = other === undefined || other === local ? undefined : canonical(other);
      rows.push({
        from,
        to,
        ifindex,
        dev,
        family: family === 'inet' ? 4 : 6,
        address,
        prefix: number(info, 'prefixlen') ?? (family === 'inet' ? 32 : 128),
        scope: text(info, 'scope') ?? 'global',
        ...optional('peer', peer),
        ...optional('broadcast', text(info, 'broadcast')),
        ...optional('label', text(info, 'label')),
      });
    }
  }
  return {rows, problems};
}
