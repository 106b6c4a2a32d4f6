import type {DevCounters} from '../counters.ts';
import type {Parsed} from '../evidence.ts';
import {type Link, optional, UNKNOWN_KIND} from '../links.ts';
import type {FileLine, Files} from './lines.ts';

/**
 * Bits of `/sys/class/net/X/flags` (`IFF_…` in netdevice(7)) and their names in `ip`. PROMISC and ALLMULTI are left out:
 * the file counts what a bridge asks of its ports, `ip` what a person asked for (`dev_get_flags`, net/core/dev.c).
 */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x10, 'POINTOPOINT'],
  [0x1000, 'MULTICAST'],
  [0x80, 'NOARP'],
  [0x400, 'MASTER'],
  [0x800, 'SLAVE'],
  [0x1, 'UP'],
];

/** Kinds that the hardware type alone tells (`ARPHRD_…`, linux/if_arp.h). */
const TYPES: Readonly<Record<string, string>> = {
  '772': 'loopback',
  '768': 'ipip',
  '769': 'ip6tnl',
  '776': 'sit',
  '778': 'gre',
  '823': 'ip6gre',
};
const ETHER = '1';

/**
 * Interfaces as `/sys/class/net` shows them (Documentation/ABI/testing/sysfs-class-net). Sample (Linux 6.18):
 * ```
 * /sys/class/net/veth09e3bdde/ifindex:5
 * /sys/class/net/veth09e3bdde/iflink:2
 * /sys/class/net/veth09e3bdde/flags:0x1303
 * /sys/class/net/veth09e3bdde/uevent:INTERFACE=veth09e3bdde
 * /sys/class/net/veth09e3bdde/master/ifindex:4
 * /sys/class/net/flannel.1/uevent:DEVTYPE=vxlan
 * /sys/class/net/flannel.1/lower_eth0/ifindex:2
 * ```
 * A kind is what `DEVTYPE` says. A veth says none: it is the virtual Ethernet device whose link is another one and none
 * of its own namespace's. A sysfs belongs to the namespace of who mounted it, so one that does not show the interfaces
 * of `/proc/PID/net/dev`, with the indexes that other files give them, is of another namespace and is not taken.
 */
export function devicesIn(files: Files, counters: DevCounters): Parsed<Link> {
  const known = indexesIn(files);
  const names = [...counters.keys()];
  const foreign =
    names.some(name => !files.sys.has(name)) ||
    [...files.sys].some(([name, about]) => {
      const index = whole(about, 'ifindex');
      return !counters.has(name) || (known.has(name) && known.get(name) !== index);
    });
  if (foreign || names.length === 0) {
    const seen =
      files.sys.size > 0 ? 'the /sys that is seen there is of another namespace' : 'no /sys is seen';
    return {
      rows: withoutSys(files, counters, known),
      problems:
        names.length === 0 ? [] : [`${seen}: kind, MTU, hardware address, master and peer are not told.`],
    };
  }
  const nameOf = new Map<number, string>();
  for (const [name, about] of files.sys) nameOf.set(whole(about, 'ifindex') ?? 0, name);
  const rows = [...files.sys].map(([name, about]) => linkOf(name, about, nameOf, counters));
  return {rows: rows.sort((a, b) => a.ifindex - b.ifindex), problems: []};
}

type About = ReadonlyMap<string, readonly FileLine[]>;

const first = (about: About, file: string) => about.get(file)?.[0]?.text.trim();

function whole(about: About, file: string): number | undefined {
  const text = first(about, file) ?? '';
  return /^(\d{1,10}|0x[0-9a-f]{1,8})$/.test(text) ? Number(text) : undefined;
}

