import ipaddr from 'ipaddr.js';
import {type SocketTable, STATES} from './table.ts';

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

/**
 * A 32-bit hash of protocol, addresses and ports, as row `row` has them or, `swapped`, as its other end must have
 * them: two ends of a connection have `tupleHash(a, i) === tupleHash(b, j, true)`. Unequal tuples may share a hash.
 * IPv4 and v4-mapped are the same address here, as they are to the kernel.
 */
export function tupleHash(table: SocketTable, row: number, swapped = false): number {
  const near = swapped ? table.remote : table.local;
  const far = swapped ? table.local : table.remote;
  const nearPort = swapped ? table.remotePort[row]! : table.localPort[row]!;
  const farPort = swapped ? table.localPort[row]! : table.remotePort[row]!;
  const at = row * 4;
  let hash = table.protocol[row]!;
  for (let i = at; i < at + 4; i++) hash = mix(hash, near[i]!);
  for (let i = at; i < at + 4; i++) hash = mix(hash, far[i]!);
  hash = mix(hash, (nearPort << 16) | farPort);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** One step of MurmurHash3's 32-bit body. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}
