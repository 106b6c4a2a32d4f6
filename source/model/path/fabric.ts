import {familyOf} from '../../facts/prefix.ts';
import type {Route} from '../../facts/routes.ts';
import type {Interface, Namespace} from '../graph.ts';
import {holds, prefixLength} from '../prefixes.ts';
import {type Clue, type Hop, linkClue} from './hop.ts';
import {route, routeClue} from './lookup.ts';
import {chose, ended, hopAt, type State, type World, walked} from './state.ts';

type Emitted = Extract<State, {step: 'emit'}>;

/**
 * A frame has left for what is between the nodes. Who takes it is known by the MAC address of the neighbour entry when
 * an interface that was read has it; by the next hop's address alone it is inferred; else a router is in between that
 * was not read.
 */
export function crossFabric(world: World, state: Emitted): State[] {
  const {iface, mac, next, packet, trail} = state;
  const others = outsideOf(world, iface);
  const byMac = mac === undefined ? [] : lowest(others.filter(other => other.link.mac === mac));
  const byAddress = others.filter(other => other.addresses.some(({address}) => address === next));
  if (byMac.length === 1) {
    const [found] = byMac as [Interface];
    const clue = linkClue(found, 'fabric', `${mac} is ${found.link.name} of ${found.namespace.node.name}`);
    return [
      reached(
        state,
        found,
        walkedIn(
          state,
          found,
          `from ${iface.namespace.node.name}: it has the neighbour entry's MAC address`,
          clue,
          'proven',
        ),
      ),
    ];
  }
  if (byMac.length > 1) {
    const both = byMac.filter(other => byAddress.includes(other));
    if (both.length === 1) {
      const clue = linkClue(
        both[0]!,
        'fabric',
        `${mac} and ${next} are ${both[0]!.link.name} of ${both[0]!.namespace.node.name}`,
      );
      return [
        reached(
          state,
          both[0]!,
          walkedIn(
            state,
            both[0]!,
            `from ${iface.namespace.node.name}: it has the next hop's addresses`,
            clue,
            'proven',
          ),
        ),
      ];
    }
    const where = byMac.map(other => `${other.namespace.node.name}/${other.link.name}`).join(', ');
    return [
      ended(
        trail,
        hop(state, {say: `several interfaces have ${mac}: ${where}`, status: 'unknown', grade: 'ambiguous'}),
        'unknown',
      ),
    ];
  }
  if (mac === undefined && byAddress.length === 1) {
    const [found] = byAddress as [Interface];
    const clue = linkClue(found, 'fabric', `${next} is ${found.link.name} of ${found.namespace.node.name}`);
    return [
      reached(
        state,
        found,
        walkedIn(
          state,
          found,
          `from ${iface.namespace.node.name}: it has the next hop's address`,
          clue,
          'inferred',
        ),
      ),
    ];
  }
  return beyond(world, state, packet.destination);
}

/** A router that was not read, or an outside host. */
function beyond(world: World, state: Emitted, destination: string): State[] {
  const {graph} = world;
  const {iface, mac, next, trail, packet} = state;
  const own = iface.namespace.node;
  const who = mac === undefined ? next : `${next} (${mac})`;
  const holders = graph.byAddress.get(destination) ?? [];
  const there = holders.filter(({node}) => node !== own);
  const reveal = `Read the tables of ${next}, or run traceroute from ${own.name}.`;
  if (holders.length > 0 && there.length === 0) {
    const say = `it leaves ${own.name} for ${who}, though ${destination} is ${namesOf(holders)} on ${own.name} itself`;
    return [ended(trail, hop(state, {say, status: 'broken', grade: 'inferred', reveal}), 'broken')];
  }
  const stray = strayed(world, state, there);
  if (stray !== undefined) {
    const parts = {
      say: `${stray}: ${who} is on no node read`,
      status: 'broken',
      grade: 'inferred',
      reveal,
    } as const;
    return [ended(trail, hop(state, parts), 'broken')];
  }
  if (there.length > 0) {
    const say = `${who} is on no node read: a router, or the fabric of a cloud, which decides where ${destination} goes; it is ${namesOf(there)} on ${there[0]!.node.name}`;
    const between = hop(state, {say, status: 'unknown', grade: 'unknown', reveal});
    const ways = there.length === 1 ? waysInto(world, there[0]!, packet.source, destination) : [];
    if (ways.length === 0) return [ended(trail, between, 'unknown')];
    return ways.map(({iface: entry, clues}): State => {
      const on =
        ways.length > 1
          ? chose(trail, `comes in by one of ${ways.length}: ${entry.link.name}`, undefined)
          : trail;
      const arrived = hopAt(
        entry,
        {...state, packet: {...packet, mark: 0}},
        {
          way: 'in',
          say:
            ways.length > 1
              ? `it comes in by one of ${ways.length} interfaces that lead to such routers`
              : 'the one interface that leads to such a router',
          clues,
          grade: ways.length > 1 ? 'ambiguous' : 'inferred',
        },
      );
      const {trail: _, ...rest} = reached(state, entry, trail);
      return {...rest, mac: entry.link.mac, trail: walked({...on, grade: 'inferred'}, between, arrived)};
    });
  }
  const unread = graph.nodes.some(({snapshot}) => !snapshot);
  const say =
    next === destination
      ? `to ${who}, which is on no node read`
      : `to ${who}, on the way to ${destination}: neither is on a node read`;
  const parts = {
    say,
    status: unread ? 'unknown' : 'ok',
    grade: unread ? 'unknown' : 'inferred',
    reveal,
  } as const;
  return [ended(trail, hop(state, parts), unread ? 'unknown' : 'left')];
}

