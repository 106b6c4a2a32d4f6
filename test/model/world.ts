import ipaddr from 'ipaddr.js';
import type {Address} from '../../source/facts/addresses.ts';
import type {ConntrackTable} from '../../source/facts/conntrack/table.ts';
import type {Link} from '../../source/facts/links.ts';
import type {Netfilter} from '../../source/facts/netfilter/ruleset.ts';
import type {Owners} from '../../source/facts/owners.ts';
import type {Process} from '../../source/facts/processes.ts';
import type {Route} from '../../source/facts/routes.ts';
import type {Rule} from '../../source/facts/rules.ts';
import type {Sandbox} from '../../source/facts/sandboxes.ts';
import type {Dated, NetnsFacts, Snapshot} from '../../source/facts/snapshot.ts';
import {type SocketTable, STATES} from '../../source/facts/sockets.ts';
import {buildGraph} from '../../source/model/build.ts';
import type {Graph, NodeInput} from '../../source/model/graph.ts';
import {wordsOf} from '../../source/model/words.ts';

/** Snapshots built by hand, in as few words as a test needs. Not tool output: parsers have their own tests. */

const SPAN = {from: 0, to: 10};

export type SocketSpec = {
  readonly netns: string;
  readonly protocol?: 'tcp' | 'udp';
  readonly state?: (typeof STATES)[number];
  /** `10.0.0.1:80`, `[::1]:80`. */
  readonly local: string;
  readonly remote?: string;
  readonly inode?: number;
  readonly pids?: readonly number[];
  readonly recvQ?: number;
  readonly sendQ?: number;
  readonly rtt?: number;
  readonly retrans?: number;
};

export type NetnsSpec = {
  readonly links?: readonly (Partial<Link> & {readonly ifindex: number; readonly name: string})[];
  /** `eth0 10.0.0.1/24` */
  readonly addresses?: readonly string[];
  /**
   * `10.0.0.0/24 dev cni0`, `0.0.0.0/0 via 10.0.0.1 dev eth0`, `blackhole 10.1.0.0/16`, `10.2.0.0/16 dev a table 7
   * metric 5 src 10.0.0.1`, `10.3.0.0/16 nexthop via 10.0.0.3 dev a weight 2 nexthop via 10.0.0.4 dev b`
   */
  readonly routes?: readonly string[];
  /** Adds what the kernel adds for each address: its own route, and that of its subnet. */
  readonly connected?: true;
  readonly rules?: readonly Partial<Rule>[];
  readonly rules6?: readonly Partial<Rule>[];
  /** `net.ipv4.ip_forward 1` */
  readonly sysctls?: readonly string[];
  readonly nsids?: Readonly<Record<number, string>>;
  /** `flannel.1 10.2.2.0 02:00:00:00:00:02` */
  readonly neighbours?: readonly string[];
  /** `flannel.1 02:00:00:00:00:02 10.0.0.2` */
  readonly forwarding?: readonly string[];
  readonly netfilter?: Netfilter;
};

export type NodeSpec = {
  readonly hostname?: string;
  readonly host?: string;
  readonly netns?: Readonly<Record<string, NetnsSpec>>;
  /** pid → [netns, name, parent, container id] */
  readonly processes?: Readonly<
    Record<number, readonly [netns: string, name: string, ppid?: number, container?: string]>
  >;
  readonly paths?: Readonly<Record<string, string>>;
  readonly sandboxes?: readonly (Partial<Sandbox> & {readonly id: string; readonly pod: string})[];
  readonly sockets?: readonly SocketSpec[];
  readonly conntrack?: ConntrackTable;
  /** That the tracked connections were read in, if another one. */
  readonly conntrackSweep?: number;
  readonly gaps?: Snapshot['gaps'];
  readonly sweep?: number;
  readonly uptime?: number;
};

export function graphOf(
  nodes: Readonly<Record<string, NodeSpec | NodeInput>>,
  at = '2026-01-01T00:00:10.000Z',
): Graph {
  return buildGraph(
    new Map(
      Object.entries(nodes).map(([id, spec]) => [
        id,
        'state' in spec ? spec : {snapshot: snapshotOf(id, spec as NodeSpec), state: 'ready' as const},
      ]),
    ),
    at,
  );
}

