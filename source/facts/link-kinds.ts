import {type Fields, has, inner, number, text} from './elements.ts';
import type {Link} from './links.ts';
import {canonical} from './prefix.ts';

/** `linkinfo.info_data` of a vxlan device. */
export type Vxlan = {
  readonly id: number;
  readonly local?: string;
  readonly group?: string;
  readonly remote?: string;
  readonly lower?: string;
  readonly port: number;
  readonly learning: boolean;
  /** True when forwarding is decided outside the kernel's FDB (collect_md), as eBPF and OVS agents do. */
  readonly external: boolean;
};

/** `linkinfo.info_data` of a tunnel between two addresses (`ip-link(8)`; iproute2's link_iptnl.c, link_gre.c, iplink_geneve.c). */
export type Tunnel = {
  /** Absent where any (`0.0.0.0`): an ipip or gre device then sends to the next hop of the route. */
  readonly remote?: string;
  readonly local?: string;
  /** Name of the interface it sends by, when it is bound to one. */
  readonly lower?: string;
  /** VNI of a geneve device. */
  readonly id?: number;
  /** UDP port of a geneve device. */
  readonly port?: number;
  /** GRE key, when packets carry one. */
  readonly key?: string;
  /** True when each packet's metadata says where it goes (collect_md), as eBPF and OVS agents do. */
  readonly external: boolean;
};

const TUNNELS = new Set([
  'ipip',
  'sit',
  'gre',
  'gretap',
  'erspan',
  'ip6tnl',
  'ip6gre',
  'ip6gretap',
  'geneve',
]);
const MODES = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'netkit']);

/** `{key: value}`, or nothing to spread when there is no value: absent and undefined are not the same here. */
export function optional<K extends string, V>(key: K, value: V | undefined): {[P in K]?: V} {
  return value === undefined ? {} : ({[key]: value} as {[P in K]?: V});
}

/** `learning` is only printed where it is off in some versions, so absent means on. */
export function vxlanOf(data: Fields): Vxlan {
  return {
    id: number(data, 'id') ?? 0,
    port: number(data, 'port') ?? 0,
    learning: data['learning'] !== false,
    external: has(data, 'external'),
    ...optional('local', text(data, 'local') ?? text(data, 'local6')),
    ...optional('group', text(data, 'group') ?? text(data, 'group6')),
    ...optional('remote', text(data, 'remote') ?? text(data, 'remote6')),
    ...optional('lower', text(data, 'link')),
  };
}

/**
 * What other kinds say of themselves. Samples (iproute2 6.1.0, Linux 6.18 and 6.1):
 * `{"info_kind":"macvlan","info_data":{"mode":"bridge","bcqueuelen":1000,"usedbcqueuelen":1000}}`
 */
export function detailsOf(kind: string, data: Fields): Partial<Link> {
  return {
    ...optional('tunnel', TUNNELS.has(kind) ? tunnelOf(data) : undefined),
    ...optional('vlan', kind === 'vlan' ? number(data, 'id') : undefined),
    ...optional('mode', MODES.has(kind) ? text(data, 'mode') : undefined),
    ...optional(
      'vlanFiltering',
      kind === 'bridge' && number(data, 'vlan_filtering') === 1 ? true : undefined,
    ),
    ...optional('table', kind === 'vrf' ? number(data, 'table')?.toString() : undefined),
  };
}

/** `info_slave_data` of a bridge's port. */
export function portOf(info: Fields | undefined): Partial<Link> {
  if (info === undefined || text(info, 'info_slave_kind') !== 'bridge') return {};
  const data = inner(info, 'info_slave_data');
  return {
    ...optional('hairpin', data && data['hairpin'] === true ? (true as const) : undefined),
    ...optional('isolated', data && data['isolated'] === true ? (true as const) : undefined),
  };
}

function tunnelOf(data: Fields): Tunnel {
  const key = text(data, 'okey');
  return {
    external: has(data, 'external'),
    ...optional('remote', end(data, 'remote')),
    ...optional('local', end(data, 'local')),
    ...optional('lower', text(data, 'link')),
    ...optional('id', number(data, 'id')),
    ...optional('port', number(data, 'port')),
    ...optional('key', key === '0.0.0.0' ? undefined : key),
  };
}

/** `any` and `unknown` are no addresses. */
function end(data: Fields, key: 'remote' | 'local'): string | undefined {
  const printed = text(data, key) ?? text(data, `${key}6`);
  return printed === undefined ? undefined : canonical(printed);
}