function linkOf(
  name: string,
  about: About,
  nameOf: ReadonlyMap<number, string>,
  counters: DevCounters,
): Link {
  const ifindex = whole(about, 'ifindex') ?? 0;
  const iflink = whole(about, 'iflink') ?? ifindex;
  const bits = whole(about, 'flags') ?? 0;
  const up = (bits & 1) !== 0;
  const carrier = first(about, 'carrier');
  const kind = kindOf(about, ifindex, iflink);
  const lower = iflink === ifindex ? undefined : lowerOf(about);
  const lines = [...about.values()].flat();
  const mac = first(about, 'address');
  const master = nameOf.get(whole(about, 'master/ifindex') ?? -1);
  return {
    from: Math.min(...lines.map(({from}) => from)),
    to: Math.max(...lines.map(({to}) => to)),
    ifindex,
    name,
    mtu: whole(about, 'mtu') ?? 0,
    state: (first(about, 'operstate') ?? 'unknown').toUpperCase(),
    flags: [
      ...(up && carrier === '0' ? ['NO-CARRIER'] : []),
      ...FLAGS.flatMap(([bit, word]) => ((bits & bit) !== 0 ? [word] : [])),
      ...(carrier === '1' ? ['LOWER_UP'] : []),
    ],
    ...optional('kind', kind),
    ...optional(
      'mac',
      kind !== 'loopback' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5,}$/.test(mac ?? '') ? mac : undefined,
    ),
    ...optional('master', master),
    ...optional('lower', lower),
    ...optional('peerIndex', lower === undefined && iflink !== ifindex && iflink !== 0 ? iflink : undefined),
    ...optional('alias', first(about, 'ifalias')),
    ...optional('txqlen', whole(about, 'tx_queue_len') || undefined),
    ...optional('counters', counters.get(name)),
    ...optional('vlanFiltering', first(about, 'bridge/vlan_filtering') === '1' ? (true as const) : undefined),
    ...optional('hairpin', first(about, 'brport/hairpin_mode') === '1' ? (true as const) : undefined),
    ...optional('isolated', first(about, 'brport/isolated') === '1' ? (true as const) : undefined),
  };
}

function kindOf(about: About, ifindex: number, iflink: number): string | undefined {
  const type = first(about, 'type') ?? '';
  const said = about
    .get('uevent')
    ?.map(({text}) => /^DEVTYPE=(\w+)$/.exec(text)?.[1])
    .find(word => word !== undefined);
  if (said !== undefined) return said;
  if (Object.hasOwn(TYPES, type)) return TYPES[type];
  // What is no virtual device has a driver.
  if (about.has('device/uevent')) return undefined;
  const stacked = [...about.keys()].some(file => file.startsWith('lower_'));
  return type === ETHER && ifindex !== iflink && !stacked ? 'veth' : UNKNOWN_KIND;
}

/** The one device below it in its namespace. */
function lowerOf(about: About): string | undefined {
  const below = [...about.keys()].flatMap(file => /^lower_([^/]+)\/ifindex$/.exec(file)?.[1] ?? []);
  return below.length === 1 ? below[0] : undefined;
}

/** Indexes that `igmp`, `dev_mcast` and `if_inet6` give interfaces. */
function indexesIn({net}: Files): Map<string, number> {
  const found = new Map<string, number>();
  for (const {text} of [...(net.get('igmp') ?? []), ...(net.get('dev_mcast') ?? [])]) {
    const [, index, name] = /^(\d+)\s+(\S+)\s/.exec(text) ?? [];
    if (name !== undefined) found.set(name, Number(index));
  }
  for (const {text} of net.get('if_inet6') ?? []) {
    const [, index, name] =
      /^[0-9a-f]{32} ([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ [0-9a-f]+\s+(\S+)$/.exec(text) ?? [];
    if (name !== undefined) found.set(name, Number.parseInt(index!, 16));
  }
  return found;
}

/** What is left where no /sys shows them: interfaces that are up, for they have routes or addresses of their own. */
function withoutSys({net}: Files, counters: DevCounters, known: ReadonlyMap<string, number>): Link[] {
  const routed = new Set<string>();
  for (const {text} of net.get('route') ?? []) routed.add(text.split('\t')[0]!.trim());
  for (const {text} of net.get('if_inet6') ?? []) routed.add(text.trim().split(/\s+/).at(-1)!);
  const lines = net.get('dev') ?? [];
  return [...counters].flatMap(([name, counts]): Link[] => {
    const line = lines.find(({text}) => text.trim().startsWith(`${name}:`));
    const loopback = name === 'lo';
    const up =
      routed.has(name) ||
      (loopback && (net.get('fib_trie') ?? []).some(({text}) => /127\.0\.0\.1$/.test(text)));
    if (!line || !up) return [];
    return [
      {
        from: line.from,
        to: line.to,
        ifindex: known.get(name) ?? 0,
        name,
        kind: loopback ? 'loopback' : UNKNOWN_KIND,
        mtu: 0,
        state: 'UNKNOWN',
        flags: loopback ? ['LOOPBACK', 'UP'] : ['UP'],
        counters: counts,
      },
    ];
  });
}
