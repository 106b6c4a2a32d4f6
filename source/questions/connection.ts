import * as v from 'valibot';
import {type TcpInfo, tcpInfoOf} from '../facts/sockets/tcp-info.ts';
import type {Graph, GraphNode, Interface, Namespace} from '../model/graph.ts';
import {sameAddress} from '../model/tuples.ts';
import {endpointText, wordsOf} from '../model/words.ts';
import {type Definition, isMissing} from './definition.ts';
import {connectionWords, parseConnection, placeWords} from './endpoint-words.ts';
import {gapsFor} from './gaps.ts';
import {trackedOf} from './gone.ts';
import {halfSeen} from './half-seen.ts';
import {InterfaceRow, interfaceRow} from './interface-rows.ts';
import {namespaceWords} from './names.ts';
import {base, flag, Grade, list, maybe, text} from './schema.ts';
import {notRead, resolve} from './scope.ts';
import {SocketRow, socketRow} from './socket-rows.ts';
import {socketWorld} from './sockets-world.ts';
import {type Stall, stallOf} from './stall.ts';
import {Translation} from './translations.ts';

const Tcp = v.pipe(
  v.object({
    cwnd: maybe.count('Congestion window, segments.'),
    ssthresh: maybe.count('Slow start threshold, segments; absent while there was no loss.'),
    mss: maybe.count('Largest segment it sends, bytes.'),
    unacked: maybe.count('Segments sent and not acknowledged.'),
    lost: maybe.count('Of those, taken for lost.'),
    retransmitting: maybe.count('Of those, being sent again.'),
    backoff: maybe.count('How often its timer has doubled.'),
    rto: maybe.count('Retransmission timeout, ms.'),
    notSent: maybe.count('Bytes in the send queue never sent.'),
    lastSend: maybe.count('Since it last sent, ms.'),
    lastReceive: maybe.count('Since it last received data, ms.'),
    lastAck: maybe.count('Since it last was acknowledged, ms.'),
    sendWindow: maybe.count('Window that the other end offers, bytes.'),
    windowLimited: maybe.count('Share of its busy time that the other end’s window held it, 0 to 1.'),
    bufferLimited: maybe.count('Share of its busy time that its own send buffer held it, 0 to 1.'),
    minRtt: maybe.count('Smallest round-trip time, ms.'),
    timer: maybe.text('Timer that runs: on (retransmission), persist (closed window), keepalive.'),
    appLimited: flag('Its process gives it less than it could send.'),
  }),
  v.description('What `ss -i` says, where the reply is still held.'),
) satisfies v.GenericSchema<unknown, TcpInfo>;

const End = v.object({
  node: maybe.text('Node, by name.'),
  netns: maybe.text('Inode of the network namespace.'),
  pod: maybe.text('Pod.'),
  container: maybe.text('Container of the process.'),
  process: maybe.text('Process, as NODE:PID.'),
  program: maybe.text('Its name.'),
  address: text('Address of this end.'),
  port: v.number(),
  socket: v.optional(SocketRow),
  tcp: v.optional(Tcp),
  inside: v.optional(InterfaceRow),
  outside: v.pipe(list(InterfaceRow), v.description('Other end of that interface, on the host.')),
  why: text('How this end was found, or why not.'),
});
export type End = v.InferOutput<typeof End>;

const Connection = v.object({
  ...base,
  connection: v.object({
    protocol: v.picklist(['tcp', 'udp']),
    words: text('What `hoptop connection` takes.'),
    grade: v.optional(Grade),
    join: text('How the other end was looked for and what came of it, as a key.'),
    why: text('The same in a sentence.'),
    service: maybe.text('Service in between, as the nodes’ rules name it: NS/NAME:PORT.'),
    translations: v.pipe(
      list(Translation),
      v.description('What conntrack has between the ends, the client’s side first.'),
    ),
    halfSeen: maybe.text('Which end was not seen and why, in a sentence; absent when both were.'),
    ends: v.tuple([End, End]),
    candidates: v.pipe(
      list(v.string()),
      v.description('When ambiguous: every connection that fits as the other end.'),
    ),
    stall: v.object({
      who: v.picklist(['nobody', 'this', 'other', 'between', 'unknown']),
      sentence: text('Who holds the connection up, as far as both queues tell.'),
    }) satisfies v.GenericSchema<unknown, Stall>,
  }),
});
export type ConnectionAnswer = v.InferOutput<typeof Connection>;

type At = {readonly node: GraphNode; readonly row: number};

