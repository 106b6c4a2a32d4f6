import type {Gap} from '../facts/evidence.ts';
import type {NetnsFacts, Snapshot} from '../facts/snapshot.ts';
import {type ApiReach, apiGaps} from './api.ts';
import {clockGaps} from './clocks.ts';
import {joinEnds, type Seen} from './ends.ts';
import type {Container, Graph, GraphNode, Interface, Namespace, NodeInput, Pod, Proc} from './graph.ts';
import {addListed, listedAt} from './listed.ts';
import {oldGaps} from './old.ts';
import {pairInterfaces} from './pairs.ts';
import {pastedGaps} from './pasted.ts';
import {containerByPid, type FoundPod, findPods} from './pods.ts';
import {changedKeys, countersOf, ratesOf} from './rates.ts';
import type {Tracked} from './tracked.ts';
import {asOf, endsUnread} from './unread.ts';
import {hideouts} from './unseen.ts';
import {isLinkLocalText, isLoopbackText, timeOfDay} from './words.ts';

/** Being built: lists are still filled. */
type Open<T> = {-readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K]};

/**
 * Joins the snapshots of all nodes, by node id in the order given. `at` is the moment that ages are counted from
 * (the clock when live, the playhead in a recording); without it, that of the newest snapshot. `cluster` is what its
 * API says, `api` how that is reached.
 */
export function buildGraph(
  inputs: ReadonlyMap<string, NodeInput>,
  at?: string,
  cluster?: Snapshot,
  textOf?: Graph['textOf'],
  api?: ApiReach,
): Graph {
  const names = nodeNames(inputs);
  const namespaces: Namespace[] = [];
  const nodes = [...inputs].map(([id, input], index) =>
    buildNode(index, id, names.get(id)!, input, namespaces),
  );
  const unjoined = addListed(nodes, cluster?.cluster);
  nameClones(nodes);
  const byAddress = indexAddresses(namespaces);
  const listed = listedAt(nodes, byAddress);
  const pairs = new Map(nodes.flatMap(node => [...pairInterfaces(node)]));
  const seen = nodes.map(seenBy);
  const moments = nodes.map(node => node.snapshot?.at ?? '').sort();
  return {
    at: at ?? moments.at(-1) ?? '',
    nodes,
    namespaces,
    pods: nodes.flatMap(node => node.pods),
    byAddress,
    pairs,
    ends: joinEnds(
      seen,
      namespaces,
      byAddress,
      endsUnread,
      hideouts(nodes, byAddress, listed),
      nodes.map(trackedBy),
    ),
    cluster: cluster?.cluster,
    listedAt: listed,
    textOf,
    gaps: [
      ...apiGaps(api, cluster),
      ...nodes.flatMap(node => gapsOf(node, at ?? moments.at(-1) ?? '')),
      ...clockGaps(nodes),
      ...(cluster?.gaps ?? []),
      ...unjoined,
    ],
  };
}

function nodeNames(inputs: ReadonlyMap<string, NodeInput>): Map<string, string> {
  const hostname = (input: NodeInput) => input.snapshot?.identity?.value.hostname;
  const count = new Map<string, number>();
  for (const [id, input] of inputs) {
    for (const name of new Set([id, hostname(input) ?? id])) count.set(name, (count.get(name) ?? 0) + 1);
  }
  return new Map(
    [...inputs].map(([id, input]) => {
      const name = hostname(input);
      return [id, name && count.get(name) === 1 ? name : id];
    }),
  );
}

function buildNode(
  index: number,
  id: string,
  name: string,
  input: NodeInput,
  namespaces: Namespace[],
): GraphNode {
  const {snapshot} = input;
  const byInode = new Map<string, Open<Namespace>>();
  const byPid = new Map<number, Open<Proc>>();
  const node: Open<GraphNode> = {
    ...input,
    index,
    id,
    name,
    addresses: [],
    host: undefined,
    namespaces: [],
    byInode: byInode as ReadonlyMap<string, Namespace>,
    pods: [],
    processes: [],
    byPid: byPid as ReadonlyMap<number, Proc>,
    listed: undefined,
    listedAs: undefined,
  };
  if (!snapshot) return node;
  const found = findPods(snapshot);
  for (const inode of inodesOf(snapshot)) {
    const kind =
      inode === snapshot.hostNetns ? 'host' : found.some(pod => pod.netns === inode) ? 'pod' : 'other';
    const namespace = buildNamespace(node, inode, kind, namespaces.length);
    byInode.set(inode, namespace as Open<Namespace>);
    node.namespaces.push(namespace);
    namespaces.push(namespace);
  }
  node.host = snapshot.hostNetns === undefined ? undefined : byInode.get(snapshot.hostNetns);
  node.addresses.push(...nodeAddresses(node));
  addMembers(snapshot, byInode);
  addProcesses(node, snapshot, byPid);
  const inContainer = containerByPid(snapshot);
  for (const pod of [...found].sort(byName)) addPod(node, pod, byInode, byPid, inContainer);
  return node;
}

