import type {Route} from '../facts/routes.ts';
import type {Graph, GraphNode, Interface} from './graph.ts';
import type {Listed} from './listed.ts';
import {holds, prefixLength} from './prefixes.ts';
import {asOf} from './unread.ts';
import {type Words, wordsOf} from './words.ts';

/**
 * Where an address that no interface read has may be, as far as nodes that were not, or not wholly, read could have
 * it. `given`: it is what such a node was called by. `listed`: the Kubernetes API says whose it is. `ranged`: it is of
 * the prefix that the API gives to the node's pods. `led`: routes of a node read lead its prefix there. `perhaps`:
 * nothing tells which of them, or whether any.
 */
export type Hideout = {
  readonly how: 'given' | 'listed' | 'ranged' | 'led' | 'perhaps';
  readonly nodes: readonly GraphNode[];
};

/** Undefined when every node was read whole: then no address hides, and it is translated or outside. */
export function hideouts(
  nodes: readonly GraphNode[],
  byAddress: Graph['byAddress'],
  listed: ReadonlyMap<string, Listed> = new Map(),
): ((address: string) => Hideout | undefined) | undefined {
  const blind = nodes.filter(isBlind);
  const hiding = new Set([...blind, ...nodes.filter(node => asOf(node) !== undefined)]);
  if (hiding.size === 0 && listed.size === 0) return undefined;
  const isAt = (address: string): GraphNode | undefined =>
    [...hiding].find(node => calledBy(node, address)) ??
    byAddress.get(address)?.find(({node, kind}) => kind === 'host' && hiding.has(node))?.node;
  const leading = leadingRoutes(nodes, isAt, hiding);
  // Where a node's own routes are known, they tell what may be inside it; of the others, anything may be on them.
  const anywhere = blind.filter(node => !node.host?.facts?.routes);
  const perhaps: Hideout | undefined = anywhere.length > 0 ? {how: 'perhaps', nodes: anywhere} : undefined;
  return address => {
    const given = [...hiding].find(node => calledBy(node, address));
    if (given) return {how: 'given', nodes: [given]};
    const there = listed.get(address)?.node;
    if (there) return {how: 'listed', nodes: [there]};
    const ranged = ofPodsOf(hiding, address);
    if (ranged) return {how: 'ranged', nodes: [ranged]};
    const words = wordsOf(address);
    const led = new Set(
      leading
        .filter(({prefix, from, route}) => words && within(words, prefix) && bestFor(from, address) === route)
        .map(({to}) => to),
    );
    return led.size > 0 ? {how: 'led', nodes: [...led]} : perhaps;
  };
}

/** The node whose pods have addresses of the prefix that this one is in, by the Kubernetes API (`spec.podCIDRs`). */
function ofPodsOf(nodes: ReadonlySet<GraphNode>, address: string): GraphNode | undefined {
  const found = [...nodes].filter(({listed}) => listed?.podCidrs.some(cidr => holds(cidr, address)));
  return found.length === 1 ? found[0] : undefined;
}

/** Was nothing read of it, or not what is in all of its namespaces? */
function isBlind({snapshot, namespaces}: GraphNode): boolean {
  if (!snapshot) return true;
  return (
    !snapshot.members ||
    snapshot.gaps.some(gap => gap.fact === 'namespaces') ||
    namespaces.some(({facts}) => !facts?.addresses)
  );
}

/** A node is called `ADDRESS` or `USER@ADDRESS` where no name was given. */
export function calledBy({id}: GraphNode, address: string): boolean {
  return id === address || id.endsWith(`@${address}`);
}

type Prefix = {readonly words: Words; readonly length: number};

/** A route of a node read that leads to a hiding node; of several nodes with the same one, the first stands for all. */
type Leading = {
  readonly prefix: Prefix;
  readonly route: Route;
  readonly from: GraphNode;
  readonly to: GraphNode;
};

function leadingRoutes(
  nodes: readonly GraphNode[],
  isAt: (address: string) => GraphNode | undefined,
  hiding: ReadonlySet<GraphNode>,
): Leading[] {
  const found = new Map<string, Leading>();
  for (const from of nodes) {
    for (const route of from.host?.facts?.routes?.value ?? []) {
      // A default route leads everywhere: it tells nothing of one node.
      if (route.type !== 'unicast' || prefixLength(route.dst) === 0) continue;
      const words = wordsOf(route.dst.slice(0, route.dst.lastIndexOf('/')));
      const to = words && leadsTo(from, route, isAt, hiding);
      const key = `${route.dst} ${to?.index}`;
      if (!words || !to || found.has(key)) continue;
      const length = prefixLength(route.dst) + (route.family === 4 ? 96 : 0);
      found.set(key, {prefix: {words, length}, route, from, to});
    }
  }
  return [...found.values()];
}

function leadsTo(
  from: GraphNode,
  route: Route,
  isAt: (address: string) => GraphNode | undefined,
  hiding: ReadonlySet<GraphNode>,
): GraphNode | undefined {
  for (const {via, dev} of route.hops) {
    const iface = dev === undefined ? undefined : from.host!.byName.get(dev);
    if (via !== undefined) {
      const found = isAt(via) ?? isAt(tunnelEnd(iface, via) ?? '');
      if (found && found !== from) return found;
    } else if (iface && hiding.has(from) && leadsInside(iface, route)) return from;
  }
  return undefined;
}

/** Through a bridge, or a pair for one address, a route leads into the node's own namespaces; else out of the node. */
function leadsInside({link}: Interface, {dst, family}: Route): boolean {
  if (link.kind === 'bridge') return true;
  return (link.kind === 'veth' || link.kind === 'netkit') && prefixLength(dst) === (family === 4 ? 32 : 128);
}

/** The route with the longest prefix that holds an address, as `ip-route(8)` says; undefined when there is none. */
function bestFor({host}: GraphNode, address: string): Route | undefined {
  return host?.facts?.routes?.value
    .filter(({type, dst}) => type === 'unicast' && holds(dst, address))
    .sort((a, b) => prefixLength(b.dst) - prefixLength(a.dst))[0];
}

function within(words: Words, {words: network, length}: Prefix): boolean {
  return words.every((word, i) => {
    const bits = Math.min(32, Math.max(0, length - i * 32));
    return bits === 0 || word >>> (32 - bits) === network[i]! >>> (32 - bits);
  });
}

/** The VTEP behind a neighbour on a vxlan: by its MAC address in the forwarding database (`bridge(8)`, fdb `dst`). */
function tunnelEnd(iface: Interface | undefined, neighbour: string): string | undefined {
  const facts = iface?.namespace.facts;
  const on = iface?.link.name;
  const mac = facts?.neighbours?.value.find(({dst, dev}) => dst === neighbour && dev === on)?.mac;
  if (mac === undefined) return undefined;
  return facts?.forwarding?.value.find(entry => entry.mac === mac && entry.dev === on)?.dst;
}