export const connection: Definition<ConnectionAnswer> = {
  name: 'connection',
  usage: 'connection ADDR:PORT-ADDR:PORT[@NODE|@NS/POD]',
  summary: 'One connection with both ends side by side: process, pod, interface, queues, and who stalls.',
  words: [1, 1],
  schema: Connection,
  problem([word]) {
    const tuple = parseConnection(word ?? '');
    if (!tuple) {
      return `"${word}" is not ADDR:PORT-ADDR:PORT, for example 10.0.0.1:5432-10.0.1.7:40112 (IPv6 in brackets; udp: before it for UDP).`;
    }
    const wrong = [tuple.local, tuple.remote].find(address => !wordsOf(address));
    return wrong === undefined ? undefined : `"${wrong}" is not an address.`;
  },
  ask(graph, [word]) {
    const tuple = parseConnection(word!)!;
    const scope = resolve(graph, tuple.where, ['node', 'pod', 'netns']);
    if (isMissing(scope)) return scope;
    const within: Region = node =>
      scope.kind === 'node'
        ? node === scope.node
        : scope.kind === 'netns'
          ? node === scope.netns.node
          : scope.kind === 'pod'
            ? node === scope.pod.node
            : true;
    let found = find(graph, tuple, within);
    const swapped = {
      ...tuple,
      local: tuple.remote,
      localPort: tuple.remotePort,
      remote: tuple.local,
      remotePort: tuple.localPort,
    };
    // Only the far end may have been seen: it is the same connection.
    if (found.length === 0) found = find(graph, swapped, within);
    const everywhere = found.length;
    const place =
      scope.kind === 'pod'
        ? scope.pod.netns
        : scope.kind === 'netns'
          ? scope.netns
          : scope.kind === 'node'
            ? scope.node.host
            : undefined;
    const exact = place ? found.filter(at => namespaceAt(at) === place) : found;
    if (exact.length > 0) found = exact;
    if (found.length === 0) {
      return {
        missing: `No socket of ${word} was seen on the nodes read: it is closed by now, or its node was not read.${remains(graph, tuple)}${notRead(graph)}`,
        suggestions: nearby(graph, tuple.local, tuple.remote),
      };
    }
    if (found.length > 1) {
      return {
        missing: `${found.length} sockets are called ${word}: say which.`,
        suggestions: found.map(at => wordsFor(graph, at, true)),
      };
    }
    return answer(graph, found[0]!, everywhere > 1 || find(graph, tuple, () => true).length > 1);
  },
};

/** What conntrack has of a connection without a socket. */
function remains(graph: Graph, {local, localPort, remote, remotePort}: Sought): string {
  const said = trackedOf(graph, wordsOf(local)!, localPort, wordsOf(remote)!, remotePort);
  return said.length === 0 ? '' : ` But ${said.join('; ')}.`;
}

type Region = (node: GraphNode) => boolean;

function answer(graph: Graph, at: At, crowded: boolean): ConnectionAnswer {
  const world = socketWorld(graph);
  const socket = socketRow(world, at.node.index, at.row);
  const ends = graph.ends[at.node.index]!;
  const otherNode = graph.nodes[ends.node[at.row]!];
  const other = otherNode && {node: otherNode, row: ends.row[at.row]!};
  const otherSocket = other && socketRow(world, other.node.index, other.row);
  const place = graph.namespaces[ends.place[at.row]!];
  const words = wordsFor(graph, at, crowded);
  const here = endOf(graph, socket, namespaceAt(at), socket.local, socket.localPort, socket.held);
  const [far, farPort] = farOf(socket);
  const there = endOf(graph, otherSocket, place, far, farPort, socket.other.why, socket.other.node);
  const nodes = [at.node, ...(otherNode ? [otherNode] : [])];
  return {
    question: {name: 'connection', words: [words]},
    at: graph.at,
    gaps: gapsFor(graph, ['sockets', 'owners', 'namespaces', 'network', 'conntrack'], {
      nodes: [...new Set(nodes)],
      talks: true,
    }),
    connection: {
      protocol: socket.protocol,
      words,
      grade: socket.other.grade,
      join: socket.other.join,
      why: socket.other.why,
      service: socket.other.service ?? otherSocket?.other.service,
      translations: socket.other.translations,
      halfSeen: halfSeen(socket.other, endpointText(socket.remote, socket.remotePort)),
      ends: [here, there],
      candidates:
        socket.other.join === 'ambiguous'
          ? mirrors(graph, at).map(mirror => wordsFor(graph, mirror, true))
          : [],
      stall: stallOf({socket, tcp: here.tcp}, otherSocket && {socket: otherSocket, tcp: there.tcp}),
    },
  };
}

