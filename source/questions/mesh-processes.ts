import {roleText} from '../cni/cilium-health.ts';
import type {Graph} from '../model/graph.ts';
import {otherOpens, socketOpens} from './endpoint-words.ts';
import {listeners} from './listening.ts';
import type {At} from './mesh-cells.ts';
import type {Channel, Flows} from './mesh-flows.ts';
import type {FlowEnd, MeshFlow} from './mesh-rows.ts';
import {type SocketRow, socketRow} from './socket-rows.ts';

const EVIDENCE = 3;

type Draft = Omit<MeshFlow, 'states' | 'connections' | 'evidence'> & {
  connections: number;
  readonly states: Record<string, number>;
  readonly evidence: SocketRow['evidence'][number][];
};

/** Process × process: one row for each two that talk on a channel, the first one calling. */
export function processFlows(
  graph: Graph,
  flows: Flows,
  channel: Channel,
  purpose: string | undefined,
  sockets: readonly At[],
): MeshFlow[] {
  const {world} = flows;
  const way = listeners(world);
  const found = new Map<string, Draft>();
  for (const {node, row} of sockets) {
    const socket = socketRow(world, node, row);
    const out = way(node, row) !== 'in';
    const [mine, theirs] = [thisEnd(socket), otherEnd(graph, socket)];
    const [from, to] = out ? [mine, theirs] : [theirs, mine];
    const key = `${nameOf(from)} ${nameOf(to)}`;
    let draft = found.get(key);
    if (!draft) {
      const opens = out ? socketOpens(socket) : (otherOpens(socket) ?? socketOpens(socket));
      draft = {
        from,
        to,
        protocol: channel.protocol,
        port: channel.port,
        purpose,
        connections: 0,
        connection: opens?.name === 'connection' ? opens.words[0] : undefined,
        states: {},
        grade: socket.other.grade,
        why: socket.other.why,
        evidence: [],
      };
      found.set(key, draft);
    }
    draft.connections += 1;
    draft.states[socket.state] = (draft.states[socket.state] ?? 0) + 1;
    if (draft.evidence.length < EVIDENCE) draft.evidence.push(...socket.evidence);
  }
  return [...found.values()].map(draft =>
    draft.connections === 1 ? draft : {...draft, connection: undefined},
  );
}

function thisEnd(socket: SocketRow): FlowEnd {
  const {node, pod, pid, program, local} = socket;
  const process = pid === undefined ? undefined : `${node}:${pid}`;
  return {node, pod, process, program, address: local, role: undefined};
}

function otherEnd(graph: Graph, {other, remote}: SocketRow): FlowEnd {
  const {node, pod, pid, program, local, far} = other;
  const process = node === undefined || pid === undefined ? undefined : `${node}:${pid}`;
  // The address that the other end has itself: behind a ClusterIP that is not the one that was called.
  const bound = local === undefined || isWildcard(local) ? undefined : local;
  const address = bound ?? (far === undefined ? remote : hostOf(far));
  const role = node === undefined ? roleText(graph, address) : undefined;
  return {node: node ?? holderOf(graph, address), pod, process, program, address, role};
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Of `10.0.0.1:80` or `[fd00::1]:80`. */
function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function holderOf(graph: Graph, address: string): string | undefined {
  const [holder, ...more] = graph.byAddress.get(address) ?? [];
  return more.length === 0 ? holder?.node.name : undefined;
}

function nameOf({node, process, pod, address}: FlowEnd): string {
  return process ?? (pod === undefined ? `${node ?? ''} ${address}` : pod);
}
