import type {Evidence} from '../facts/evidence.ts';
import {STATES} from '../facts/sockets.ts';
import type {Grade, Graph, GraphNode} from '../model/graph.ts';
import {pidsHolding} from '../model/holders.ts';
import {holds} from '../model/prefixes.ts';
import {addressText, isLoopback} from '../model/words.ts';

/**
 * Whose an address on Cilium's health port is. Every agent probes two addresses of every node: that of the node, from
 * the node's own address, and that of the node's health endpoint, a namespace like a pod's where
 * `cilium-health-responder` listens, through the pods' network, which the agent reaches from `cilium_host`
 * (docs.cilium.io, "Cluster connectivity health"). So one node's sockets tell them apart.
 */
export type HealthRole = {
  readonly address: string;
  readonly role: 'node' | 'endpoint';
  /** The node, where it was read. */
  readonly node: GraphNode | undefined;
  readonly grade: Grade;
  readonly why: string;
  readonly evidence: readonly Evidence[];
};

export const HEALTH_PORT = 4240;
const AGENT = 'cilium-agent';
const RESPONDER = 'cilium-health-r';
const LISTEN = STATES.indexOf('LISTEN');
const TCP = 0;
const WILDCARDS = ['0.0.0.0', '::'];

const known = new WeakMap<Graph, ReadonlyMap<string, HealthRole>>();

/** By address. Empty where no Cilium agent was seen: another program on that port means nothing. */
export function healthRoles(graph: Graph): ReadonlyMap<string, HealthRole> {
  const before = known.get(graph);
  if (before) return before;
  const roles = new Map<string, HealthRole>();
  for (const role of graph.nodes.flatMap(node => [...rolesSeenFrom(graph, node).values()])) {
    const other = roles.get(role.address);
    if (!other || rank(role.grade) < rank(other.grade)) roles.set(role.address, role);
  }
  known.set(graph, roles);
  return roles;
}

/** `a node`, `a health endpoint`: what an address is as far as only its connections on the health port tell. */
export function roleText(graph: Graph, address: string): string | undefined {
  const role = healthRoles(graph).get(address)?.role;
  return role && (role === 'node' ? 'a node' : 'a health endpoint');
}

function rolesSeenFrom(graph: Graph, node: GraphNode): Map<string, HealthRole> {
  const roles = new Map<string, HealthRole>();
  const {sockets, owners} = node.snapshot ?? {};
  if (!sockets || !owners || !node.host) return roles;
  const table = sockets.value;
  const programs = (row: number) =>
    pidsHolding(owners.value, table.inode[row]!).map(pid => node.byPid.get(pid)?.process.name);
  const own: string[] = [];
  for (let row = 0; row < table.count; row += 1) {
    if (table.protocol[row] !== TCP || table.state[row] !== LISTEN) continue;
    if (table.localPort[row] === HEALTH_PORT && programs(row).includes(AGENT)) {
      own.push(addressText(table.local, row, table.family[row]!));
    }
  }
  const router = node.host.byName.get('cilium_host')?.addresses.map(({address}) => address) ?? [];
  if (own.some(address => WILDCARDS.includes(address))) {
    own.push(...node.addresses.filter(address => !router.includes(address)));
  }
  for (let row = 0; row < table.count; row += 1) {
    if (table.protocol[row] !== TCP || table.remotePort[row] === 0 || isLoopback(table.remote, row)) continue;
    const [calls, called] = [table.remotePort[row] === HEALTH_PORT, table.localPort[row] === HEALTH_PORT];
    if ((!calls && !called) || !programs(row).includes(AGENT)) continue;
    const [local, remote] = [
      addressText(table.local, row, table.family[row]!),
      addressText(table.remote, row, table.family[row]!),
    ];
    const found =
      inGraph(graph, remote) ??
      ownOf(node, own, remote) ??
      listedAs(graph, remote, bySide(calls, local, own, router));
    if (!found) continue;
    const before = roles.get(remote);
    if (before && rank(before.grade) <= rank(found.grade)) continue;
    const netns = table.netns[table.netnsIndex[row]!]!;
    const span = {from: table.from[row]!, to: table.to[row]!};
    roles.set(remote, {
      address: remote,
      ...found,
      evidence: [{node: node.id, fact: 'sockets', netns, sweep: sockets.sweep, ...span}],
    });
  }
  return roles;
}

type Found = Omit<HealthRole, 'address' | 'evidence'>;

function inGraph(graph: Graph, address: string): Found | undefined {
  const [holder, ...more] = graph.byAddress.get(address) ?? [];
  if (!holder || more.length > 0) return undefined;
  const {node, kind, inode} = holder;
  if (kind === 'host') {
    return {role: 'node', node, grade: 'proven', why: `an interface of ${node.name} itself has the address`};
  }
  const responder = node.processes.find(
    ({process, netns}) => netns === holder && process.name.slice(0, RESPONDER.length) === RESPONDER,
  );
  return {
    role: 'endpoint',
    node,
    grade: responder ? 'proven' : 'inferred',
    why: responder
      ? `namespace ${inode} of ${node.name} has the address, and cilium-health-responder runs in it`
      : `namespace ${inode} of ${node.name} has the address, and agents call its health port`,
  };
}

/** A socket of the node itself is bound to it, so the node has it, though no interface that was read shows it. */
function ownOf(node: GraphNode, own: readonly string[], address: string): Found | undefined {
  if (!own.includes(address)) return undefined;
  return {role: 'node', node, grade: 'proven', why: `the agent of ${node.name} itself listens there`};
}

function bySide(
  calls: boolean,
  local: string,
  own: readonly string[],
  router: readonly string[],
): Found | undefined {
  const found = (role: HealthRole['role'], why: string): Found => ({
    role,
    node: undefined,
    grade: 'inferred',
    why,
  });
  if (!calls) return found('node', `its agent calls this node’s health port, ${local}:${HEALTH_PORT}`);
  if (router.includes(local)) {
    return found(
      'endpoint',
      `called from cilium_host (${local}), so through the pods’ network; which node’s it is, the nodes’ pod ranges would tell`,
    );
  }
  if (own.includes(local)) {
    return found('node', `called from ${local}, this node’s own address, as the agent probes nodes`);
  }
  return undefined;
}

/** Where the API was read: the node that it gives the address to, or to whose pods' prefix the address belongs. */
function listedAs(graph: Graph, address: string, found: Found | undefined): Found | undefined {
  const listed = graph.listedAt.get(address);
  if (listed && !listed.pod) {
    const {node} = listed;
    return {
      role: 'node',
      node,
      grade: 'inferred',
      why: `the Kubernetes API gives the address to ${node.name}`,
    };
  }
  const [node, ...more] = graph.nodes.filter(one => one.listed?.podCidrs.some(cidr => holds(cidr, address)));
  if (found?.role !== 'endpoint' || !node || more.length > 0) return found;
  const why = `called through the pods’ network, and of the prefix that the Kubernetes API gives to the pods of ${node.name}`;
  return {...found, node, why};
}

function rank(grade: Grade): number {
  return grade === 'proven' ? 0 : 1;
}
