import {STATES} from '../facts/sockets.ts';
import type {Graph, GraphNode, Namespace, Pod, Proc} from '../model/graph.ts';
import {holdersOf} from '../model/holders.ts';
import {isListedOnly} from '../model/listed.ts';
import {ownersUnread, socketsUnread} from '../model/unread.ts';
import {isLoopback} from '../model/words.ts';
import type {Tally} from './schema.ts';
import type {Scope} from './scope.ts';
import type {SocketList} from './socket-rows.ts';
import {socketWorld} from './sockets-world.ts';

/** A test of one row of a node's socket table. */
export type Chooses = (row: number) => boolean;

/** The sockets of a scope: all that were seen in its namespace, and all that its processes hold elsewhere. */
export function socketsOf(
  graph: Graph,
  scope: Scope,
  also: (node: GraphNode) => Chooses = () => () => true,
): SocketList {
  switch (scope.kind) {
    case 'all':
      return pick(graph, graph.nodes, also);
    case 'node':
      return pick(graph, [scope.node], also);
    case 'netns':
      return pick(graph, [scope.netns.node], node => both(inNamespace(scope.netns), also(node)));
    case 'pod':
      return pick(graph, [scope.pod.node], node => both(ofPod(scope.pod), also(node)));
    case 'process':
      return pick(graph, [scope.proc.node], node => both(heldByAny([scope.proc]), also(node)));
  }
}

function both(a: Chooses, b: Chooses): Chooses {
  return row => a(row) && b(row);
}

/** The rows of these nodes that a test chooses. */
export function pick(
  graph: Graph,
  nodes: readonly GraphNode[],
  test: (node: GraphNode) => Chooses,
): SocketList {
  const most = nodes.reduce((sum, node) => sum + (node.snapshot?.sockets?.value.count ?? 0), 0);
  const node = new Uint16Array(most);
  const row = new Uint32Array(most);
  let count = 0;
  for (const one of nodes) {
    const chooses = test(one);
    const total = one.snapshot?.sockets?.value.count ?? 0;
    for (let at = 0; at < total; at += 1) {
      if (!chooses(at)) continue;
      node[count] = one.index;
      row[count] = at;
      count += 1;
    }
  }
  return listOf(graph, node.subarray(0, count), row.subarray(0, count));
}

/** A list of sockets given as (node index, row of its table) pairs; both are copied to shared memory. */
export function listOf(graph: Graph, nodes: ArrayLike<number>, rows: ArrayLike<number>): SocketList {
  const node = new Uint16Array(new SharedArrayBuffer(nodes.length * 2));
  const row = new Uint32Array(new SharedArrayBuffer(rows.length * 4));
  node.set(nodes);
  row.set(rows);
  return {list: 'sockets', count: nodes.length, world: socketWorld(graph), node, row};
}

export function inNamespace(namespace: Namespace): Chooses {
  const table = namespace.node.snapshot?.sockets?.value;
  const index = table?.netns.indexOf(namespace.inode) ?? -1;
  return row => table!.netnsIndex[row] === index;
}

export function heldByAny(procs: readonly Proc[]): Chooses {
  const pids = new Set(procs.map(proc => proc.process.pid));
  const snapshot = procs[0]?.node.snapshot;
  const [table, owners] = [snapshot?.sockets?.value, snapshot?.owners?.value];
  if (!table || !owners) return () => false;
  return row => {
    const [first, end] = holdersOf(owners, table.inode[row]!);
    for (let at = first; at < end; at += 1) if (pids.has(owners.pid[at]!)) return true;
    return false;
  };
}

/** A pod on the host's network has only what its processes hold: the rest of the namespace is the node's. */
export function ofPod(pod: Pod): Chooses {
  const held = heldByAny(pod.processes);
  if (!pod.netns || pod.hostNetwork) return held;
  const inside = inNamespace(pod.netns);
  return row => inside(row) || held(row);
}

/** Sockets with a remote that is not loopback: what can cross an interface. */
export function leaving(node: GraphNode): Chooses {
  const table = node.snapshot?.sockets?.value;
  return row => table!.remotePort[row] !== 0 && !isLoopback(table!.remote, row);
}

const ESTAB = STATES.indexOf('ESTAB');
const LISTEN = STATES.indexOf('LISTEN');
const UNCONN = STATES.indexOf('UNCONN');

export function isListening(state: number): boolean {
  return state === LISTEN || state === UNCONN;
}

type Open = {established: number; listening: number; other: number};

function add(tally: Open, state: number): void {
  if (state === ESTAB) tally.established += 1;
  else if (isListening(state)) tally.listening += 1;
  else tally.other += 1;
}

export function emptyTally(): Open {
  return {established: 0, listening: 0, other: 0};
}

export function tallyOf(sockets: SocketList): Tally {
  const tally = emptyTally();
  for (let i = 0; i < sockets.count; i += 1) {
    add(tally, sockets.world.nodes[sockets.node[i]!]!.table!.state[sockets.row[i]!]!);
  }
  return tally;
}

/** Sockets of one node counted at once by namespace inode and by the pids that hold them. */
export type NodeTallies = {
  readonly all: Tally;
  readonly byNetns: ReadonlyMap<string, Tally>;
  readonly byPid: ReadonlyMap<number, Tally>;
};

const counted = new WeakMap<GraphNode, NodeTallies>();

export function talliesOf(node: GraphNode): NodeTallies {
  const known = counted.get(node);
  if (known) return known;
  const all = emptyTally();
  const netns: Open[] = [];
  const byPid = new Map<number, Open>();
  const table = node.snapshot?.sockets?.value;
  const owners = node.snapshot?.owners?.value;
  for (let row = 0; row < (table?.count ?? 0); row += 1) {
    const state = table!.state[row]!;
    add(all, state);
    const index = table!.netnsIndex[row]!;
    netns[index] ??= emptyTally();
    add(netns[index], state);
    if (!owners) continue;
    const [first, end] = holdersOf(owners, table!.inode[row]!);
    let last = -1;
    for (let at = first; at < end; at += 1) {
      const pid = owners.pid[at]!;
      if (pid === last) continue;
      last = pid;
      let own = byPid.get(pid);
      if (!own) {
        own = emptyTally();
        byPid.set(pid, own);
      }
      add(own, state);
    }
  }
  const byNetns = new Map(table?.netns.map((inode, index) => [inode, netns[index] ?? emptyTally()]));
  const tallies = {all, byNetns, byPid};
  counted.set(node, tallies);
  return tallies;
}

/** What a process holds; undefined, not zero, where its descriptors may not have been readable. */
export function processTally({node, process}: Proc): Tally | undefined {
  return talliesOf(node).byPid.get(process.pid) ?? (ownersUnread(node) ? undefined : emptyTally());
}

/** Of a pod: its namespace's, or on the host's network its processes'. Undefined where that was not read. */
export function podTally(pod: Pod): Tally | undefined {
  if (!pod.hostNetwork) {
    if (!pod.netns || socketsUnread(pod.netns)) return undefined;
    return talliesOf(pod.node).byNetns.get(pod.netns.inode);
  }
  // Which of the node's sockets are its own only its processes tell.
  if (isListedOnly(pod)) return undefined;
  const own = pod.processes.map(processTally);
  const sum = emptyTally();
  for (const tally of own) {
    if (!tally) return undefined;
    sum.established += tally.established;
    sum.listening += tally.listening;
    sum.other += tally.other;
  }
  return sum;
}
