import {healthRoles} from '../cni/cilium-health.ts';
import {STATES} from '../facts/sockets.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {pidsHolding} from '../model/holders.ts';
import {JOINS, type JoinKey} from '../model/joins.ts';
import {addressText, isLoopback} from '../model/words.ts';
import {listeners} from './listening.ts';
import {isListening} from './socket-select.ts';
import {type SocketWorld, socketWorld, type WorldNode} from './sockets-world.ts';
import {farEnd} from './translations.ts';

/** A row and a column of the mesh: a node, or the address of one that nothing else is known of. */
export type Member = {
  readonly index: number;
  readonly name: string;
  readonly node?: GraphNode;
};

/** One socket: node index and row of its table. */
export type At = {readonly node: number; readonly row: number};

/** How many connections from one member to another were seen how, on one port. */
export type Cell = {
  readonly from: number;
  readonly to: number;
  /** Seen from both ends; `translated` of them through NAT, which is inferred. */
  joined: number;
  translated: number;
  /** Seen from the end that calls, or that is called, while the other end was read and has it not. */
  caller: number;
  called: number;
  /** The same where the other end was not read. */
  callerUnread: number;
  calledUnread: number;
  /** To a UDP socket that takes what nobody connected to: it does not show whom it serves. */
  served: number;
  /** Calls without an answer, or sends without being acknowledged, after retransmissions. */
  calling: number;
  stuck: number;
  /** Closed already, or closing: one end is left. */
  past: number;
  retrans: number;
  /** A socket of each connection, the caller's where seen; those in trouble first. */
  readonly sockets: At[];
};

/** Everything on one port, apart for each place that tells two purposes of it apart. */
export type Channel = {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly at: 'node' | 'endpoint' | undefined;
  /** By `from * members + to`. */
  readonly cells: Map<number, Cell>;
  /** Programs that listen, and that call, as far as seen. */
  readonly servers: Set<string>;
  readonly callers: Set<string>;
  /** Members in whose own namespace something listens on it for others. */
  readonly listening: Set<number>;
  /** Connections to or from addresses that are on no member. */
  readonly elsewhere: At[];
};

export type Flows = {
  readonly world: SocketWorld;
  readonly members: readonly Member[];
  readonly channels: readonly Channel[];
  cellKey(from: number, to: number): number;
};

const SYN_SENT = STATES.indexOf('SYN-SENT');
const OPEN = new Set([STATES.indexOf('ESTAB'), STATES.indexOf('SYN-RECV'), SYN_SENT]);
const UDP = 1;
/** What a missing end means nothing for: it was not, or not wholly, read. */
const UNREAD: ReadonlySet<JoinKey> = new Set([
  'unread',
  'given',
  'listed',
  'ranged',
  'led',
  'perhaps',
  'outside',
  'beyond',
  'ebpf',
  'tracked-unread',
  'tracked-outside',
]);
/** A bound UDP socket takes what is sent there; it does not show from whom. */
const SERVER: ReadonlySet<JoinKey> = new Set(['server', 'tracked-server']);
const HEALTH = 4240;

const made = new WeakMap<Graph, Flows>();

