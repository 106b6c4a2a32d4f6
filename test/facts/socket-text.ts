import ipaddr from 'ipaddr.js';
import {type SocketTable, STATES} from '../../source/facts/sockets/table.ts';

/** One end of a row. */
export type Side = 'local' | 'remote';

/** True when that end is bound to no address (`0.0.0.0`, `[::]`, `*`), or there is no other end. */
export function isWildcard(table: SocketTable, row: number, side: Side): boolean {
  const words = table[side];
  const at = row * 4;
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
}

/**
 * The address in canonical text: dotted IPv4, also of an IPv6 socket that carries it; IPv6 as in RFC 5952, without
 * brackets. A wildcard as ss tells them apart: `0.0.0.0`, `::` (IPv6 alone), `*` (both).
 */
export function addressText(table: SocketTable, row: number, side: Side): string {
  if (isWildcard(table, row, side))
    return table.family[row] === 4 ? '0.0.0.0' : table.v6only[row] ? '::' : '*';
  const words = table[side];
  const at = row * 4;
  const last = words[at + 3]!;
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff) {
    return `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
  }
  const groups: number[] = [];
  for (let i = at; i < at + 4; i++) groups.push(words[i]! >>> 16, words[i]! & 0xffff);
  return new ipaddr.IPv6(groups).toRFC5952String();
}

/** Address and port as ss prints them: `10.0.0.1:80`, `[fe80::1]%eth0:546`, `*:*`. */
export function endpointText(table: SocketTable, row: number, side: Side): string {
  const address = addressText(table, row, side);
  const port = side === 'local' ? table.localPort[row] : table.remotePort[row];
  const device = side === 'local' ? table.words[table.device[row]!] : '';
  return `${address.includes(':') ? `[${address}]` : address}${device ? `%${device}` : ''}:${port || '*'}`;
}

/** The state as ss names it. */
export function stateName(table: SocketTable, row: number): string {
  return STATES[table.state[row]!] ?? STATES[0];
}
