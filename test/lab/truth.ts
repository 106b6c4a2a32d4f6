/**
 * The true connections of a lab's traffic. Each caller sends a token on its connection and says which socket it sent it
 * on; each server says which socket it came in on (traffic.pl). Joining the two needs neither addresses nor the
 * kernel's tables of translations, so it holds whatever is between the ends; hoptop has no part in it. The kernel is
 * asked only whose sockets those are, and whether they still exist.
 */
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {groupOf, machineHierarchies, processesIn} from '../../demo/lab/cgroups.ts';
import {labDir, OUTSIDE} from '../../demo/lab/state.ts';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import type {Place} from './places.ts';

/** A socket and whose it is. Its place is the fabric, a node (host network) or a pod. */
export type End = Place & {
  /** As the node numbers it; as the machine does in the fabric. */
  readonly pid: number;
  /** As this machine numbers it. */
  readonly machinePid: number;
  /** The name of the pod's container, or of the program outside. */
  readonly program: string;
  /** `namespace/name` also of a pod on the host's network, whose place is the node. */
  readonly of?: string;
  /** `net:[4026532000]`, as `/proc/PID/ns/net` has it. */
  readonly netns: string;
  readonly inode: number;
  /** `10.244.1.5:43210`, `[fd00::5]:53`. */
  readonly local: string;
  /** `0.0.0.0:0` or `[::]:0` of a UDP socket that is not connected. */
  readonly peer: string;
};

export type TrueConnection = {
  readonly protocol: 'tcp' | 'udp';
  readonly client: End;
  readonly server: End;
  /** Where the server saw it come from; with a UDP server, its socket does not tell. */
  readonly seenFrom: string;
  /** What was dialled. */
  readonly by: 'pod' | 'node' | 'cluster-ip' | 'node-port' | 'host-port' | 'outside';
  /** Whether the server's end is not what was dialled, and whether it sees another source than the client has. */
  readonly translated: {readonly destination: boolean; readonly source: boolean};
};

export type Truth = {
  readonly connections: readonly TrueConnection[];
  /** TCP sockets of the lab's programs that are joined with somebody, nobody said with whom: requests to httpd. */
  readonly untold: readonly End[];
};

type Program = Omit<End, 'inode' | 'local' | 'peer'> & {readonly log: string};

const quietly = <T>(read: () => T, otherwise: T): T => {
  try {
    return read();
  } catch {
    return otherwise; // the process ended meanwhile
  }
};

const netnsOf = (pid: number) => quietly(() => readlinkSync(`/proc/${pid}/ns/net`), '');

