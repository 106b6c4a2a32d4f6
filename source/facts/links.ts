import {type Element, type Fields, has, inner, number, text, words} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import {note} from './lines.ts';
import {detailsOf, optional, portOf, type Tunnel, type Vxlan, vxlanOf} from './link-kinds.ts';

export {optional, type Tunnel, type Vxlan} from './link-kinds.ts';

/** Kind of an interface that was pasted from a tool that does not tell it: `ifconfig`, `ip` without `-d`. */
export const UNKNOWN_KIND = '?';

export type Counters = {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
};

/** One interface as `ip -j -d -s addr` shows it (iproute2, `ip-link(8)`). */
export type Link = Span & {
  readonly ifindex: number;
  readonly name: string;
  /** `info_kind`: veth, bridge, vxlan, … ; `loopback` for lo; absent for a physical device; see `UNKNOWN_KIND`. */
  readonly kind?: string;
  readonly mtu: number;
  /** RFC 2863 operational state in capitals: UP, DOWN, UNKNOWN, LOWERLAYERDOWN, … */
  readonly state: string;
  readonly flags: readonly string[];
  /** Hardware address; absent for devices without one. */
  readonly mac?: string;
  /** Name of the bridge, bond or VRF it is enslaved to, in the same namespace. */
  readonly master?: string;
  /** Name of the lower device in the same namespace (`v2@v1`), e.g. a vxlan's or vlan's carrier. */
  readonly lower?: string;
  /** ifindex of the peer or lower device when that is in another namespace (IFLA_LINK). */
  readonly peerIndex?: number;
  /** The observing namespace's own id (nsid) of the namespace that `peerIndex` is in; -1 when unknown to it. */
  readonly peerNsid?: number;
  /** Name under /run/netns of the namespace that `peerIndex` is in: `ip` as text says that instead, where there is one. */
  readonly peerNetns?: string;
  readonly alias?: string;
  readonly qdisc?: string;
  readonly txqlen?: number;
  readonly counters?: Counters;
  readonly vxlan?: Vxlan;
  /** Of ipip, sit, gre, gretap, ip6tnl and geneve devices. */
  readonly tunnel?: Tunnel;
  /** VLAN id of a vlan device. */
  readonly vlan?: number;
  /** Of macvlan, ipvlan and netkit: `bridge`, `l2`, `l3`, … */
  readonly mode?: string;
  /** Routing table of a vrf. */
  readonly table?: string;
  /** A bridge that looks at VLAN ids (`vlan_filtering 1`). */
  readonly vlanFiltering?: true;
  /** As a bridge's port: sends a frame back by the port it came in by. */
  readonly hairpin?: true;
  /** As a bridge's port: exchanges frames with ports that are not isolated only. */
  readonly isolated?: true;
  /** An XDP program is attached to it. */
  readonly xdp?: true;
};

/**
 * Links of an `ip -j -d -s addr` array. Sample (iproute2 6.1.0):
 * `{"ifindex":2,"link_index":10,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,
 * "operstate":"UP","link_type":"ether","address":"7e:d0:58:74:3c:8c","link_netnsid":0,"linkinfo":{"info_kind":"veth"},
 * "stats64":{"rx":{"bytes":2978,"packets":37,"errors":0,"dropped":0},"tx":{…}}}`
 */
export function parseLinks(elements: readonly Element[]): Parsed<Link> {
  const rows: Link[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const ifindex = number(fields, 'ifindex');
    const name = text(fields, 'ifname');
    if (ifindex === undefined || name === undefined) {
      note(problems, () => 'an interface without index or name.');
      continue;
    }
    const info = inner(fields, 'linkinfo');
    const kind = text(fields, 'link_type') === 'loopback' ? 'loopback' : info && text(info, 'info_kind');
    const data = inner(info, 'info_data');
    const counters = countersOf(inner(fields, 'stats64') ?? inner(fields, 'stats'));
    rows.push({
      from,
      to,
      ifindex,
      name,
      mtu: number(fields, 'mtu') ?? 0,
      state: text(fields, 'operstate') ?? 'UNKNOWN',
      flags: words(fields, 'flags'),
      ...optional('kind', kind),
      ...optional('mac', kind === 'loopback' ? undefined : macOf(fields)),
      ...optional('master', text(fields, 'master')),
      ...optional('lower', text(fields, 'link')),
      ...optional('peerIndex', number(fields, 'link_index')),
      ...optional('peerNsid', number(fields, 'link_netnsid')),
      ...optional('peerNetns', text(fields, 'link_netns')),
      ...optional('alias', text(fields, 'ifalias')),
      ...optional('qdisc', text(fields, 'qdisc')),
      ...optional('txqlen', number(fields, 'txqlen')),
      ...optional('counters', counters),
      ...optional('vxlan', kind === 'vxlan' && data ? vxlanOf(data) : undefined),
      ...(kind === undefined || data === undefined ? {} : detailsOf(kind, data)),
      ...portOf(info),
      ...optional('xdp', has(fields, 'xdp') || undefined),
    });
  }
  return {rows, problems};
}

/** Tunnels print an IP address in `address`; only a hardware address counts. */
function macOf(fields: Fields): string | undefined {
  const address = text(fields, 'address');
  return address !== undefined && /^[0-9a-f]{2}(:[0-9a-f]{2}){5,}$/.test(address) ? address : undefined;
}

function countersOf(stats: Fields | undefined): Counters | undefined {
  const rx = inner(stats, 'rx');
  const tx = inner(stats, 'tx');
  if (!rx || !tx) return undefined;
  const count = (side: Fields, key: string) => number(side, key) ?? 0;
  return {
    rxBytes: count(rx, 'bytes'),
    rxPackets: count(rx, 'packets'),
    rxErrors: count(rx, 'errors'),
    rxDropped: count(rx, 'dropped'),
    txBytes: count(tx, 'bytes'),
    txPackets: count(tx, 'packets'),
    txErrors: count(tx, 'errors'),
    txDropped: count(tx, 'dropped'),
  };
}