/** The node's own namespace first, then in the order that they were read. */
function inodesOf(snapshot: Snapshot): Set<string> {
  return new Set([
    ...(snapshot.hostNetns === undefined ? [] : [snapshot.hostNetns]),
    ...snapshot.netns.keys(),
    ...(snapshot.members?.value.map(member => member.netns) ?? []),
    ...(snapshot.sockets?.value.netns ?? []),
  ]);
}

function buildNamespace(node: GraphNode, inode: string, kind: Namespace['kind'], index: number): Namespace {
  const facts = node.snapshot?.netns.get(inode);
  const namespace: Open<Namespace> = {
    index,
    node,
    inode,
    kind,
    pods: [],
    pids: [],
    paths: [],
    facts,
    interfaces: [],
    byName: new Map(),
  };
  const before = node.previous?.netns.get(inode);
  namespace.interfaces.push(...interfacesOf(namespace, facts, before));
  namespace.byName = new Map(namespace.interfaces.map(iface => [iface.link.name, iface]));
  return namespace;
}

function interfacesOf(
  namespace: Namespace,
  facts: NetnsFacts | undefined,
  before: NetnsFacts | undefined,
): Interface[] {
  return (facts?.links?.value ?? []).map(link => {
    const was = before?.links?.value.find(one => one.ifindex === link.ifindex && one.name === link.name);
    const now = countersOf(facts!, link);
    const then = was && before ? countersOf(before, was) : undefined;
    const {counters: _, ...state} = link;
    const {counters: __, ...stateBefore} = was ?? link;
    return {
      namespace,
      link,
      // Also by name: `ifconfig` shows no index.
      addresses: (facts?.addresses?.value ?? []).filter(
        ({ifindex, dev}) => ifindex === link.ifindex && dev === link.name,
      ),
      counters: now?.counters,
      rates: ratesOf(then, now),
      changed: [...changedKeys(stateBefore, state), ...changedKeys(then?.counters, now?.counters)],
    };
  });
}

function addMembers(snapshot: Snapshot, byInode: ReadonlyMap<string, Open<Namespace>>): void {
  for (const {netns, pid, path} of snapshot.members?.value ?? []) {
    const namespace = byInode.get(netns)!;
    if (pid !== undefined) namespace.pids.push(pid);
    if (path !== undefined) namespace.paths.push(path);
  }
}

function addProcesses(node: Open<GraphNode>, snapshot: Snapshot, byPid: Map<number, Open<Proc>>): void {
  const netns = new Map<number, Namespace>();
  for (const namespace of node.namespaces) for (const pid of namespace.pids) netns.set(pid, namespace);
  for (const process of [...(snapshot.processes?.value ?? [])].sort((a, b) => a.pid - b.pid)) {
    const proc: Open<Proc> = {
      node,
      process,
      netns: netns.get(process.pid),
      container: undefined,
      pod: undefined,
      children: [],
    };
    byPid.set(process.pid, proc);
    node.processes.push(proc);
  }
  for (const proc of node.processes) {
    const parent = byPid.get(proc.process.ppid);
    if (parent && parent !== proc) parent.children.push(proc);
  }
}

function byName(a: FoundPod, b: FoundPod): number {
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
}

function addPod(
  node: Open<GraphNode>,
  found: FoundPod,
  byInode: ReadonlyMap<string, Open<Namespace>>,
  byPid: ReadonlyMap<number, Open<Proc>>,
  inContainer: ReadonlyMap<number, string>,
): void {
  const netns = found.netns === undefined ? undefined : byInode.get(found.netns);
  const containers: Container[] = found.containers
    .map(sandbox => ({id: sandbox.id, name: sandbox.container ?? sandbox.id.slice(0, 12), sandbox}))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const hostNetwork = netns ? netns === node.host : found.hostNetwork;
  const pod: Open<Pod> = {
    node,
    namespace: found.namespace,
    name: found.name,
    key: `${found.namespace}/${found.name}`,
    uid: found.uid,
    sandbox: found.sandbox,
    netns,
    why: found.why,
    grade: found.grade,
    hostNetwork,
    addresses: hostNetwork ? [...node.addresses] : netns ? reachable(netns) : [],
    containers,
    processes: [],
    listed: undefined,
    disagreements: [],
  };
  for (const pid of found.pids) {
    const proc = byPid.get(pid);
    if (!proc) continue;
    proc.pod = pod;
    proc.container = containers.find(container => container.id === inContainer.get(pid));
    pod.processes.push(proc);
  }
  node.pods.push(pod);
  netns?.pods.push(pod);
}

/** Addresses that others can send to: neither loopback nor link-local. */
function reachable(namespace: Namespace): string[] {
  return namespace.interfaces
    .flatMap(iface => iface.addresses)
    .map(({address}) => address)
    .filter(address => !isLoopbackText(address) && !isLinkLocalText(address));
}

