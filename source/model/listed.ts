import type {Cluster} from '../facts/cluster.ts';
import type {Evidence, Gap} from '../facts/evidence.ts';
import type {ClusterPod} from '../facts/kube/pods.ts';
import type {Dated} from '../facts/snapshot.ts';
import {CLUSTER} from '../wire/source.ts';
import {disagreementsOf, missingHere, unknownToApi} from './disagreements.ts';
import type {Graph, GraphNode, Pod} from './graph.ts';
import {joinNodes} from './same-node.ts';

/** What the Kubernetes API says is at an address that no interface read has. */
export type Listed = {readonly node: GraphNode; readonly pod?: Pod};

type Open<T> = {-readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K]};

/**
 * Joins what the Kubernetes API says with the nodes read: tells which of its nodes is which, appends those that nobody
 * read, and does the same for pods. Returns what could not be joined.
 */
export function addListed(nodes: GraphNode[], cluster: Cluster | undefined): readonly Gap[] {
  if (!cluster) return [];
  const byName = new Map<string, Open<GraphNode>>();
  const {joins, gaps} = joinNodes(nodes, cluster.nodes?.value ?? [], cluster.whole?.has('nodes') ?? false);
  for (const listed of cluster.nodes?.value ?? []) {
    const join = joins.get(listed);
    const node = (join?.node as Open<GraphNode> | undefined) ?? append(nodes, listed.name);
    node.listed = listed;
    node.listedAs = join && {grade: join.grade, why: join.why};
    // What the cluster knows a node by comes first.
    node.addresses = [...new Set([...listed.addresses, ...node.addresses])];
    byName.set(listed.name, node);
  }
  const pods = cluster.pods?.value;
  if (!pods) return gaps;
  const find = finder(nodes);
  for (const pod of pods) {
    if (pod.node === undefined) continue;
    const node = byName.get(pod.node) ?? called(nodes, pod.node) ?? append(nodes, pod.node);
    byName.set(pod.node, node);
    addPod(node, pod, find(node, pod));
  }
  // Only who was told of all pods can say that the API knows one not.
  if (!cluster.whole?.has('pods')) return gaps;
  for (const node of nodes) {
    if (!node.snapshot || !node.listed) continue;
    for (const pod of node.pods)
      if (!pod.listed && pod.disagreements.length === 0) (pod as Open<Pod>).disagreements = unknownToApi(pod);
  }
  return gaps;
}

function called(nodes: readonly GraphNode[], name: string): Open<GraphNode> | undefined {
  return nodes.find(node => node.id === name || node.name === name) as Open<GraphNode> | undefined;
}

type Finder = (node: GraphNode, listed: ClusterPod) => {here: Pod | undefined; elsewhere: Pod | undefined};

/** Finds the pods that nodes show: on the node itself also by name, on others by uid only. */
function finder(nodes: readonly GraphNode[]): Finder {
  const pods = nodes.flatMap(node => node.pods);
  const byUid = Map.groupBy(pods, pod => pod.uid);
  const byName = Map.groupBy(pods, pod => `${pod.node.index} ${pod.name}`);
  const none: readonly Pod[] = [];
  const of = (uid: string | undefined) => (uid === undefined ? none : (byUid.get(uid) ?? none));
  return (node, listed) => {
    const [own, nodes] = [of(listed.uid), of(listed.nodeUid)];
    const same = own.length + nodes.length > 0 ? [...own, ...nodes] : none;
    const named = byName.get(`${node.index} ${listed.name}`) ?? none;
    const here =
      same.find(pod => pod.node === node) ??
      named.find(pod => pod.namespace === listed.namespace || listed.namespace === '?');
    return {here, elsewhere: here ? undefined : same.find(pod => pod.node !== node)};
  };
}

/** A node that only the API tells of. */
function append(nodes: GraphNode[], name: string): Open<GraphNode> {
  // One that was read may be called so and yet be another.
  const own = called(nodes, name) ? `${name}@api` : name;
  const node: Open<GraphNode> = {
    state: 'listed',
    index: nodes.length,
    id: own,
    name: own,
    addresses: [],
    host: undefined,
    namespaces: [],
    byInode: new Map(),
    pods: [],
    processes: [],
    byPid: new Map(),
    listed: undefined,
    listedAs: undefined,
  };
  nodes.push(node);
  return node;
}

/** Of a pod that only the API tells of; there may be many thousands. */
const NONE: readonly never[] = [];

function addPod(node: Open<GraphNode>, listed: ClusterPod, {here, elsewhere}: ReturnType<Finder>): void {
  if (here) {
    complete(here as Open<Pod>, listed);
    return;
  }
  if (elsewhere) (elsewhere as Open<Pod>).disagreements = [...missingHere(node, listed, elsewhere)];
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
    addresses: listed.addresses,
    containers: NONE,
    processes: NONE,
    listed,
    disagreements: missingHere(node, listed, elsewhere),
  });
}

/** Adds to a pod that its node shows what only the API knows: its name, where only its cgroup was read. */
function complete(pod: Open<Pod>, listed: ClusterPod): void {
  pod.listed = listed;
  pod.disagreements = disagreementsOf(pod, listed);
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
