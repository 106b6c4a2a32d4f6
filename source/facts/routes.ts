import {type Element, type Fields, inner, inners, number, text, words} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import {note} from './lines.ts';
import {optional} from './links.ts';
import {canonical, canonicalPrefix, familyOf} from './prefix.ts';

export type NextHop = {
  readonly via?: string;
  readonly dev?: string;
  readonly weight?: number;
  readonly flags: readonly string[];
};

/** One route as `ip -j -d route show table all` shows it (`ip-route(8)`). */
export type Route = Span & {
  readonly family: 4 | 6;
  /** unicast, local, broadcast, multicast, anycast, blackhole, unreachable, prohibit, throw. */
  readonly type: string;
  /** Always with a prefix length: `0.0.0.0/0` and `::/0` for default, `/32` and `/128` for hosts. */
  readonly dst: string;
  readonly table: string;
  readonly protocol: string;
  readonly scope: string;
  readonly prefsrc?: string;
  readonly metric?: number;
  readonly mtu?: number;
  /** Id of the nexthop object that it uses (`ip-nexthop(8)`); its hops are printed all the same. */
  readonly nhid?: number;
  /** IPv6 only: holds for packets of these sources. */
  readonly src?: string;
  /** Light-weight tunnel of the route: `ip`, `mpls`, `seg6`, `bpf`, … (`encap` in `ip-route(8)`). */
  readonly encap?: string;
  /** One for an ordinary route, more for multipath, none for blackhole and its like without a device. */
  readonly hops: readonly NextHop[];
};

const TYPES = new Set([
  'unicast',
  'local',
  'broadcast',
  'multicast',
  'anycast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
]);

/**
 * Routes of an `ip -j -d route show table all` array: IPv4's, then IPv6's. Sample (iproute2 6.1.0):
 * `{"type":"unicast","dst":"10.88.2.0/24","gateway":"10.88.2.0","dev":"flannel.1","table":"main","protocol":"boot",
 * "scope":"global","flags":["onlink"]}`; IPv6's have `"metric":256,…,"pref":"medium"`. Hosts come without a length.
 */
export function parseRoutes(elements: readonly Element[]): Parsed<Route> {
  const rows: Route[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const printed = text(fields, 'dst');
    const family = routeFamily(fields, printed ?? '');
    const dst =
      printed === 'default' ? (family === 6 ? '::/0' : '0.0.0.0/0') : printed && canonicalPrefix(printed);
    const type = text(fields, 'type') ?? 'unicast';
    if (!dst || !TYPES.has(type)) {
      note(problems, () => `a route to ${printed ?? 'nowhere'} of type ${type}.`);
      continue;
    }
    const prefsrc = text(fields, 'prefsrc');
    const mtu = inners(fields, 'metrics')
      .map(metric => number(metric, 'mtu'))
      .find(value => value !== undefined);
    rows.push({
      from,
      to,
      family,
      type,
      dst,
      table: text(fields, 'table') ?? String(number(fields, 'table') ?? 'main'),
      protocol: text(fields, 'protocol') ?? String(number(fields, 'protocol') ?? 'boot'),
      scope: text(fields, 'scope') ?? String(number(fields, 'scope') ?? 'global'),
      hops: hopsOf(fields),
      ...optional('prefsrc', prefsrc && (canonical(prefsrc) ?? prefsrc)),
      ...optional('metric', number(fields, 'metric')),
      ...optional('mtu', mtu),
      ...optional('nhid', number(fields, 'nhid')),
      ...optional('src', canonicalPrefix(text(fields, 'from') ?? text(fields, 'src') ?? '')),
      ...optional('encap', text(inner(fields, 'encap') ?? {}, 'encap_type') ?? text(fields, 'encap')),
    });
  }
  return {rows, problems};
}

/** Only IPv6 routes carry a router preference (RFC 4191) since Linux 4.1; it tells `default` of one from the other. */
function routeFamily(fields: Fields, dst: string): 4 | 6 {
  if (dst !== 'default') return familyOf(dst);
  if (text(fields, 'pref') !== undefined) return 6;
  const gateway = text(fields, 'gateway') ?? text(fields, 'prefsrc');
  if (gateway !== undefined) return familyOf(gateway);
  return inners(fields, 'nexthops').some(hop => text(hop, 'gateway')?.includes(':')) ? 6 : 4;
}

function hopsOf(fields: Fields): readonly NextHop[] {
  const several = inners(fields, 'nexthops').filter(hop => Object.keys(hop).length > 0);
  if (several.length > 0) return several.map(hopOf);
  const one = hopOf(fields);
  return one.via === undefined && one.dev === undefined ? [] : [one];
}

/** An IPv4 route by way of an IPv6 neighbour prints `"via":{"family":"inet6","host":"fe80::1"}` and no gateway. */
function hopOf(fields: Fields): NextHop {
  const via = text(fields, 'gateway') ?? text(inner(fields, 'via') ?? {}, 'host');
  return {
    flags: words(fields, 'flags'),
    ...optional('via', via && (canonical(via) ?? via)),
    ...optional('dev', text(fields, 'dev')),
    ...optional('weight', number(fields, 'weight')),
  };
}
