import type {Reader} from '../../wire/source.ts';
import type {Address} from '../addresses.ts';
import {parseCounters} from '../counters.ts';
import {networkOf} from '../ip/pasted.ts';
import {quoted} from '../lines.ts';
import {type Link, optional, UNKNOWN_KIND} from '../links.ts';
import type {Network} from '../network-tables.ts';
import type {FoundPiece} from '../pieces.ts';
import type {Route} from '../routes.ts';
import {devicesIn} from './devices.ts';
import {type Files, filesIn} from './lines.ts';
import {addresses6, neighbours4, routes4, routes6, type Trie, trieIn, UNTOLD} from './tables.ts';

const NET = ['dev', 'route', 'ipv6_route', 'fib_trie', 'if_inet6', 'arp', 'igmp', 'dev_mcast'];
const DEVICE = [
  'ifindex',
  'iflink',
  'type',
  'mtu',
  'operstate',
  'carrier',
  'flags',
  'address',
  'tx_queue_len',
  'ifalias',
  'uevent',
  'master/ifindex',
  'bridge/vlan_filtering',
  'brport/hairpin_mode',
  'brport/isolated',
  'device/uevent',
  'lower_*/ifindex',
];

/**
 * The kernel's own files, and what tools there may add: `ip` of busybox knows all tables, `ifconfig` which interface has
 * an IPv4 address. One process a namespace, and one for each tool that is there.
 */
export const PROC_NETWORK: Reader = {
  name: 'proc-network@1',
  fact: 'network',
  scope: 'each-netns',
  command: [
    `hop_f=; for hop_d in ${NET.join(' ')}; do hop_f="$hop_f $hop_net/$hop_d"; done`,
    `for hop_d in $hop_sys/*; do hop_f="$hop_f ${DEVICE.map(file => `$hop_d/${file}`).join(' ')}"; done`,
    "grep -sH '' $hop_f",
  ].join('; '),
  tool: 'grep',
  proc: true,
  also: [
    'ip addr',
    'ip -4 route show table all',
    'ip -6 route show table all',
    'ip neigh',
    'ip -4 rule',
    'ifconfig -a',
  ],
  why: 'Where `ip` of iproute2 is missing or too old: interfaces, addresses, routes and neighbours of a namespace.',
  limit: 64_000_000,
  timeout: 10,
};

/** Where not even the kernel's files can be read. */
export const NET_TOOLS: Reader = {
  name: 'net-tools@1',
  fact: 'network',
  scope: 'each-netns',
  command: 'ifconfig -a',
  also: ['route -n', 'arp -an'],
  why: "Where neither `ip` nor the kernel's own files can be read: interfaces, IPv4 routes and neighbours.",
  limit: 16_000_000,
  timeout: 10,
};

/** Machines that store the most significant byte first: numbers in their `/proc/net` read the other way round. */
const BIG_ENDIAN = new Set(['s390x', 's390', 'ppc64', 'ppc', 'mips', 'mips64', 'sparc64']);

export function isBigEndian(arch: string | undefined): boolean {
  return BIG_ENDIAN.has(arch ?? '');
}

/** What `PROC_NETWORK` or `NET_TOOLS` printed of one namespace. Never throws. */
export function parseProcNetwork(out: Uint8Array, arch?: string): Network {
  const files = filesIn(out);
  const problems: string[] = [];
  if (files.strange.length > 0)
    problems.push(
      `${files.strange.length} lines are of no file that was asked for, the first: ${quoted(files.strange[0]!.text)}.`,
    );
  const told = fromTools(files);
  problems.push(...told.problems);
  const read = files.net.size > 0 ? fromFiles(files, arch) : undefined;
  if (read) problems.push(...read.problems(told));
  const links = read ? mergeLinks(read.links, told.links ?? []) : told.links;
  const routes = told.routes && told.routes.length > 0 ? told.routes : read?.routes;
  const addresses = read ? mergeAddresses(told.addresses ?? [], read) : told.addresses;
  const neighbours = told.neighbours ?? read?.neighbours;
  return {
    ...(links && {links}),
    ...(addresses && {addresses: indexed(addresses, links ?? [])}),
    ...(routes && {
      routes: read && routes === read.routes ? [...routes, ...localRoutes(read.trie, addresses)] : routes,
    }),
    ...(neighbours && {neighbours}),
    ...(told.rules && {rules: told.rules}),
    problems,
  };
}

