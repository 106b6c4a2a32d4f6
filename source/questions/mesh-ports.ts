import {HEALTH_PORT} from '../cni/cilium-health.ts';
import {isAgent, type Purpose, purposeOf} from '../cni/purposes.ts';
import type {Evidence} from '../facts/evidence.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {pidsHolding} from '../model/holders.ts';
import {ownersUnread} from '../model/unread.ts';
import {addressText, isLoopback} from '../model/words.ts';
import type {Channel} from './mesh-flows.ts';
import {isListening} from './socket-select.ts';
import {socketWorld} from './sockets-world.ts';

/** Where something listens on a port: on which nodes, by which programs, and whether for the node itself only. */
export type Listening = {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly at: Channel['at'];
  readonly nodes: Set<GraphNode>;
  readonly programs: Set<string>;
  readonly addresses: Set<string>;
  /** Nobody holds one of them, on a node where who holds sockets was read. */
  kernel: boolean;
  loopback: boolean;
  readonly evidence: Evidence[];
};

const EVIDENCE = 3;
const made = new WeakMap<Graph, ReadonlyMap<string, Listening>>();

export function portKey({protocol, port, at}: Pick<Channel, 'protocol' | 'port' | 'at'>): string {
  return `${protocol}/${port}${at === undefined ? '' : `/${at}`}`;
}

/** Every port that is bound in a node's own namespace, or in any for the plugin's health endpoints; by `portKey`. */
export function listeningOn(graph: Graph): ReadonlyMap<string, Listening> {
  const before = made.get(graph);
  if (before) return before;
  const found = new Map<string, Listening>();
  const world = socketWorld(graph);
  for (const node of graph.nodes) {
    const {table, owners, processes, placeOf, id, sweep} = world.nodes[node.index]!;
    const ownersRead = !ownersUnread(node);
    for (let row = 0; row < (table?.count ?? 0); row += 1) {
      if (!isListening(table!.state[row]!) || table!.remotePort[row] !== 0) continue;
      const port = table!.localPort[row]!;
      const place = world.places[placeOf[table!.netnsIndex[row]!]!]!;
      if (place.kind !== 'host' && port !== HEALTH_PORT) continue;
      const at = port !== HEALTH_PORT ? undefined : place.kind === 'host' ? 'node' : 'endpoint';
      const one = openListening(found, table!.protocol[row] === 1 ? 'udp' : 'tcp', port, at);
      one.nodes.add(node);
      one.addresses.add(addressText(table!.local, row, table!.family[row]!));
      one.loopback &&= isLoopback(table!.local, row);
      const pids = pidsHolding(owners, table!.inode[row]!);
      one.kernel ||= ownersRead && pids.length === 0;
      for (const pid of pids) {
        const program = processes.get(pid)?.program;
        if (program !== undefined) one.programs.add(program);
      }
      if (one.evidence.length < EVIDENCE) {
        const span = {from: table!.from[row]!, to: table!.to[row]!};
        one.evidence.push({node: id, fact: 'sockets', netns: place.inode, sweep, ...span});
      }
    }
  }
  addResponders(graph, found);
  made.set(graph, found);
  return found;
}

/** Where a health endpoint's namespace was not read, its process still says on its command line what it listens on. */
function addResponders(graph: Graph, found: Map<string, Listening>): void {
  for (const node of graph.nodes) {
    for (const {process} of node.processes) {
      if (!process.name.startsWith('cilium-health-r')) continue;
      const port = /--listen[ =](?:\S*:)?(\d+)/.exec(process.command)?.[1];
      if (Number(port) !== HEALTH_PORT) continue;
      const one = openListening(found, 'tcp', HEALTH_PORT, 'endpoint');
      one.programs.add('cilium-health-responder');
      one.loopback = false;
      if (one.nodes.has(node)) continue;
      one.nodes.add(node);
      const sweep = node.snapshot?.processes?.sweep ?? 0;
      one.evidence.push({node: node.id, fact: 'processes', sweep, from: process.from, to: process.to});
    }
  }
}

function openListening(
  found: Map<string, Listening>,
  protocol: 'tcp' | 'udp',
  port: number,
  at: Channel['at'],
): Listening {
  const key = portKey({protocol, port, at});
  let one = found.get(key);
  if (!one) {
    one = {
      protocol,
      port,
      at,
      nodes: new Set(),
      programs: new Set(),
      addresses: new Set(),
      kernel: false,
      loopback: true,
      evidence: [],
    };
    found.set(key, one);
  }
  return one;
}

/** What a port is for, from all that was seen of who listens on it and who calls it. */
export function purposeFor(
  graph: Graph,
  key: Pick<Channel, 'protocol' | 'port' | 'at'>,
  seen: {readonly listening: Listening | undefined; readonly channel: Channel | undefined},
): Purpose | undefined {
  const {protocol, port, at} = key;
  const {listening, channel} = seen;
  const programs = new Set([...(listening?.programs ?? []), ...(channel?.servers ?? [])]);
  const about = {protocol, port, at};
  for (const program of programs) {
    const found = purposeOf({...about, program});
    if (found) return found;
  }
  if (programs.size > 0) return undefined;
  const nodes = listening ? [...listening.nodes] : graph.nodes;
  const interfaces = nodes.flatMap(node => node.host?.interfaces ?? []);
  const kernel = listening?.kernel ?? false;
  const callers = channel?.callers.size ? [...channel.callers] : [undefined];
  for (const caller of callers) {
    const found = purposeOf({...about, kernel, interfaces, caller});
    if (found) return found;
  }
  return undefined;
}

/** Told of even without a connection: what it is for is known, or a plugin's or Kubernetes' own program holds it. */
export function isTold(listening: Listening, purpose: Purpose | undefined): boolean {
  return purpose !== undefined || [...listening.programs].some(isAgent);
}