/**
 * A pod of another node is called by way of the default route, since no route of this node's is for it, while routes
 * lead from node to node for other pods: its own is gone. Where no node has such routes (a cloud that knows the pods'
 * addresses) the default route is the way for all of them. A sentence, or undefined where that is not so.
 */
function strayed({graph}: World, {iface, packet}: Emitted, there: readonly Namespace[]): string | undefined {
  const [holder] = there;
  const {host} = iface.namespace.node;
  if (!holder || there.length > 1 || holder === holder.node.host || iface.namespace !== host)
    return undefined;
  if (specific(host, packet.destination).length > 0) return undefined;
  const to = graph.nodes.find(node =>
    graph.nodes.some(
      from =>
        from !== node &&
        (from === host.node || node === host.node) &&
        from.host !== undefined &&
        node.namespaces.some(pod => isRoutedTo(from.host!, pod, packet.destination)),
    ),
  );
  return to
    ? `no route of ${host.node.name} is for ${packet.destination} (${namesOf(there)} on ${holder.node.name}), so its default route takes it, though pods elsewhere are reached by routes of their own`
    : undefined;
}

/** Does a route by way of another host, other than a default, lead to an address of a pod, of the family of `like`? */
function isRoutedTo(host: Namespace, pod: Namespace, like: string): boolean {
  if (pod === pod.node.host) return false;
  const address = pod.interfaces
    .flatMap(({addresses}) => addresses)
    .find(
      one => one.scope !== 'host' && one.scope !== 'link' && familyOf(one.address) === familyOf(like),
    )?.address;
  return (
    address !== undefined && specific(host, address).some(({hops}) => hops.some(({via}) => via !== undefined))
  );
}

/** Routes for an address, of any table, but for defaults. */
function specific(namespace: Namespace, address: string): readonly Route[] {
  return (namespace.facts?.routes?.value ?? []).filter(
    ({dst, type}) => type === 'unicast' && prefixLength(dst) > 0 && holds(dst, address),
  );
}

function namesOf(holders: readonly Namespace[]): string {
  return [...new Set(holders.map(({pods, node}) => (pods.length === 1 ? pods[0]!.key : node.name)))].join(
    ' or ',
  );
}

/**
 * By which interfaces a packet may come to a node from a router that was not read: first those by which the node would
 * answer its sender, then all others by which it reaches a router that was not read.
 */
function waysInto(
  {graph}: World,
  holder: Namespace,
  source: string | undefined,
  destination: string,
): readonly {readonly iface: Interface; readonly clues: readonly Clue[]}[] {
  const {host} = holder.node;
  if (!host || source === undefined) return [];
  const family = familyOf(source);
  const packet = {family, protocol: 'icmp', source: destination, destination: source, mark: 0};
  const back = route(host, packet, {iif: 'lo'});
  const isRead = (via: string) => (graph.byAddress.get(via) ?? []).some(({node}) => node !== holder.node);
  const routed = (host.facts?.routes?.value ?? []).filter(
    one => one.family === family && one.type === 'unicast',
  );
  const found = new Map<string, readonly Clue[]>();
  for (const {dev} of back.type === 'unicast' ? back.hops : [])
    if (dev !== undefined) found.set(dev, back.clues);
  for (const one of routed) {
    for (const {dev, via} of one.hops) {
      if (dev !== undefined && via !== undefined && !found.has(dev) && !isRead(via))
        found.set(dev, [routeClue(host, one)]);
    }
  }
  return [...found].flatMap(([dev, clues]) => {
    const iface = host.byName.get(dev);
    return iface ? [{iface, clues}] : [];
  });
}

function hop(state: Emitted, parts: Partial<Hop> & Pick<Hop, 'say'>): Hop {
  const {iface: _, ...base} = hopAt(state.iface, state, {way: 'fabric', ...parts});
  return {...base, iface: undefined, node: undefined, namespace: undefined};
}

function reached(state: Emitted, iface: Interface, trail: State['trail']): Extract<State, {step: 'arrive'}> {
  const {packet, layers, mac, next} = state;
  return {step: 'arrive', iface, packet: {...packet, mark: 0}, layers, mac, next, trail};
}

function walkedIn(
  state: Emitted,
  iface: Interface,
  say: string,
  clue: Hop['clues'][number],
  grade: Hop['grade'],
): State['trail'] {
  return walked(state.trail, hopAt(iface, state, {way: 'in', say, clues: [clue], grade}));
}

/** Interfaces that may be on the same link: of other nodes, or with an own foot in the fabric. */
function outsideOf({graph}: World, iface: Interface): readonly Interface[] {
  return graph.namespaces
    .filter(namespace => namespace !== iface.namespace)
    .flatMap(namespace => namespace.interfaces)
    .filter(
      other =>
        (!other.link.flags.includes('LOOPBACK') && graph.pairs.get(other)?.relation !== 'peer') ||
        graph.pairs.get(other)?.candidates.length === 0,
    );
}

/** Of a device and those on top of it that share its MAC address (vlan, bridge, bond), the one that is on the link. */
function lowest(found: readonly Interface[]): readonly Interface[] {
  const own = found.filter(
    ({link}) =>
      link.kind !== 'bridge' && link.kind !== 'bond' && link.kind !== 'vlan' && link.kind !== 'team',
  );
  return own.length > 0 ? own : found;
}