/** Every connection between members, in one pass over the columns; what stays on loopback is no talk with anybody. */
export function flowsOf(graph: Graph): Flows {
  const before = made.get(graph);
  if (before) return before;
  const world = socketWorld(graph);
  const way = listeners(world);
  const roles = healthRoles(graph);
  const members: Member[] = graph.nodes.map(node => ({index: node.index, name: node.name, node}));
  const byAddress = new Map<string, number>();
  for (const {address, role, node} of roles.values()) {
    if (role !== 'node') continue;
    if (!node) members.push({index: members.length, name: address});
    byAddress.set(address, node?.index ?? members.length - 1);
  }
  const size = members.length;
  const cellKey = (from: number, to: number) => from * size + to;
  const channels = new Map<number, Channel>();
  world.nodes.forEach((owner, node) => {
    const {table} = owner;
    for (let row = 0; row < (table?.count ?? 0); row += 1) {
      if (table!.remotePort[row] === 0) listen(owner, node, row);
      else if (!isLoopback(table!.remote, row)) visit(owner, node, row);
    }
  });
  const flows = {world, members, channels: [...channels.values()], cellKey};
  made.set(graph, flows);
  return flows;

  function listen(owner: WorldNode, node: number, row: number): void {
    const table = owner.table!;
    if (!isListening(table.state[row]!) || table.localPort[row] === 0 || isLoopback(table.local, row)) return;
    const place = world.places[owner.placeOf[table.netnsIndex[row]!]!]!;
    const at = table.localPort[row] === HEALTH ? (place.kind === 'host' ? 'node' : 'endpoint') : undefined;
    const channel = channelOf(table.protocol[row]!, table.localPort[row]!, at);
    if (place.kind === 'host') channel.listening.add(node);
    note(channel.servers, owner, row);
  }

  function visit(owner: WorldNode, node: number, row: number): void {
    const table = owner.table!;
    const ends = owner.ends!;
    const found = ends.node[row]!;
    const mine = way(node, row);
    const join = JOINS[ends.join[row]!]!.key;
    const mutual = found >= 0 && !SERVER.has(join);
    if (mutual && !tellsOf(mine, node, row, found, ends.row[row]!)) return;
    const out = mine !== 'in';
    const port = out ? calledPort(owner, row) : table.localPort[row]!;
    const [there, kind] = otherMember(owner, row, join);
    const serverKind = out ? kind : world.places[owner.placeOf[table.netnsIndex[row]!]!]!.kind;
    const channel = channelOf(
      table.protocol[row]!,
      port,
      port === HEALTH ? placeOfHealth(serverKind) : undefined,
    );
    note(out ? channel.callers : channel.servers, owner, row);
    if (mutual) note(out ? channel.servers : channel.callers, world.nodes[found]!, ends.row[row]!);
    if (there === undefined) {
      channel.elsewhere.push({node, row});
      return;
    }
    const [from, to] = out ? [node, there] : [there, node];
    const cell = cellOf(channel, from, to);
    const bad = count(cell, owner, row, out, mutual, join);
    if (bad) cell.sockets.unshift({node, row});
    else cell.sockets.push({node, row});
  }

  /** A connection seen from both ends is told of once: by the end that calls, or by the first where that is not clear. */
  function tellsOf(
    mine: 'in' | 'out' | undefined,
    node: number,
    row: number,
    other: number,
    otherRow: number,
  ) {
    const theirs = way(other, otherRow);
    if (mine !== theirs) return mine === 'out';
    return node < other || (node === other && row < otherRow);
  }

  /** The port of the end that is called: its own where that is known, since a service may have another one. */
  function calledPort({table, ends}: WorldNode, row: number): number {
    const found = ends!.node[row]!;
    if (found >= 0) return world.nodes[found]!.table!.localPort[ends!.row[row]!]!;
    const far = farEnd(world, ends!, row);
    return far === undefined ? table!.remotePort[row]! : Number(far.slice(far.lastIndexOf(':') + 1));
  }

  function otherMember(
    owner: WorldNode,
    row: number,
    join: JoinKey,
  ): readonly [member: number | undefined, kind: 'host' | 'pod' | 'other' | 'node' | undefined] {
    const {ends, table} = owner;
    const place = world.places[ends!.place[row]!];
    if (place) return [place.node, place.kind];
    const address = addressText(table!.remote, row, table!.family[row]!);
    const role = roles.get(address);
    if (role) return [byAddress.get(address), role.role === 'node' ? 'node' : 'other'];
    const perhaps = ends!.hidden[ends!.hideout[row]!] ?? [];
    const called = join === 'given' || join === 'listed';
    return perhaps.length === 1 && (called || join === 'ranged' || join === 'led')
      ? [perhaps[0]!, called ? 'node' : undefined]
      : [undefined, undefined];
  }

  function channelOf(protocol: number, port: number, at: Channel['at']): Channel {
    const key = (protocol * 65_536 + port) * 3 + (at === undefined ? 0 : at === 'node' ? 1 : 2);
    let channel = channels.get(key);
    if (!channel) {
      channel = {
        protocol: protocol === UDP ? 'udp' : 'tcp',
        port,
        at,
        cells: new Map(),
        servers: new Set(),
        callers: new Set(),
        listening: new Set(),
        elsewhere: [],
      };
      channels.set(key, channel);
    }
    return channel;
  }

  function cellOf(channel: Channel, from: number, to: number): Cell {
    const key = cellKey(from, to);
    let cell = channel.cells.get(key);
    if (!cell) {
      cell = emptyCell(from, to);
      channel.cells.set(key, cell);
    }
    return cell;
  }

  /** True when the connection is in trouble. */
  function count(
    cell: Cell,
    owner: WorldNode,
    row: number,
    out: boolean,
    mutual: boolean,
    join: JoinKey,
  ): boolean {
    const table = owner.table!;
    const state = table.state[row]!;
    const again = Math.max(table.retrans[row]!, mutual ? retransOf(owner, row) : 0);
    cell.retrans = Math.max(cell.retrans, again);
    if (state === SYN_SENT) {
      cell.calling += 1;
      return true;
    }
    if (mutual) {
      cell.joined += 1;
      if (join === 'translated') cell.translated += 1;
      const stuck = isStuck(owner, row);
      if (stuck) cell.stuck += 1;
      return stuck;
    }
    const udp = table.protocol[row] === UDP;
    if (join === 'tracked-closed' || (!udp && !OPEN.has(state))) {
      cell.past += 1;
      return false;
    }
    if (SERVER.has(join)) {
      cell.served += 1;
      return false;
    }
    const blind = UNREAD.has(join);
    if (out) cell[blind ? 'callerUnread' : 'caller'] += 1;
    else cell[blind ? 'calledUnread' : 'called'] += 1;
    if (isStuck(owner, row)) {
      cell.stuck += 1;
      return true;
    }
    return !blind;
  }

  function retransOf({ends}: WorldNode, row: number): number {
    return world.nodes[ends!.node[row]!]!.table!.retrans[ends!.row[row]!]!;
  }

  /** Bytes are not acknowledged though they were sent again, and nothing that was received waits to be read. */
  function isStuck({table, ends}: WorldNode, row: number): boolean {
    const other = world.nodes[ends!.node[row]!]?.table;
    const at = ends!.row[row]!;
    const unread = table!.recvQ[row]! > 0 || (other !== undefined && other.recvQ[at]! > 0);
    const held = (one: typeof table, line: number) => one!.sendQ[line]! > 0 && one!.retrans[line]! > 0;
    return !unread && (held(table, row) || (other !== undefined && held(other, at)));
  }
}

/** Names are looked up until some are known: a port seldom has more than one program on each side. */
const NAMES = 4;

function note(names: Set<string>, owner: WorldNode, row: number): void {
  if (names.size >= NAMES) return;
  const [pid] = pidsHolding(owner.owners, owner.table!.inode[row]!);
  const program = pid === undefined ? undefined : owner.processes.get(pid)?.program;
  if (program !== undefined) names.add(program);
}

function placeOfHealth(kind: string | undefined): Channel['at'] {
  return kind === undefined ? undefined : kind === 'host' || kind === 'node' ? 'node' : 'endpoint';
}

function emptyCell(from: number, to: number): Cell {
  return {
    from,
    to,
    joined: 0,
    translated: 0,
    caller: 0,
    called: 0,
    callerUnread: 0,
    calledUnread: 0,
    served: 0,
    calling: 0,
    stuck: 0,
    past: 0,
    retrans: 0,
    sockets: [],
  };
}