/**
 * The node's addresses, the one it is known by first: the one it was reached by, else that of the interface with the
 * default route, else the first of a device that is not there for pods.
 */
function nodeAddresses(node: GraphNode): string[] {
  const host = node.host;
  if (!host) return [];
  const all = reachable(host);
  const dialled = all.find(address => node.id === address || node.id.endsWith(`@${address}`));
  const byDefault = host.facts?.routes?.value.find(
    route => route.dst === '0.0.0.0/0' && route.type === 'unicast',
  );
  const device = byDefault?.hops[0]?.dev;
  const onDevice = host.interfaces.find(iface => iface.link.name === device)?.addresses[0]?.address;
  const physical = host.interfaces
    .filter(iface => iface.link.kind === undefined || (iface.link.kind === 'veth' && !iface.link.master))
    .flatMap(iface => iface.addresses)
    .find(({address}) => all.includes(address))?.address;
  const first = dialled ?? byDefault?.prefsrc ?? onDevice ?? physical;
  return [...new Set([...(first === undefined ? [] : [first]), ...all])];
}

/** The same pod name on two nodes: told apart by the node; on one (which runs nodes of two clusters), by its uid as well. */
function nameClones(nodes: readonly GraphNode[]): void {
  // Of thousands of pods hardly any is a clone: only for those is anything made.
  const first = new Map<string, Open<Pod>>();
  const again = new Map<string, Open<Pod>[]>();
  for (const node of nodes)
    for (const pod of node.pods as Open<Pod>[]) {
      const same = first.get(pod.key);
      if (!same) first.set(pod.key, pod);
      else if (again.has(pod.key)) again.get(pod.key)!.push(pod);
      else again.set(pod.key, [same, pod]);
    }
  for (const clones of again.values())
    for (const pod of clones) {
      const twice = clones.some(other => other !== pod && other.node === pod.node);
      pod.key = `${pod.key}@${pod.node.name}${twice ? `:${pod.uid}` : ''}`;
    }
}

function indexAddresses(namespaces: readonly Namespace[]): Map<string, Namespace[]> {
  const byAddress = new Map<string, Namespace[]>();
  for (const namespace of namespaces) {
    const own = namespace.interfaces.flatMap(iface => iface.addresses).map(({address}) => address);
    for (const address of new Set(own)) {
      if (isLoopbackText(address)) continue;
      const same = byAddress.get(address);
      if (same) same.push(namespace);
      else byAddress.set(address, [namespace]);
    }
  }
  return byAddress;
}

function seenBy(node: GraphNode): Seen | undefined {
  const table = node.snapshot?.sockets?.value;
  return table && {table, netns: table.netns.map(inode => node.byInode.get(inode)!)};
}

function trackedBy(node: GraphNode): Tracked | undefined {
  const {conntrack, sockets} = node.snapshot ?? {};
  if (!conntrack) return undefined;
  const table = conntrack.value;
  return {
    table,
    current: conntrack.sweep >= (sockets?.sweep ?? 0),
    places: table.netns.map(inode => node.byInode.get(inode)?.index ?? -1),
    ebpf: (node.host?.facts?.netfilter?.value.bpf.length ?? 0) > 0,
  };
}

function gapsOf(node: GraphNode, now: string): readonly Gap[] {
  if (node.snapshot)
    return [
      ...staleGap(node, now),
      ...oldGaps(node.snapshot, node.name),
      ...pastedGaps(node),
      ...node.snapshot.gaps,
    ];
  if (node.state === 'listed') {
    return [
      {
        node: node.id,
        fact: 'node',
        reason: `${node.name} was not read: only the Kubernetes API tells of it.`,
        reveal: `Name ${node.name} among the nodes to read, or import what was pasted of it.`,
      },
    ];
  }
  const reason =
    node.state === 'lost'
      ? (node.cause ?? 'it was lost before anything was read')
      : `${node.step ?? node.state}…`;
  return [
    {
      node: node.name,
      fact: 'node',
      reason,
      ...(node.state === 'lost' ? {} : {reveal: 'wait for the first sweep'}),
    },
  ];
}

/** What is shown of a node that is lost is what it was: that is said wherever it is shown. */
function staleGap(node: GraphNode, now: string): Gap[] {
  const read = asOf(node);
  if (read === undefined) return [];
  const since = node.since === undefined ? '' : ` since ${timeOfDay(node.since)}`;
  const old = (Date.parse(now) - Date.parse(read)) / 1000;
  const age = Number.isNaN(old) ? `from ${timeOfDay(read)}` : `${Math.max(0, Math.floor(old))} s old`;
  const cause = node.cause === undefined ? '' : ` ${node.cause}`;
  return [
    {
      node: node.id,
      fact: 'node',
      reason: `${node.name} is lost${since}: what is shown of it is ${age}, read at ${timeOfDay(read)}.${cause}`,
    },
  ];
}
