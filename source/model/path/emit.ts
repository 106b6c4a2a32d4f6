import type {Interface} from '../graph.ts';
import {bridged} from './bridge.ts';
import {crossFabric} from './fabric.ts';
import {type Layer, linkClue} from './hop.ts';
import {chose, ended, type Frame, hopAt, type State, type World, walked} from './state.ts';
import {isTunnel, wrap} from './tunnel.ts';

type Emitted = Extract<State, {step: 'emit'}>;

/** A frame has been given to a device: where does it come out? */
export function emit(world: World, state: Emitted): State[] {
  const {iface} = state;
  const {kind} = iface.link;
  if (kind === 'veth' || kind === 'netkit') return toPeer(world, state);
  if (kind === 'bridge') return bridged(world, iface, undefined, state);
  if (isTunnel(iface)) return wrap(world, state);
  if (kind === 'vlan' || kind === 'macvlan' || kind === 'macvtap' || kind === 'ipvlan')
    return toLower(world, state);
  const stop = STOPS[kind ?? ''];
  if (stop) {
    const {say, reveal, status} = stop(iface);
    const grade = status === 'unknown' ? 'unknown' : 'proven';
    return [
      ended(
        state.trail,
        hopAt(iface, state, {way: 'end', status, say, grade, ...(reveal === undefined ? {} : {reveal})}),
        status,
      ),
    ];
  }
  return crossFabric(world, state);
}

/** Kinds of devices that lead where no table of the kernel says. */
const STOPS: Readonly<
  Record<string, (iface: Interface) => {status: 'unknown' | 'broken'; say: string; reveal?: string}>
> = {
  wireguard: ({link, namespace}) => ({
    status: 'unknown',
    say: `${link.name} chooses the peer by its allowed addresses, which only wg shows`,
    reveal: `Run on ${namespace.node.name}: wg show ${link.name} allowed-ips.`,
  }),
  tun: ({link, namespace}) => ({
    status: 'unknown',
    say: `${link.name} hands its packets to a process (tun)`,
    reveal: `Find on ${namespace.node.name} who holds /dev/net/tun.`,
  }),
  dummy: ({link}) => ({status: 'broken', say: `${link.name} is a dummy: it drops what it is given`}),
  openvswitch: ({link, namespace}) => ({
    status: 'unknown',
    say: `${link.name} belongs to Open vSwitch: its flows decide`,
    reveal: `Run on ${namespace.node.name}: ovs-appctl ofproto/trace, or ovs-appctl dpctl/dump-flows.`,
  }),
  nlmon: ({link}) => ({status: 'broken', say: `${link.name} carries no packets`}),
};

/** The other end of a pair. One whose other end is in no namespace read may lead to other nodes. */
function toPeer(world: World, state: Emitted): State[] {
  const {iface, trail} = state;
  const pair = world.graph.pairs.get(iface);
  const candidates = pair?.relation === 'peer' ? pair.candidates : [];
  if (candidates.length === 0) return crossFabric(world, state);
  return candidates.map((peer): State => {
    const on =
      candidates.length > 1
        ? chose(trail, `the other end of ${iface.link.name} may be in ${candidates.length} places`, undefined)
        : trail;
    const clue = linkClue(
      peer,
      'pair',
      `${iface.link.name} (${iface.link.ifindex}) ↔ ${peer.link.name} (${peer.link.ifindex}): ${pair!.why}`,
    );
    const grade = pair!.grade;
    // A packet's mark does not outlive its namespace (`skb_scrub_packet`).
    const there = peer.namespace === iface.namespace ? state : {...state, packet: {...state.packet, mark: 0}};
    const hop = hopAt(peer, there, {
      way: 'in',
      say: `the other end of ${iface.link.name}`,
      clues: [clue],
      grade,
    });
    return {...arriving(there, peer), trail: walked(on, hop)};
  });
}

/** A vlan tags and hands down; a macvlan or ipvlan hands down, or to another one on the same device. */
function toLower(world: World, state: Emitted): State[] {
  const {iface, trail, packet, layers} = state;
  const {kind, vlan, mode} = iface.link;
  const pair = world.graph.pairs.get(iface);
  const [lower] = pair?.candidates ?? [];
  if (!lower || pair!.candidates.length > 1 || (kind === 'ipvlan' && mode !== 'l2')) {
    const say =
      lower && kind === 'ipvlan'
        ? `ipvlan in mode ${mode ?? 'not read'} routes in the namespace below, which is not followed`
        : `what ${iface.link.name} sits on is not known: ${pair?.why ?? 'not read'}`;
    return [
      ended(trail, hopAt(iface, state, {way: 'end', status: 'unknown', say, grade: 'unknown'}), 'unknown'),
    ];
  }
  const sibling = kind === 'vlan' ? undefined : siblingOf(world, lower, state);
  if (sibling) {
    const hop = hopAt(sibling, state, {
      way: 'in',
      say: `beside ${iface.link.name} on ${lower.link.name}`,
      clues: [linkClue(sibling, 'link', `${sibling.link.kind} ${sibling.link.mode ?? ''}`.trim())],
    });
    return [{...arriving(state, sibling), trail: walked(trail, hop)}];
  }
  const tag: Layer | undefined =
    kind === 'vlan'
      ? {kind: 'vlan', device: iface, overhead: 0, inner: packet, ...(vlan === undefined ? {} : {id: vlan})}
      : undefined;
  const load = {packet, layers: tag ? [...layers, tag] : layers};
  const clue = linkClue(iface, 'pair', `${iface.link.name} on ${lower.link.name}: ${pair!.why}`);
  const hop = hopAt(lower, load, {
    way: 'out',
    say: tag ? `with vlan ${vlan}` : `for ${iface.link.name}`,
    clues: [clue],
    grade: pair!.grade,
  });
  if (!lower.link.flags.includes('UP')) {
    return [ended(trail, {...hop, status: 'broken', say: `${lower.link.name} is down`}, 'broken')];
  }
  return [{...state, ...load, iface: lower, trail: walked(trail, hop)}];
}

function siblingOf({graph}: World, lower: Interface, {iface, mac, packet}: Emitted): Interface | undefined {
  const {kind, mode} = iface.link;
  const bridging = kind === 'ipvlan' || mode === 'bridge';
  if (!bridging) return undefined;
  return iface.namespace.node.namespaces
    .flatMap(namespace => namespace.interfaces)
    .find(
      other =>
        other !== iface &&
        other.link.kind === kind &&
        graph.pairs.get(other)?.candidates[0] === lower &&
        (kind === 'ipvlan'
          ? other.addresses.some(({address}) => address === packet.destination)
          : mac !== undefined && other.link.mac === mac),
    );
}

export function arriving(
  frame: Frame,
  iface: Interface,
): Extract<State, {step: 'arrive'}> extends infer T ? Omit<T, 'trail'> : never {
  const {packet, layers, mac, next} = frame;
  return {step: 'arrive', iface, packet, layers, mac, next};
}
