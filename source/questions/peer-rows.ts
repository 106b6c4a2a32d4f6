import ipaddr from 'ipaddr.js';
import * as v from 'valibot';
import type {Graph} from '../model/graph.ts';
import {otherOpens, socketOpens} from './endpoint-words.ts';
import type {Gone} from './gone.ts';
import {listeners} from './listening.ts';
import {most} from './mesh-cells.ts';
import {toldOf} from './peer-purposes.ts';
import type {Question} from './question.ts';
import {count, Evidence, flag, Grade, list, maybe, text} from './schema.ts';
import {type SocketList, type SocketRow, socketAt} from './socket-rows.ts';

const Worst = v.object({
  rtt: maybe.count('Largest round-trip time of either end, ms.'),
  retrans: maybe.count('Most retransmissions of either end; absent where not known.'),
  recvQ: count('Most bytes unread at either end.'),
  sendQ: count('Most bytes unacknowledged at either end.'),
});

export const PeerRow = v.object({
  kind: v.pipe(
    v.picklist(['pod', 'process', 'node', 'netns', 'service', 'unread', 'outside']),
    v.description(
      'unread: an address that is perhaps on a node that was not, or not wholly, read. service: behind it nobody was found.',
    ),
  ),
  words: text('What it is called: a pod’s, process’s, node’s name, or an address outside.'),
  node: maybe.text('Node it is on.'),
  netns: maybe.text('Inode of its network namespace.'),
  perhaps: v.pipe(list(v.string()), v.description('Nodes not wholly read that its address may be on.')),
  asOf: maybe.text('Moment that what is told of it was read, when its node is not reached now.'),
  program: maybe.text('Name of its process.'),
  addresses: list(v.string()),
  names: v.exactOptional(
    v.pipe(list(v.string()), v.description('What DNS calls its addresses, where --reverse asked it.')),
  ),
  services: v.pipe(list(v.string()), v.description('Services that its connections go through.')),
  locals: v.pipe(list(v.string()), v.description('Processes on this side, as pid/name.')),
  direction: v.pipe(
    v.picklist(['in', 'out', 'both', 'unknown']),
    v.description('in: it calls, this side listens. out: this side calls.'),
  ),
  ports: v.pipe(list(v.string()), v.description('Ports of the listening side, as tcp/80.')),
  role: maybe.text('What its address is, where only its connections tell: a node, a health endpoint.'),
  purposes: v.pipe(
    list(v.string()),
    v.description(
      'What the ports are for, as `hoptop mesh` takes it: those of plugins and of Kubernetes itself.',
    ),
  ),
  connections: count('Sockets that talk to it.'),
  connection: maybe.text(
    'The only connection with it, as `hoptop connection` takes it; absent when there are more.',
  ),
  states: v.record(v.string(), v.number()),
  gone: v.pipe(
    v.record(v.string(), v.number()),
    v.description(
      'Connections without a socket that conntrack still has, by its state: closed, refused, unanswered.',
    ),
  ),
  worst: Worst,
  translated: flag('Some of it goes through NAT.'),
  grade: Grade,
  why: text('What the join rests on.'),
  evidence: v.pipe(list(Evidence), v.description('Of the first few connections.')),
});
export type PeerRow = v.InferOutput<typeof PeerRow>;

/** Who is at the other end of a socket, as far as it is known. */
export type Peer = Pick<PeerRow, 'kind' | 'words' | 'node' | 'netns' | 'perhaps' | 'asOf' | 'program'>;

/** What more there is to tell than sockets with another end do. */
export type More = {
  /** Sockets whose own side is the peer: the callers of a service. */
  readonly callers?: (socket: SocketRow) => boolean;
  readonly gone?: readonly Gone[];
};

const EVIDENCE = 3;
const GRADES = ['proven', 'inferred', 'ambiguous', 'unknown'] as const;