export function snapshotOf(id: string, spec: NodeSpec): Snapshot {
  const [sweep, uptime] = [spec.sweep ?? 1, spec.uptime ?? 100];
  const dated = <T>(value: T): Dated<T> => ({sweep, at: '2026-01-01T00:00:08.000Z', uptime, value});
  const processes = Object.entries(spec.processes ?? {});
  return {
    node: id,
    sweep,
    at: '2026-01-01T00:00:08.000Z',
    uptime,
    identity: dated({hostname: spec.hostname ?? id, kernel: '6.18.5', os: 'Debian GNU/Linux 12', uid: 0}),
    ...(spec.host === undefined ? {} : {hostNetns: spec.host}),
    members: dated([
      ...processes.map(([pid, [netns]]) => ({...SPAN, netns, pid: Number(pid)})),
      ...Object.entries(spec.paths ?? {}).map(([path, netns]) => ({...SPAN, netns, path})),
    ]),
    netns: new Map(
      Object.entries(spec.netns ?? {}).map(([inode, facts]) => [inode, netnsFacts(inode, facts, dated)]),
    ),
    sockets: dated(socketTable(spec.sockets ?? [])),
    ...(spec.conntrack ? {conntrack: {...dated(spec.conntrack), sweep: spec.conntrackSweep ?? sweep}} : {}),
    owners: dated(ownersOf(spec.sockets ?? [])),
    processes: dated(processes.map(([pid, [, name, ppid]]) => processOf(Number(pid), name, ppid ?? 1))),
    memberships: dated(
      processes.flatMap(([pid, [, , , container]]) =>
        container === undefined ? [] : [{...SPAN, pid: Number(pid), container}],
      ),
    ),
    sandboxes: dated((spec.sandboxes ?? []).map(sandboxOf)),
    gaps: spec.gaps ?? [],
    cost: {cpu: 0.05, wall: 120, bytes: 40_000, trips: 1},
  };
}

function netnsFacts(inode: string, spec: NetnsSpec, dated: <T>(value: T) => Dated<T>): NetnsFacts {
  const links = (spec.links ?? []).map(
    (link): Link => ({
      ...SPAN,
      mtu: 1500,
      state: 'UP',
      flags: link.name === 'lo' ? ['LOOPBACK', 'UP'] : ['BROADCAST', 'UP'],
      ...link,
    }),
  );
  return {
    netns: inode,
    links: dated(links),
    addresses: dated((spec.addresses ?? []).map(text => addressOf(text, links))),
    routes: dated(
      [...(spec.connected ? connectedRoutes(spec.addresses ?? []) : []), ...(spec.routes ?? [])].map(routeOf),
    ),
    ...(spec.rules ? {rules: dated(spec.rules.map(rule => ruleOf(4, rule)))} : {}),
    ...(spec.rules6 ? {rules6: dated(spec.rules6.map(rule => ruleOf(6, rule)))} : {}),
    ...(spec.sysctls
      ? {
          sysctls: dated(
            spec.sysctls.map(text => {
              const [name = '', value = ''] = text.split(' ');
              return {...SPAN, name, value};
            }),
          ),
        }
      : {}),
    neighbours: dated(
      (spec.neighbours ?? []).map(text => {
        const [dev = '', dst = '', mac = ''] = text.split(' ');
        return {...SPAN, dev, dst, mac, state: ['PERMANENT'], router: false, proxy: false};
      }),
    ),
    forwarding: dated(
      (spec.forwarding ?? []).map(text => {
        const [dev = '', mac = '', dst = ''] = text.split(' ');
        return {...SPAN, dev, mac, dst, flags: ['self'], state: 'permanent'};
      }),
    ),
    ...(spec.netfilter ? {netfilter: dated(spec.netfilter)} : {}),
    ...(spec.nsids
      ? {nsids: dated(new Map(Object.entries(spec.nsids).map(([nsid, to]) => [Number(nsid), to])))}
      : {}),
  };
}

function addressOf(text: string, links: readonly Link[]): Address {
  const [dev = '', cidr = ''] = text.split(' ');
  const [address = '', prefix] = cidr.split('/');
  return {
    ...SPAN,
    ifindex: links.find(link => link.name === dev)!.ifindex,
    dev,
    family: address.includes(':') ? 6 : 4,
    address,
    prefix: Number(prefix),
    scope: dev === 'lo' ? 'host' : 'global',
  };
}

/** Of `eth0 10.0.0.1/24`: `local 10.0.0.1/32 …`, and `10.0.0.0/24 …` where it has a subnet. */
function connectedRoutes(addresses: readonly string[]): string[] {
  return addresses.flatMap(text => {
    const [dev, cidr = ''] = text.split(' ');
    const [address = '', length = ''] = cidr.split('/');
    const whole = address.includes(':') ? '128' : '32';
    const own = `local ${address}/${whole} dev ${dev} src ${address} table local`;
    if (length === whole) return [own];
    const [network] = ipaddr.parseCIDR(cidr);
    const bytes = network.toByteArray().map((byte, i) => {
      const bits = Math.min(8, Math.max(0, Number(length) - i * 8));
      return byte & (0xff << (8 - bits));
    });
    return [own, `${ipaddr.fromByteArray(bytes)}/${length} dev ${dev} src ${address}`];
  });
}

const TYPES = new Set(['local', 'blackhole', 'unreachable', 'prohibit', 'throw', 'broadcast']);

