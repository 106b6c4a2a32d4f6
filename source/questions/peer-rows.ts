import * as v from 'valibot';
import type {Graph} from '../model/graph.ts';
import {otherOpens, socketOpens} from './endpoint-words.ts';
import {listeners} from './listening.ts';
import {toldOf} from './peer-purposes.ts';
import type {Question} from './question.ts';
import {count, Evidence, flag, Grade, list, maybe, text} from './schema.ts';
import {type SocketList, type SocketRow, socketAt} from './socket-rows.ts';

const Worst = v.object({
  rtt: maybe.count('Largest round-trip time of either end, ms.'),
  retrans: count('Most retransmissions of either end.'),
  recvQ: count('Most bytes unread at either end.'),
  sendQ: count('Most bytes unacknowledged at either end.'),
});

export const PeerRow = v.object({
  kind: v.pipe(
    v.picklist(['pod', 'process', 'node', 'netns', 'unread', 'outside']),
    v.description('unread: an address that is perhaps on a node that was not, or not wholly, read.'),
  ),
  words: text('What it is called: a pod’s, process’s, node’s name, or an address outside.'),
  node: maybe.text('Node it is on.'),
  netns: maybe.text('Inode of its network namespace.'),
  perhaps: v.pipe(list(v.string()), v.description('Nodes not wholly read that its address may be on.')),
  asOf: maybe.text('Moment that what is told of it was read, when its node is not reached now.'),
  program: maybe.text('Name of its process.'),
  addresses: list(v.string()),
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
  worst: Worst,
  translated: flag('Some of it goes through NAT.'),
  grade: Grade,
  why: text('What the join rests on.'),
  evidence: v.pipe(list(Evidence), v.description('Of the first few connections.')),
});
export type PeerRow = v.InferOutput<typeof PeerRow>;

/** Who is at the other end of a socket, as far as it is known. */
export type Peer = Pick<PeerRow, 'kind' | 'words' | 'node' | 'netns' | 'perhaps' | 'asOf' | 'program'>;

const EVIDENCE = 3;
const GRADES = ['proven', 'inferred', 'ambiguous', 'unknown'] as const;

/** One row for each peer of these sockets, but those that `isSelf`; the busiest first. */
export function peersOf(graph: Graph, sockets: SocketList, isSelf: (peer: Peer) => boolean): PeerRow[] {
  const listening = listeners(sockets.world);
  const found = new Map<string, Draft>();
  for (let i = 0; i < sockets.count; i += 1) {
    const node = sockets.node[i]!;
    const table = sockets.world.nodes[node]!.table!;
    if (table.remotePort[sockets.row[i]!] === 0) continue;
    const socket = socketAt(sockets, i);
    const peer = peerOf(graph, socket);
    if (isSelf(peer)) continue;
    const key = `${peer.kind} ${peer.words}`;
    let draft = found.get(key);
    if (!draft) {
      draft = newDraft(peer);
      found.set(key, draft);
    }
    addTo(draft, socket, listening(node, sockets.row[i]!));
  }
  return [...found.values()]
    .map(draft => finish(graph, draft))
    .sort((a, b) => b.connections - a.connections || (a.words < b.words ? -1 : 1));
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
  if (other.node !== undefined) {
    const host = graph.nodes.find(({name}) => name === other.node)?.host;
    return host?.inode === other.netns
      ? {kind: 'node', words: other.node, ...at}
      : {kind: 'netns', words: `${other.node}/${other.netns}`, ...at};
  }
  return {kind: 'outside', words: socket.remote, ...at};
}

type Draft = {
  readonly peer: Peer;
  readonly addresses: Set<string>;
  readonly locals: Set<string>;
  readonly ports: Set<string>;
  readonly ways: Set<'in' | 'out'>;
  readonly states: Map<string, number>;
  readonly evidence: SocketRow['evidence'][number][];
  connections: number;
  only: Question | undefined;
  translated: boolean;
  rtt: number | undefined;
  retrans: number;
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
    evidence: [],
    connections: 0,
    only: undefined,
    translated: false,
    rtt: undefined,
    retrans: 0,
    recvQ: 0,
    sendQ: 0,
    grade: -1,
    why: '',
  };
}

function addTo(draft: Draft, socket: SocketRow, way: 'in' | 'out' | undefined): void {
  const {other} = socket;
  draft.connections += 1;
  draft.only = draft.connections === 1 ? (otherOpens(socket) ?? socketOpens(socket)) : undefined;
  draft.addresses.add(socket.remote);
  if (other.local !== undefined && other.join === 'translated') draft.addresses.add(other.local);
  if (socket.pid !== undefined) draft.locals.add(`${socket.pid}/${socket.program ?? '?'}`);
  draft.states.set(socket.state, (draft.states.get(socket.state) ?? 0) + 1);
  if (way) draft.ways.add(way);
  draft.ports.add(
    way === 'in'
      ? `${socket.protocol}/${socket.localPort}`
      : way === 'out'
        ? `${socket.protocol}/${socket.remotePort}`
        : `${socket.protocol}/${socket.localPort}→${socket.remotePort}`,
  );
  const rtts = [socket.rtt, other.rtt, draft.rtt].filter(rtt => rtt !== undefined);
  draft.rtt = rtts.length > 0 ? Math.max(...rtts) : undefined;
  draft.retrans = Math.max(draft.retrans, socket.retrans, other.retrans ?? 0);
  draft.recvQ = Math.max(draft.recvQ, socket.recvQ, other.recvQ ?? 0);
  draft.sendQ = Math.max(draft.sendQ, socket.sendQ, other.sendQ ?? 0);
  draft.translated ||= other.join === 'translated';
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
    addresses: [...draft.addresses],
    locals: [...draft.locals],
    direction: ways.size === 2 ? ('both' as const) : ([...ways][0] ?? ('unknown' as const)),
    ports: [...draft.ports],
    connections: draft.connections,
    connection: draft.only?.name === 'connection' ? draft.only.words[0] : undefined,
    states: Object.fromEntries(draft.states),
    worst: {rtt, retrans, recvQ, sendQ},
    translated: draft.translated,
    grade: GRADES[draft.grade] ?? 'unknown',
    why: draft.why,
    evidence: draft.evidence,
  };
  return {...row, ...toldOf(graph, row)};
}