/** One row for each peer of these sockets, but those that `isSelf`; the busiest first. */
export function peersOf(
  graph: Graph,
  sockets: SocketList,
  isSelf: (peer: Peer) => boolean,
  {callers, gone = []}: More = {},
): PeerRow[] {
  const listening = listeners(sockets.world);
  const found = new Map<string, Draft>();
  for (let i = 0; i < sockets.count; i += 1) {
    const node = sockets.node[i]!;
    const table = sockets.world.nodes[node]!.table!;
    if (table.remotePort[sockets.row[i]!] === 0) continue;
    const socket = socketAt(sockets, i);
    const calls = callers?.(socket) ?? false;
    const peer = calls ? callerOf(graph, socket) : peerOf(graph, socket);
    if (isSelf(peer)) continue;
    addTo(draftOf(peer), socket, calls ? 'in' : listening(node, sockets.row[i]!), calls);
  }
  for (const one of gone) {
    const peer = peerAt(graph, one, sockets.world.services);
    if (!isSelf(peer)) addGone(draftOf(peer), one);
  }
  return [...found.values()]
    .map(draft => finish(graph, draft))
    .sort((a, b) => b.connections - a.connections || (a.words < b.words ? -1 : 1));

  function draftOf(peer: Peer): Draft {
    const key = `${peer.kind} ${peer.words}`;
    const known = found.get(key);
    if (known) return known;
    const draft = newDraft(peer);
    found.set(key, draft);
    return draft;
  }
}

/** The side that a socket itself is on, as a peer of the service that it calls. */
function callerOf(graph: Graph, {node, netns, asOf, pod, pid, program}: SocketRow): Peer {
  const at = {node, netns, asOf, program, perhaps: []};
  if (pod !== undefined) return {kind: 'pod', words: pod, ...at};
  if (pid !== undefined) return {kind: 'process', words: `${node}:${pid}`, ...at};
  return placeOf(graph, node, netns, at);
}

/** Who is behind an address that conntrack has. */
function peerAt(
  graph: Graph,
  {far, called, protocol, port, way}: Gone,
  services: ReadonlyMap<string, string>,
): Peer {
  const holders = graph.byAddress.get(far) ?? [];
  const [only] = holders;
  const at = {node: only?.node.name, netns: only?.inode, asOf: undefined, program: undefined, perhaps: []};
  if (holders.length === 1) {
    return only!.kind === 'pod' && only!.pods.length === 1
      ? {kind: 'pod', words: only!.pods[0]!.key, ...at}
      : placeOf(graph, only!.node.name, only!.inode, at);
  }
  const service = way === 'out' ? services.get(`${protocol} ${called} ${port}`) : undefined;
  const nowhere = {...at, node: undefined, netns: undefined};
  return service === undefined
    ? {kind: 'outside', words: prefixOf(far), ...nowhere}
    : {kind: 'service', words: service, ...nowhere};
}

function placeOf(graph: Graph, node: string, netns: string, at: Omit<Peer, 'kind' | 'words'>): Peer {
  const host = graph.nodes.find(({name}) => name === node)?.host;
  return host?.inode === netns
    ? {kind: 'node', words: node, ...at}
    : {kind: 'netns', words: `${node}/${netns}`, ...at};
}

/** Addresses outside are grouped: the /24 or /64 that one is in. */
function prefixOf(address: string): string {
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  const groups = ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).parts.slice(0, 4) : [];
  return `${new ipaddr.IPv6([...groups, 0, 0, 0, 0]).toRFC5952String()}/64`;
}

const WITH_PORT = /^(?:\[(.+)\]|(.+)):\d+$/;

/** The remote address, or what conntrack says is behind it. */
function farAddress({remote, other}: SocketRow): string {
  const [, six, four] = WITH_PORT.exec(other.far ?? '') ?? [];
  return six ?? four ?? remote;
}

export function peerOf(graph: Graph, socket: SocketRow): Peer {
  const {other} = socket;
  const {node, netns, perhaps, asOf, program} = other;
  const at = {node, netns, perhaps, asOf, program};
  if (other.pod !== undefined) return {kind: 'pod', words: other.pod, ...at};
  if (other.node !== undefined && other.pid !== undefined) {
    return {kind: 'process', words: `${other.node}:${other.pid}`, ...at};
  }
  if (other.join === 'given' || other.join === 'listed') return {kind: 'node', words: node!, ...at};
  if (perhaps.length > 0) return {kind: 'unread', words: socket.remote, ...at};
  if (other.node !== undefined) return placeOf(graph, other.node, other.netns ?? '', at);
  // Somewhere behind a service: which of its backends is not known.
  if (other.service !== undefined && other.far === undefined)
    return {kind: 'service', words: other.service, ...at};
  return {kind: 'outside', words: prefixOf(farAddress(socket)), ...at};
}

type Draft = {
  readonly peer: Peer;
  readonly addresses: Set<string>;
  readonly locals: Set<string>;
  readonly ports: Set<string>;
  readonly ways: Set<'in' | 'out'>;
  readonly states: Map<string, number>;
  readonly gone: Map<string, number>;
  readonly services: Set<string>;
  readonly evidence: SocketRow['evidence'][number][];
  connections: number;
  only: Question | undefined;
  translated: boolean;
  rtt: number | undefined;
  retrans: number | undefined;
  recvQ: number;
  sendQ: number;
  grade: number;
  why: string;
};

