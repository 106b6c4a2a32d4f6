import type {Address} from '../addresses.ts';
import type {Parsed} from '../evidence.ts';
import {quoted} from '../lines.ts';
import {optional} from '../links.ts';
import type {Neighbour} from '../neighbours.ts';
import {canonical, canonicalPrefix} from '../prefix.ts';
import type {Route} from '../routes.ts';
import type {FileLine} from './lines.ts';

/** The kernel's files do not tell who made a route. */
export const UNTOLD = '?';

/** `0102A8C0` as a little-endian machine prints 192.168.2.1 (`proc(5)`, /proc/net/route). */
function fromHex(hex: string, big: boolean): string {
  const bytes = [0, 2, 4, 6].map(at => Number.parseInt(hex.slice(at, at + 2), 16));
  return (big ? bytes : bytes.reverse()).join('.');
}

function sixFromHex(hex: string): string | undefined {
  return canonical(hex.match(/.{4}/g)?.join(':') ?? '');
}

const bitsOf = (mask: string) =>
  mask
    .split('.')
    .map(byte => Number(byte).toString(2).padStart(8, '0'))
    .join('')
    .replaceAll('0', '').length;

const GATEWAY = 0x2;
const REJECT = 0x200;

/**
 * Sample (Linux 6.18), the main table only; of several next hops the first:
 * `eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0`: interface, destination, gateway, flags, references,
 * use, metric, mask, and what TCP is told (`MTU` is its segment size and 40, not the route's MTU). `typeOf` knows of a route that rejects how it does.
 */
export function routes4(
  lines: readonly FileLine[],
  typeOf: (dst: string) => string | undefined,
  big: boolean,
): Parsed<Route> {
  const rows: Route[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of lines) {
    if (/^Iface\s/.test(text)) continue;
    const cells = text.trim().split(/\s+/);
    const [dev = '', dst = '', gateway = '', flags = '', , , metric, mask = ''] = cells;
    if (![dst, gateway, mask].every(hex => /^[0-9A-F]{8}$/.test(hex)) || !/^[0-9A-F]{4}$/.test(flags)) {
      problems.push(`a line that is no route: ${quoted(text)}.`);
      continue;
    }
    const bits = Number.parseInt(flags, 16);
    const prefix = `${fromHex(dst, big)}/${bitsOf(fromHex(mask, big))}`;
    const rejects = (bits & REJECT) !== 0;
    const via = (bits & GATEWAY) !== 0 ? fromHex(gateway, big) : undefined;
    const type = rejects ? typeOf(prefix) : 'unicast';
    if (type === undefined) {
      problems.push(`a route to ${prefix} that rejects, but not how: ${quoted(text)}.`);
      continue;
    }
    rows.push({
      from,
      to,
      family: 4,
      type,
      dst: prefix,
      table: 'main',
      protocol: UNTOLD,
      scope: via === undefined && !rejects ? 'link' : 'global',
      hops: rejects || dev === '*' ? [] : [{flags: [], dev, ...optional('via', via)}],
      ...optional('metric', Number(metric) > 0 ? Number(metric) : undefined),
    });
  }
  return {rows, problems};
}

const SIX =
  /^([0-9a-f]{32}) ([0-9a-f]{2}) ([0-9a-f]{32}) ([0-9a-f]{2}) ([0-9a-f]{32}) ([0-9a-f]{8}) [0-9a-f]{8} [0-9a-f]{8} ([0-9a-f]{8})\s+(\S+)$/;
const [CACHED, LOCAL, ANYCAST] = [0x0100_0000, 0x8000_0000, 0x0010_0000];
/** The kernel's own entry for what has no route (`ip6_null_entry`), which no tool prints. */
const NULL_METRIC = 0xffff_ffff;

/**
 * Sample (Linux 6.18): destination, source, next hop, metric, references, use, flags (linux/ipv6_route.h), interface.
 * `fd000000000000000000000000000002 80 00…00 00 00…00 00000000 00000004 00000000 80200001     eth0`. Tables are not told.
 */
export function routes6(lines: readonly FileLine[]): Parsed<Route> {
  const rows: Route[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of lines) {
    const [, dst, length, src, srcLength, hop, metric, bits, dev] = SIX.exec(text) ?? [];
    const address = dst && sixFromHex(dst);
    if (!address || dev === undefined) {
      problems.push(`a line that is no IPv6 route: ${quoted(text)}.`);
      continue;
    }
    const flags = Number.parseInt(bits!, 16);
    const cost = Number.parseInt(metric!, 16);
    if ((flags & CACHED) !== 0 || (cost === NULL_METRIC && (flags & REJECT) !== 0)) continue;
    const type =
      (flags & LOCAL) !== 0
        ? 'local'
        : (flags & ANYCAST) !== 0
          ? 'anycast'
          : dst.startsWith('ff')
            ? 'multicast'
            : (flags & REJECT) !== 0
              ? 'unreachable'
              : 'unicast';
    const via = (flags & GATEWAY) !== 0 ? sixFromHex(hop!) : undefined;
    const plen = Number.parseInt(length!, 16);
    const from6 = Number.parseInt(srcLength!, 16);
    rows.push({
      from,
      to,
      family: 6,
      type,
      dst: canonicalPrefix(`${address}/${plen}`) ?? `${address}/${plen}`,
      table: type === 'unicast' || type === 'unreachable' ? 'main' : 'local',
      protocol: UNTOLD,
      scope: 'global',
      metric: cost,
      hops: type === 'unreachable' ? [] : [{flags: [], dev, ...optional('via', via)}],
      ...optional('src', from6 > 0 ? canonicalPrefix(`${sixFromHex(src!)}/${from6}`) : undefined),
    });
  }
  return {rows, problems};
}

