import type {Cluster} from '../facts/cluster.ts';
import type {Evidence} from '../facts/evidence.ts';
import type {ClusterNode} from '../facts/kube/nodes.ts';
import type {ClusterPod} from '../facts/kube/pods.ts';
import type {Dated} from '../facts/snapshot.ts';
import {CLUSTER} from '../wire/source.ts';
import type {Graph, GraphNode, Pod} from './graph.ts';

/** What the Kubernetes API says is at an address that no interface read has. */
export type Listed = {readonly node: GraphNode; readonly pod?: Pod};

type Open<T> = {-readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K]};

/**
 * Joins what the Kubernetes API says with the nodes read: tells which of its nodes is which, appends those that nobody
 * read, and does the same for pods.
 */
export function addListed(nodes: GraphNode[], cluster: Cluster | undefined): void {
  const byName = new Map<string, Open<GraphNode>>();
  for (const listed of cluster?.nodes?.value ?? []) {
    const node = readAs(nodes, listed) ?? append(nodes, listed.name);
    node.listed = listed;
    // What the cluster knows a node by comes first.
    node.addresses = [...new Set([...listed.addresses, ...node.addresses])];
    byName.set(listed.name, node);
  }
  for (const pod of cluster?.pods?.value ?? []) {
    if (pod.node === undefined) continue;
    const node = byName.get(pod.node) ?? called(nodes, pod.node) ?? append(nodes, pod.node);
    byName.set(pod.node, node);
    addPod(node, pod);
  }
}

function called(nodes: readonly GraphNode[], name: string): Open<GraphNode> | undefined {
  return nodes.find(node => node.id === name || node.name === name) as Open<GraphNode> | undefined;
}

/** The node read that the API's node is: by name, or as the only one that has one of its addresses. */
function readAs(nodes: readonly GraphNode[], listed: ClusterNode): Open<GraphNode> | undefined {
  const byName = called(nodes, listed.name);
  if (byName) return byName;
  const same = nodes.filter(node =>
    listed.addresses.some(address => node.addresses.includes(address) || node.id.endsWith(`@${address}`)),
  );
  return same.length === 1 ? (same[0] as Open<GraphNode>) : undefined;
}

/** A node that only the API tells of. */
function append(nodes: GraphNode[], name: string): Open<GraphNode> {
  const node: Open<GraphNode> = {
    state: 'listed',
    index: nodes.length,
    id: name,
    name,
    addresses: [],
    host: undefined,
    namespaces: [],
    byInode: new Map(),
    pods: [],
    processes: [],
    byPid: new Map(),
    listed: undefined,
  };
  nodes.push(node);
  return node;
}

function addPod(node: Open<GraphNode>, listed: ClusterPod): void {
  const uids = [listed.uid, listed.nodeUid].filter(uid => uid !== undefined);
  const found = (node.pods.find(pod => uids.includes(pod.uid)) ??
    node.pods.find(
      pod => pod.name === listed.name && (pod.namespace === listed.namespace || listed.namespace === '?'),
    )) as Open<Pod> | undefined;
  if (found) {
    complete(found, listed);
    return;
  }
  const [first] = listed.addresses;
  const hostNetwork = listed.hostNetwork ?? (first !== undefined && node.addresses.includes(first));
  node.pods.push({
    node,
    namespace: listed.namespace,
    name: listed.name,
    key: `${listed.namespace}/${listed.name}`,
    uid: listed.uid ?? '',
    sandbox: undefined,
    netns: hostNetwork ? node.host : undefined,
    why: node.snapshot
      ? `only the Kubernetes API tells of it: nothing that was read of ${node.name} shows it`
      : `only the Kubernetes API tells of it: its node ${node.name} was not read`,
    grade: hostNetwork && node.host ? 'inferred' : 'unknown',
    hostNetwork,
    addresses: [...listed.addresses],
    containers: [],
    processes: [],
    listed,
  });
}

/** Adds to a pod that its node shows what only the API knows: its name, where only its cgroup was read. */
function complete(pod: Open<Pod>, listed: ClusterPod): void {
  pod.listed = listed;
  if (pod.namespace === '?') {
    pod.namespace = listed.namespace;
    pod.name = listed.name;
    pod.key = `${listed.namespace}/${listed.name}`;
    pod.why = `${pod.why}; its name is what the Kubernetes API calls the pod of that uid`;
  }
  if (pod.addresses.length === 0) pod.addresses = [...listed.addresses];
}

/** By address: what the API lists there and no interface read has. */
export function listedAt(
  nodes: readonly GraphNode[],
  byAddress: Graph['byAddress'],
): ReadonlyMap<string, Listed> {
  const at = new Map<string, Listed>();
  for (const node of nodes) {
    for (const address of node.listed?.addresses ?? []) if (!byAddress.has(address)) at.set(address, {node});
    for (const pod of node.pods) {
      if (!pod.listed || pod.hostNetwork) continue;
      for (const address of pod.listed.addresses) if (!byAddress.has(address)) at.set(address, {node, pod});
    }
  }
  return at;
}

/** Does only the Kubernetes API tell of it? Then nothing that is missing from it means anything. */
export function isListedOnly({listed, sandbox, processes}: Pod): boolean {
  return listed !== undefined && sandbox === undefined && processes.length === 0;
}

/** Where the API's word on something was read. */
export function listedEvidence<Row extends {readonly from: number; readonly to: number}>(
  fact: string,
  read: Dated<readonly Row[]> | undefined,
  row: Row | undefined,
): Evidence[] {
  if (!read || !row) return [];
  return [{node: CLUSTER, fact, sweep: read.sweep, from: row.from, to: row.to}];
}
