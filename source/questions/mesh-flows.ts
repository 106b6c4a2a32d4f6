import {healthRoles} from '../cni/cilium-health.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {pidsHolding} from '../model/holders.ts';
import {JOINS, type JoinKey} from '../model/joins.ts';
import {addressText, isLoopback} from '../model/words.ts';
import {listeners} from './listening.ts';
import {type At, type Cell, countIn, emptyCell, isServer} from './mesh-cells.ts';
import {isListening} from './socket-select.ts';
import {type SocketWorld, socketWorld, type WorldNode} from './sockets-world.ts';
import {farEnd} from './translations.ts';

/** A row and a column of the mesh: a node, or the address of one that nothing else is known of. */
export type Member = {
  readonly index: number;
  readonly name: string;
  readonly node?: GraphNode;
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

const UDP = 1;
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
  const troubled = new Map<Cell, At[]>();
  world.nodes.forEach((owner, node) => {
    const {table} = owner;
    for (let row = 0; row < (table?.count ?? 0); row += 1) {
      if (table!.remotePort[row] === 0) listen(owner, node, row);
      else if (!isLoopback(table!.remote, row)) visit(owner, node, row);
    }
  });
  for (const [{sockets}, first] of troubled) {
    const rest = sockets.splice(0);
    for (const at of [...first.reverse(), ...rest]) sockets.push(at);
  }
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
    const mutual = found >= 0 && !isServer(join);
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
    const bad = countIn(world, cell, owner, row, {out, mutual, join});
    if (!bad) cell.sockets.push({node, row});
    else if (!troubled.get(cell)?.push({node, row})) troubled.set(cell, [{node, row}]);
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