/** Leaves of the IPv4 tables. `others`: tables besides main and local, of which procfs tells destinations only. */
export type Trie = {
  readonly local: readonly (FileLine & {readonly dst: string; readonly type: string})[];
  readonly types: ReadonlyMap<string, string>;
  readonly others: readonly string[];
};

/**
 * Sample (Linux 6.18; `Local:` shows the same while no policy rule was ever made):
 * ```
 * Main:
 *   +-- 0.0.0.0/0 3 0 5
 *      |-- 192.0.2.2
 *         /32 host LOCAL
 * ```
 * Types are those of `rtm_type_name`, net/ipv4/fib_trie.c.
 */
export function trieIn(lines: readonly FileLine[]): Trie {
  const others: string[] = [];
  const types = new Map<string, string>();
  const local = new Map<string, FileLine & {dst: string; type: string}>();
  let table = '';
  let leaf: FileLine | undefined;
  for (const line of lines) {
    const heading = /^(Main|Local|Id (\d+)):$/.exec(line.text);
    if (heading) {
      table = heading[1]!;
      if (heading[2] !== undefined) others.push(heading[2]);
      continue;
    }
    const address = /^\s*\|-- ([\d.]+)$/.exec(line.text);
    if (address) leaf = {...line, text: address[1]!};
    const [, length, type] = /^\s*\/(\d+) \S+ ([A-Z]+)/.exec(line.text) ?? [];
    if (leaf === undefined || type === undefined) continue;
    const dst = `${leaf.text}/${length}`;
    if (table === 'Main') types.set(dst, type.toLowerCase());
    if ((type === 'LOCAL' || type === 'BROADCAST') && !table.startsWith('Id'))
      local.set(`${dst} ${type}`, {
        from: leaf.from,
        to: line.to,
        text: leaf.text,
        dst,
        type: type.toLowerCase(),
      });
  }
  return {local: [...local.values()], types, others};
}

const SCOPES: Readonly<Record<string, string>> = {'00': 'global', '10': 'host', '20': 'link', '40': 'site'};

/** Sample (Linux 6.18): `fe8000000000000000fc00fffe000001 04 40 20 80     eth0`: address, index, length, scope, flags, name. */
export function addresses6(lines: readonly FileLine[]): Parsed<Address> {
  const rows: Address[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of lines) {
    const match = /^([0-9a-f]{32}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]{2}) [0-9a-f]+\s+(\S+)$/.exec(text);
    const address = match ? sixFromHex(match[1]!) : undefined;
    if (!match || address === undefined) {
      problems.push(`a line that is no IPv6 address: ${quoted(text)}.`);
      continue;
    }
    rows.push({
      from,
      to,
      ifindex: Number.parseInt(match[2]!, 16),
      dev: match[5]!,
      family: 6,
      address,
      prefix: Number.parseInt(match[3]!, 16),
      scope: SCOPES[match[4]!] ?? `0x${match[4]}`,
    });
  }
  return {rows, problems};
}

/**
 * Samples (Linux 6.18), IPv4's only: address, hardware type, flags, hardware address, mask, interface.
 * ```
 * 10.44.0.13       0x1         0x2         7a:bf:66:84:50:a1     *        eth0
 * ```
 * Flags (linux/if_arp.h): 0x2 complete, 0x4 permanent, 0x8 published. How fresh an entry is they do not tell.
 */
export function neighbours4(lines: readonly FileLine[]): Parsed<Neighbour> {
  const rows: Neighbour[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of lines) {
    if (/^IP address\s/.test(text)) continue;
    const [, printed, bits, mac, dev] =
      /^(\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S+)\s+\S+\s+(\S+)$/.exec(text) ?? [];
    const dst = printed && canonical(printed);
    if (!dst || dev === undefined) {
      problems.push(`a line that is no neighbour: ${quoted(text)}.`);
      continue;
    }
    const flags = Number.parseInt(bits!, 16);
    const complete = (flags & 2) !== 0;
    rows.push({
      from,
      to,
      dst,
      dev,
      state: (flags & 4) !== 0 ? ['PERMANENT'] : complete ? [] : ['INCOMPLETE'],
      router: false,
      proxy: (flags & 8) !== 0,
      ...optional('mac', complete ? mac!.toLowerCase() : undefined),
    });
  }
  return {rows, problems};
}