function endOf(
  graph: Graph,
  socket: SocketRow | undefined,
  namespace: Namespace | undefined,
  address: string,
  port: number,
  why: string,
  unread?: string,
): End {
  const held = socket?.local ?? address;
  const inside = namespace?.interfaces.find(iface => iface.addresses.some(one => one.address === held));
  const outside: readonly Interface[] = (inside && graph.pairs.get(inside)?.candidates) ?? [];
  const pod =
    socket?.pod ??
    (namespace?.kind === 'pod' && namespace.pods.length === 1 ? namespace.pods[0]!.key : undefined);
  return {
    node: namespace?.node.name ?? unread,
    netns: namespace?.inode,
    pod,
    container: socket?.container,
    process: socket?.pid === undefined ? undefined : `${socket.node}:${socket.pid}`,
    program: socket?.program,
    address: held,
    port: socket?.localPort ?? port,
    socket,
    tcp: socket && tcpOf(graph, socket),
    inside: inside && interfaceRow(graph, inside),
    outside: outside.map(iface => interfaceRow(graph, iface)),
    why: socket ? socket.held : why,
  };
}

/** Where the other end is: as conntrack tells it, else what the socket is connected to. */
function farOf({other, remote, remotePort}: SocketRow): [address: string, port: number] {
  if (other.far === undefined) return [remote, remotePort];
  const colon = other.far.lastIndexOf(':');
  return [other.far.slice(0, colon).replace(/[[\]]/g, ''), Number(other.far.slice(colon + 1))];
}

function tcpOf(graph: Graph, {protocol, evidence}: SocketRow): TcpInfo | undefined {
  const [only] = evidence;
  const said = protocol === 'tcp' && only ? graph.textOf?.(only) : undefined;
  return said === undefined ? undefined : tcpInfoOf(said);
}

function namespaceAt({node, row}: At): Namespace {
  const table = node.snapshot!.sockets!.value;
  return node.byInode.get(table.netns[table.netnsIndex[row]!]!)!;
}

function wordsFor(graph: Graph, at: At, say: boolean): string {
  const row = socketRow(socketWorld(graph), at.node.index, at.row);
  return connectionWords(row, say ? placeWords(row) : undefined);
}

type Sought = {
  readonly protocol?: 'tcp' | 'udp' | undefined;
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
};

/** One pass over the columns: rare enough (one question) to need no index. TCP is meant before UDP. */
function find(graph: Graph, sought: Sought, within: Region): At[] {
  const local = Uint32Array.from(wordsOf(sought.local)!);
  const remote = Uint32Array.from(wordsOf(sought.remote)!);
  const found: (At & {protocol: number})[] = [];
  for (const node of graph.nodes) {
    const table = node.snapshot?.sockets?.value;
    if (!table || !within(node)) continue;
    for (let row = 0; row < table.count; row += 1) {
      if (table.localPort[row] !== sought.localPort || table.remotePort[row] !== sought.remotePort) continue;
      if (sameAddress(table.local, row, local, 0) && sameAddress(table.remote, row, remote, 0)) {
        found.push({node, row, protocol: table.protocol[row]!});
      }
    }
  }
  const wanted =
    sought.protocol === 'udp' ? 1 : sought.protocol === 'tcp' || found.some(at => at.protocol === 0) ? 0 : 1;
  return found.filter(at => at.protocol === wanted);
}

/** All sockets with the mirrored 4-tuple. */
function mirrors(graph: Graph, at: At): At[] {
  const row = socketRow(socketWorld(graph), at.node.index, at.row);
  const mirrored = {
    protocol: row.protocol,
    local: row.remote,
    localPort: row.remotePort,
    remote: row.local,
    remotePort: row.localPort,
  };
  return find(graph, mirrored, () => true);
}

const NEARBY = 5;

/** Connections between the same two addresses, or from the first one. */
function nearby(graph: Graph, local: string, remote: string): string[] {
  const world = socketWorld(graph);
  const words = Uint32Array.from(wordsOf(local) ?? []);
  const far = Uint32Array.from(wordsOf(remote) ?? []);
  const [both, one]: [string[], string[]] = [[], []];
  for (const node of graph.nodes) {
    const table = node.snapshot?.sockets?.value;
    for (let row = 0; row < (table?.count ?? 0) && both.length < NEARBY; row += 1) {
      if (table!.remotePort[row] === 0 || !sameAddress(table!.local, row, words, 0)) continue;
      const list = sameAddress(table!.remote, row, far, 0) ? both : one;
      if (list.length < NEARBY)
        list.push(
          connectionWords(socketRow(world, node.index, row), namespaceWords(namespaceAt({node, row}))),
        );
    }
  }
  return [...both, ...one].slice(0, NEARBY);
}