/** Tools' outputs, each as if it had been pasted. */
function fromTools({printed}: Files): Network {
  const pieces: FoundPiece[] = [];
  for (const {command, from, out} of printed) {
    // A tool that failed said so on its standard error, and printed nothing: then its table was not read.
    if (out.length === 0) continue;
    const format = command.startsWith('ifconfig') ? 'ifconfig@1' : 'ip-text@1';
    pieces.push({format, command, from, out});
  }
  if (pieces.length === 0) return {problems: []};
  const {links, addresses, routes, ...rest} = networkOf(pieces);
  return {
    ...rest,
    // Behind the `@`, busybox prints the name that the other end's index has in its own namespace, whosever that is.
    ...(links && {
      links: links
        .filter(({name}) => !name.includes(':'))
        .map(({lower: _, kind, ...link}) => ({
          ...link,
          kind: kind === 'loopback' ? kind : UNKNOWN_KIND,
        })),
    }),
    ...(addresses && {addresses: addresses.map(one => ({...one, dev: one.dev.replace(/:.*/, '')}))}),
    ...(routes && {routes: routes.map(one => ({...one, protocol: UNTOLD}))}),
  };
}

type FromFiles = {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  readonly addresses6: readonly Address[];
  readonly trie: Trie;
  readonly neighbours: Network['neighbours'];
  problems(told: Network): string[];
};

function fromFiles(files: Files, arch: string | undefined): FromFiles {
  const lines = (file: string) => files.net.get(file) ?? [];
  const counters = countersIn(files);
  const trie = trieIn(lines('fib_trie'));
  const devices = devicesIn(files, counters);
  const four = routes4(lines('route'), dst => rejecting(trie, dst), isBigEndian(arch));
  const six = routes6(lines('ipv6_route'));
  const own6 = addresses6(lines('if_inet6'));
  const arp = neighbours4(lines('arp'));
  return {
    links: devices.rows,
    routes: [...four.rows, ...six.rows],
    addresses6: own6.rows,
    trie,
    neighbours: arp.rows,
    problems: told => [
      ...(told.links ? [] : devices.problems),
      ...(told.routes?.length ? [] : [...four.problems, ...six.problems, ...unread(trie)]),
      ...(told.neighbours ? [] : arp.problems),
      ...own6.problems,
      ...unplaced(told.addresses ?? [], trie, [...four.rows]),
    ],
  };
}

function unread({others}: Trie): string[] {
  if (others.length === 0) return [];
  const tables = `table${others.length === 1 ? '' : 's'} ${others.join(', ')}`;
  return [`${tables} of routes: of other tables than main the kernel's files do not tell the next hops.`];
}

const REJECTS = new Set(['blackhole', 'unreachable', 'prohibit', 'throw']);

function rejecting({types}: Trie, dst: string): string | undefined {
  const type = types.get(dst);
  return type !== undefined && REJECTS.has(type) ? type : undefined;
}

function countersIn({net}: Files) {
  const text = (net.get('dev') ?? [])
    .map(line => `/proc/1/net/dev:${line.text}\n`)
    .filter(line => !line.includes('|'));
  return parseCounters(new TextEncoder().encode(text.join(''))).byPid.get(1) ?? new Map();
}

/** Of an interface that several show: what the kernel's files tell first, then what a tool adds. */
function mergeLinks(read: readonly Link[], told: readonly Link[]): readonly Link[] {
  const others = new Map(told.map(link => [link.name, link]));
  const seen = new Set(read.map(({name}) => name));
  const counted = new Map(read.map(({name, counters}) => [name, counters]));
  const merged = read.map(link => {
    const other = others.get(link.name);
    if (!other) return link;
    if (link.mtu > 0) return {...link, ...optional('qdisc', other.qdisc)};
    return {
      ...link,
      ...other,
      ifindex: other.ifindex || link.ifindex,
      ...optional('counters', link.counters),
    };
  });
  const more = told
    .filter(({name}) => !seen.has(name))
    .map(link => ({...link, ...optional('counters', link.counters ?? counted.get(link.name))}));
  return [...merged, ...more];
}