function routeOf(text: string): Route {
  const all = text.split(' ');
  const type = TYPES.has(all[0]!) ? all.shift()! : 'unicast';
  const [dst = '', ...rest] = all;
  const hopsOf = (words: readonly string[]) => {
    const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
    const [via, dev, weight] = [after('via'), after('dev'), after('weight')];
    if (via === undefined && dev === undefined) return [];
    const flags = ['onlink', 'dead', 'linkdown'].filter(flag => words.includes(flag));
    return [
      {...(via ? {via} : {}), ...(dev ? {dev} : {}), ...(weight ? {weight: Number(weight)} : {}), flags},
    ];
  };
  const parts = rest.join(' ').split('nexthop ');
  const after = (word: string) => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
  const [via, table, metric, src, mtu] = ['via', 'table', 'metric', 'src', 'mtu'].map(after);
  return {
    ...SPAN,
    family: dst.includes(':') ? 6 : 4,
    type,
    dst,
    table: table ?? 'main',
    protocol: 'static',
    scope: via ? 'global' : 'link',
    hops: parts.length > 1 ? parts.slice(1).flatMap(part => hopsOf(part.split(' '))) : hopsOf(rest),
    ...(metric ? {metric: Number(metric)} : {}),
    ...(src ? {prefsrc: src} : {}),
    ...(mtu ? {mtu: Number(mtu)} : {}),
  };
}

function ruleOf(family: 4 | 6, rule: Partial<Rule>): Rule {
  return {...SPAN, family, priority: 0, not: false, src: 'all', dst: 'all', action: 'lookup', ...rule};
}

function processOf(pid: number, name: string, ppid: number): Process {
  return {
    ...SPAN,
    pid,
    ppid,
    user: 'root',
    start: `start-${pid}`,
    state: 'S',
    name,
    command: `/usr/bin/${name}`,
  };
}

function sandboxOf(spec: Partial<Sandbox> & {id: string; pod: string}): Sandbox {
  return {...SPAN, type: 'sandbox', sandbox: spec.id, namespace: 'shop', uid: `uid-${spec.pod}`, ...spec};
}

export function socketTable(specs: readonly SocketSpec[]): SocketTable {
  const netns = [...new Set(specs.map(spec => spec.netns))];
  const count = specs.length;
  const table = emptyTable(count, netns);
  specs.forEach((spec, i) => {
    const [local, localPort] = endpoint(spec.local);
    const [remote, remotePort] = endpoint(spec.remote ?? '0.0.0.0:0');
    table.protocol[i] = spec.protocol === 'udp' ? 1 : 0;
    table.family[i] = spec.local.startsWith('[') ? 6 : 4;
    table.state[i] = STATES.indexOf(
      spec.state ?? (spec.remote ? 'ESTAB' : spec.protocol === 'udp' ? 'UNCONN' : 'LISTEN'),
    );
    table.local.set(local, i * 4);
    table.remote.set(remote, i * 4);
    table.localPort[i] = localPort;
    table.remotePort[i] = remotePort;
    table.recvQ[i] = spec.recvQ ?? 0;
    table.sendQ[i] = spec.sendQ ?? 0;
    table.inode[i] = spec.inode ?? (spec.state === 'TIME-WAIT' ? 0 : 1000 + i);
    table.rtt[i] = spec.rtt ?? Number.NaN;
    table.retrans[i] = spec.retrans ?? 0;
    table.netnsIndex[i] = netns.indexOf(spec.netns);
    table.from[i] = i * 100;
    table.to[i] = i * 100 + 99;
  });
  return table;
}

export function emptyTable(count: number, netns: readonly string[]): SocketTable {
  const shared = (bytes: number) => new SharedArrayBuffer(count * bytes);
  return {
    count,
    protocol: new Uint8Array(shared(1)),
    family: new Uint8Array(shared(1)),
    state: new Uint8Array(shared(1)),
    local: new Uint32Array(shared(16)),
    remote: new Uint32Array(shared(16)),
    localPort: new Uint16Array(shared(2)),
    remotePort: new Uint16Array(shared(2)),
    recvQ: new Uint32Array(shared(4)),
    sendQ: new Uint32Array(shared(4)),
    inode: new Uint32Array(shared(4)),
    uid: new Uint32Array(shared(4)),
    rtt: new Float32Array(shared(4)),
    retrans: new Uint32Array(shared(4)),
    v6only: new Uint8Array(shared(1)),
    netnsIndex: new Uint16Array(shared(2)),
    congestion: new Uint16Array(shared(2)),
    device: new Uint16Array(shared(2)),
    from: new Uint32Array(shared(4)),
    to: new Uint32Array(shared(4)),
    netns,
    words: [''],
  };
}

function ownersOf(specs: readonly SocketSpec[]): Owners {
  const rows = specs
    .flatMap((spec, i) =>
      (spec.pids ?? []).map((pid, fd) => ({inode: spec.inode ?? 1000 + i, pid, fd: 3 + fd})),
    )
    .sort((a, b) => a.inode - b.inode);
  return {
    count: rows.length,
    inode: Uint32Array.from(rows, row => row.inode),
    pid: Uint32Array.from(rows, row => row.pid),
    fd: Uint32Array.from(rows, row => row.fd),
  };
}

function endpoint(text: string): readonly [words: readonly number[], port: number] {
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, colon).replace(/[[\]]/g, '');
  const wildcard = address === '0.0.0.0' || address === '::';
  return [wildcard ? [0, 0, 0, 0] : wordsOf(address)!, Number(text.slice(colon + 1))];
}
