import type {Interface} from '../graph.ts';
import {type Hop, linkClue} from './hop.ts';
import {ended, hopAt, type State, type World, walked} from './state.ts';

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
function beyond({graph}: World, state: Emitted, destination: string): State[] {
  const {iface, mac, next, trail} = state;
  const who = mac === undefined ? next : `${next} (${mac})`;
  const holders = (graph.byAddress.get(destination) ?? []).filter(one => one.node !== iface.namespace.node);
  const held = holders.filter(one => one.kind === 'host');
  const router = `${who} is on no node read: a router, or the fabric of a cloud, which decides where ${destination} goes`;
  const reveal = `Read the tables of ${next}, or run traceroute from ${iface.namespace.node.name}.`;
  if (held.length === 1) {
    const found = held[0]!.interfaces.find(one =>
      one.addresses.some(({address}) => address === destination),
    )!;
    const between = hop(state, {say: router, status: 'unknown', grade: 'unknown', reveal});
    const clue = linkClue(
      found,
      'address',
      `${destination} is on ${found.link.name} of ${found.namespace.node.name}`,
    );
    const {trail: _, ...rest} = reached(state, found, trail);
    return [
      {
        ...rest,
        mac: found.link.mac,
        trail: walked(
          {...trail, grade: 'inferred'},
          between,
          hopAt(found, state, {
            way: 'in',
            say: 'where the destination address is',
            clues: [clue],
            grade: 'inferred',
          }),
        ),
      },
    ];
  }
  if (holders.length > 0) {
    const where = holders.map(one => one.pods[0]?.key ?? one.node.name).join(', ');
    return [
      ended(
        trail,
        hop(state, {
          say: `${router}; it is ${where} on ${holders[0]!.node.name}`,
          status: 'unknown',
          grade: 'unknown',
          reveal,
        }),
        'unknown',
      ),
    ];
  }
  const unread = graph.nodes.some(({snapshot}) => !snapshot);
  const say =
    next === destination
      ? `to ${who}, which is on no node read`
      : `to ${who}, on the way to ${destination}: neither is on a node read`;
  return [
    ended(
      trail,
      hop(state, {say, status: unread ? 'unknown' : 'ok', grade: unread ? 'unknown' : 'inferred', reveal}),
      unread ? 'unknown' : 'left',
    ),
  ];
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