/**
 * IPv4: what a tool tells, and of the addresses that the kernel has in its local table those whose interface follows. IPv6:
 * the kernel tells all of it.
 */
function mergeAddresses(
  told: readonly Address[],
  {addresses6: six, trie, routes}: FromFiles,
): readonly Address[] {
  return [...told.filter(({family}) => family === 4), ...placed(told, trie, routes), ...six];
}

/**
 * Own addresses that no tool tells of. A subnet on an interface comes with an address of it there, so the only own
 * address of a subnet is that interface's. Of several nobody knows: flannel's `10.244.1.0/32` is in the subnet of `cni0`.
 */
function placed(told: readonly Address[], trie: Trie, routes: readonly Route[]): Address[] {
  const known = new Set(told.map(({address}) => address));
  const own = trie.local.filter(({dst, type}) => type === 'local' && dst.endsWith('/32'));
  const subnets = routes.filter(
    ({family, type, scope, dst}) =>
      family === 4 && type === 'unicast' && scope === 'link' && !dst.endsWith('/32'),
  );
  const alone = subnets.filter(({dst}) => own.filter(({text}) => holds(dst, text)).length === 1);
  return own.flatMap(({from, to, text}): Address[] => {
    if (known.has(text)) return [];
    if (text === '127.0.0.1')
      return [{from, to, ifindex: 0, dev: 'lo', family: 4, address: text, prefix: 8, scope: 'host'}];
    const around = subnets.filter(({dst}) => holds(dst, text));
    const [only] = around;
    const dev = only?.hops[0]?.dev;
    if (around.length !== 1 || only === undefined || dev === undefined || !alone.includes(only)) return [];
    const prefix = Number(only.dst.split('/')[1]);
    return [{from, to, ifindex: 0, dev, family: 4, address: text, prefix, scope: 'global'}];
  });
}

/** Own addresses of which nothing tells the interface. */
function unplaced(told: readonly Address[], trie: Trie, routes: readonly Route[]): string[] {
  const known = new Set([...told, ...placed(told, trie, routes)].map(({address}) => address));
  const lost = trie.local.filter(
    ({text, dst, type}) => type === 'local' && dst.endsWith('/32') && !known.has(text),
  );
  if (lost.length === 0) return [];
  const some = lost
    .slice(0, 5)
    .map(({text}) => text)
    .join(', ');
  return [
    `the address${lost.length === 1 ? '' : 'es'} ${some}${lost.length > 5 ? ' and others' : ''}: which interface has ${lost.length === 1 ? 'it' : 'them'} is not told.`,
  ];
}

const wordOf = (address: string) => address.split('.').reduce((word, byte) => word * 256 + Number(byte), 0);

function holds(prefix: string, address: string): boolean {
  const [base = '', length] = prefix.split('/');
  const size = 2 ** (32 - Number(length));
  return Number(length) > 0 && Math.floor(wordOf(base) / size) === Math.floor(wordOf(address) / size);
}

/** The local table, as far as the kernel's files show it: own addresses and broadcasts. */
function localRoutes({local}: Trie, addresses: readonly Address[] = []): Route[] {
  const devOf = new Map(addresses.map(({address, dev}) => [address, dev]));
  return local.map(({from, to, text, dst, type}) => {
    const dev = text.startsWith('127.') ? 'lo' : devOf.get(text);
    return {
      from,
      to,
      family: 4,
      type,
      dst,
      table: 'local',
      protocol: UNTOLD,
      scope: type === 'local' ? 'host' : 'link',
      hops: dev === undefined ? [] : [{flags: [], dev}],
    };
  });
}

function indexed(addresses: readonly Address[], links: readonly Link[]): readonly Address[] {
  const index = new Map(links.map(({name, ifindex}) => [name, ifindex]));
  return addresses.map(one => ({...one, ifindex: index.get(one.dev) ?? one.ifindex}));
}