function newDraft(peer: Peer): Draft {
  return {
    peer,
    addresses: new Set(),
    locals: new Set(),
    ports: new Set(),
    ways: new Set(),
    states: new Map(),
    gone: new Map(),
    services: new Set(),
    evidence: [],
    connections: 0,
    only: undefined,
    translated: false,
    rtt: undefined,
    retrans: undefined,
    recvQ: 0,
    sendQ: 0,
    grade: -1,
    why: '',
  };
}

function addGone(draft: Draft, {protocol, way, far, port, state, evidence}: Gone): void {
  draft.gone.set(state, (draft.gone.get(state) ?? 0) + 1);
  draft.ways.add(way);
  draft.ports.add(`${protocol}/${port}`);
  draft.addresses.add(far);
  if (draft.evidence.length < EVIDENCE) draft.evidence.push(evidence);
  if (draft.grade < 0) {
    draft.grade = GRADES.indexOf('inferred');
    draft.why = 'only conntrack has it: closed, refused or never answered';
  }
}

/** `turned`: the peer is on the socket's own side. */
function addTo(draft: Draft, socket: SocketRow, way: 'in' | 'out' | undefined, turned: boolean): void {
  const {other} = socket;
  draft.connections += 1;
  draft.only = draft.connections === 1 ? (otherOpens(socket) ?? socketOpens(socket)) : undefined;
  const translated = other.join === 'translated' || other.translations.length > 0;
  draft.addresses.add(
    turned ? socket.local : draft.peer.kind === 'outside' ? farAddress(socket) : socket.remote,
  );
  // A UDP server's own socket is bound to any address.
  if (!turned && translated && other.local !== undefined && !/^(0\.0\.0\.0|::)$/.test(other.local))
    draft.addresses.add(other.local);
  if (other.service !== undefined) draft.services.add(other.service);
  if (!turned && socket.pid !== undefined) draft.locals.add(`${socket.pid}/${socket.program ?? '?'}`);
  draft.states.set(socket.state, (draft.states.get(socket.state) ?? 0) + 1);
  if (way) draft.ways.add(way);
  draft.ports.add(
    turned
      ? `${socket.protocol}/${socket.remotePort}`
      : way === 'in'
        ? `${socket.protocol}/${socket.localPort}`
        : way === 'out'
          ? `${socket.protocol}/${socket.remotePort}`
          : `${socket.protocol}/${socket.localPort}→${socket.remotePort}`,
  );
  const rtts = [socket.rtt, other.rtt, draft.rtt].filter(rtt => rtt !== undefined);
  draft.rtt = rtts.length > 0 ? Math.max(...rtts) : undefined;
  draft.retrans = most(draft.retrans, socket.retrans, other.retrans);
  draft.recvQ = Math.max(draft.recvQ, socket.recvQ, other.recvQ ?? 0);
  draft.sendQ = Math.max(draft.sendQ, socket.sendQ, other.sendQ ?? 0);
  draft.translated ||= translated;
  const grade = GRADES.indexOf(other.grade ?? 'unknown');
  if (grade > draft.grade) {
    draft.grade = grade;
    draft.why = other.why;
  }
  if (draft.evidence.length < EVIDENCE) draft.evidence.push(...socket.evidence);
}

function finish(graph: Graph, draft: Draft): PeerRow {
  const {rtt, retrans, recvQ, sendQ, ways} = draft;
  const row = {
    ...draft.peer,
    // One address of a prefix is itself.
    ...(draft.peer.kind === 'outside' && draft.addresses.size === 1 ? {words: [...draft.addresses][0]!} : {}),
    addresses: [...draft.addresses],
    services: [...draft.services],
    locals: [...draft.locals],
    direction: ways.size === 2 ? ('both' as const) : ([...ways][0] ?? ('unknown' as const)),
    ports: [...draft.ports],
    connections: draft.connections,
    connection: draft.only?.name === 'connection' ? draft.only.words[0] : undefined,
    states: Object.fromEntries(draft.states),
    gone: Object.fromEntries(draft.gone),
    worst: {rtt, retrans, recvQ, sendQ},
    translated: draft.translated,
    grade: GRADES[draft.grade] ?? 'unknown',
    why: draft.why,
    evidence: draft.evidence,
  };
  return {...row, ...toldOf(graph, row)};
}