/** The process's number in the pid namespace below this machine's. */
const pidOnNode = (pid: number) => {
  const status = quietly(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
  const [own, below] = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
  return below ?? own ?? pid;
};

/** Every process of the lab's containers and outside programs. */
const programsOf = async (status: LabStatus): Promise<Program[]> => {
  const initOf = (node: string) => status.nodes.find(each => each.name === node)!.pid;
  const inPods = status.pods.flatMap(pod =>
    pod.containers.flatMap(container =>
      container.pids.map(machinePid => {
        const name = `${pod.namespace}/${pod.name}`;
        const dir = `var/log/pods/${pod.namespace}_${pod.name}_${pod.uid}/${container.name}`;
        return {
          node: pod.node,
          ...(!pod.hostNetwork && {pod: name}),
          of: name,
          pid: pidOnNode(machinePid),
          machinePid,
          program: container.name,
          netns: netnsOf(machinePid),
          log: `/proc/${initOf(pod.node)}/root/${dir}/0.log`,
        };
      }),
    ),
  );
  const [hierarchy] = await machineHierarchies();
  const outside = (await processesIn(groupOf(hierarchy!, status.name, OUTSIDE))).flatMap(machinePid => {
    // traffic.pl makes its name its title and the machine's name of the process.
    const program = quietly(() => readFileSync(`/proc/${machinePid}/comm`, 'utf8').trim(), '');
    const log = join(labDir(status.name), OUTSIDE, `${program}.log`);
    return [{node: 'fabric', pid: machinePid, machinePid, program, netns: netnsOf(machinePid), log}];
  });
  return [...inPods, ...outside];
};

/** An address as /proc/net/tcp has it: 32-bit words in the machine's byte order, in hexadecimal. */
const addressOf = (hex: string): string => {
  const [words = '', port = ''] = hex.split(':');
  const bytes = (words.match(/.{8}/g) ?? []).flatMap(word => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
  const groups = Array.from({length: 8}, (_, at) => (bytes[2 * at]! * 256 + bytes[2 * at + 1]!).toString(16));
  return `${new URL(`http://[${groups.join(':')}]`).hostname}:${Number.parseInt(port, 16)}`;
};

type Row = {protocol: 'tcp' | 'udp'; local: string; peer: string; inode: number; established: boolean};

/** Sockets of a process's network namespace (proc_pid_net(5)). */
const rowsOf = (pid: number): Row[] =>
  (['tcp', 'tcp6', 'udp', 'udp6'] as const).flatMap(file =>
    quietly(() => readFileSync(`/proc/${pid}/net/${file}`, 'utf8'), '')
      .split('\n')
      .slice(1)
      .filter(Boolean)
      .map(line => {
        const [, local = '', peer = '', state, , , , , , inode] = line.trim().split(/\s+/);
        return {
          protocol: file.slice(0, 3) as 'tcp' | 'udp',
          local: addressOf(local),
          peer: addressOf(peer),
          inode: Number(inode),
          established: state === '01',
        };
      }),
  );

const inodesOf = (pid: number): Set<number> =>
  new Set(
    quietly(() => readdirSync(`/proc/${pid}/fd`), []).flatMap(fd => {
      const target = quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      return inode ? [Number(inode)] : [];
    }),
  );

const TOLD = {
  client: /(\S+): connected to (tcp|udp) (\S+) as (\S+) with ([0-9a-f]{16})$/,
  server: /(\S+): (tcp|udp) (\S+) at (\S+) brought ([0-9a-f]{16})$/,
};

type Said = {protocol: string; token: string; peer: string; local: string};

/** What a program said of its connections, the newest last. */
const saidIn = (log: string, side: 'client' | 'server'): Said[] =>
  quietly(() => readFileSync(log, 'utf8'), '')
    .split('\n')
    .flatMap(line => {
      const [, , protocol = '', peer = '', local = '', token = ''] = TOLD[side].exec(line) ?? [];
      return token ? [{protocol, token, peer, local}] : [];
    });

const waysOf = (status: LabStatus) => {
  const {nodes, pods, services, outside} = topologies.find(each => each.name === status.topology)!;
  const own = new Set(nodes.flatMap(node => [node.address, node.address6 ?? []].flat()));
  const vips = new Set(services.flatMap(each => [each.clusterIp, each.clusterIp6 ?? []].flat()));
  const nodePorts = new Set(services.flatMap(each => each.ports.flatMap(port => port.nodePort ?? [])));
  const hostPorts = new Set(pods.flatMap(pod => (pod.hostPorts ?? []).map(port => port.hostPort)));
  return (dialled: string): TrueConnection['by'] => {
    const at = dialled.lastIndexOf(':');
    const address = dialled.slice(0, at).replace(/^\[|\]$/g, '');
    const port = Number(dialled.slice(at + 1));
    if (vips.has(address)) return 'cluster-ip';
    if ([outside.address, outside.address6].includes(address)) return 'outside';
    if (!own.has(address)) return 'pod';
    return nodePorts.has(port) ? 'node-port' : hostPorts.has(port) ? 'host-port' : 'node';
  };
};

/** What is true right now: both ends exist, and each has told of the other. */
export const truthOf = async (status: LabStatus): Promise<Truth> => {
  const programs = await programsOf(status);
  const sockets = programs.flatMap(({log, ...program}) => {
    const inodes = inodesOf(program.machinePid);
    return rowsOf(program.machinePid)
      .filter(row => inodes.has(row.inode))
      .map(row => ({log, row, end: {...program, inode: row.inode, local: row.local, peer: row.peer} as End}));
  });
  type Socket = (typeof sockets)[number];
  const logs = [...new Set(programs.map(program => program.log))];
  const key = (log: string, protocol: string, local: string, peer: string) =>
    [log, protocol, local, peer].join(' ');
  const bySides = new Map<string, Socket>();
  for (const socket of sockets)
    bySides.set(key(socket.log, socket.row.protocol, socket.row.local, socket.row.peer), socket);
  const unconnected = (local: string) => (local.startsWith('[') ? '[::]:0' : '0.0.0.0:0');

  // A pair of addresses may have been used before: what was said last counts.
  const clients = new Map<Socket, Said>();
  for (const log of logs)
    for (const said of saidIn(log, 'client')) {
      const socket = bySides.get(key(log, said.protocol, said.local, said.peer));
      if (socket) clients.set(socket, said);
    }
  const servers = new Map<string, {socket: Socket; said: Said}>();
  for (const log of logs)
    for (const said of saidIn(log, 'server')) {
      const peer = said.protocol === 'udp' ? unconnected(said.local) : said.peer;
      const socket = bySides.get(key(log, said.protocol, said.local, peer));
      if (socket) servers.set(said.token, {socket, said});
    }

  const way = waysOf(status);
  const joined = new Set<Socket>();
  const connections: TrueConnection[] = [];
  for (const [client, {protocol, token}] of clients) {
    const server = servers.get(token);
    if (!server) continue;
    joined.add(client).add(server.socket);
    const port = (name: string) => name.slice(name.lastIndexOf(':'));
    const {local} = server.said;
    // An unconnected UDP server does not tell its address, so what is known of it is that of its pod or node.
    const destination =
      server.socket.row.protocol === 'tcp'
        ? local !== client.row.peer
        : isElsewhere(status, client.end, server.socket.end) || port(local) !== port(client.row.peer);
    connections.push({
      protocol: protocol as 'tcp' | 'udp',
      client: client.end,
      server: server.socket.end,
      seenFrom: server.said.peer,
      by: way(client.row.peer),
      translated: {destination, source: server.said.peer !== client.row.local},
    });
  }
  const untold = sockets
    .filter(socket => socket.row.established && !joined.has(socket) && socket.row.protocol === 'tcp')
    .map(socket => socket.end);
  return {connections, untold};
};

/** Whether what a client dialled is no address of where the server is. */
const isElsewhere = (status: LabStatus, client: End, server: End) => {
  if (server.node === 'fabric') return false; // who dials the outside reaches it untranslated
  const pod = status.pods.find(each => `${each.namespace}/${each.name}` === server.of)!;
  const node = status.nodes.find(each => each.name === pod.node)!;
  const own = pod.hostNetwork ? [node.address] : [pod.ip, pod.ip6];
  return !own.some(address => address && client.peer.replace(/[[\]]/g, '').startsWith(`${address}:`));
};

/** `tcp worker-1 shop/cart-… 10.244.1.2:4242 → worker-2 shop/db-0 10.244.2.2:5432 by pod`. */
export const connectionText = ({protocol, client, server, by}: TrueConnection) =>
  `${protocol} ${client.node} ${client.of ?? client.program} ${client.local} → ${client.peer} ` +
  `= ${server.node} ${server.of ?? server.program} ${server.local} by ${by}`;
