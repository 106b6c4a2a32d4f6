import type {Interface} from '../graph.ts';
import type {Clue, Hop} from './hop.ts';
import {route} from './lookup.ts';
import {resolveNeighbour} from './neighbour.ts';
import {after, type Hooked, hooked} from './output.ts';
import {setting} from './setting.ts';
import {hopAt, type State, type World, walked} from './state.ts';

type Arrived = Extract<State, {step: 'arrive' | 'emit'}>;

/** Does the bridge hand what passes it to netfilter (br_netfilter; kernel, networking/ip-sysctl and bridge-nf)? */
export function callsRules({namespace}: Interface, family: 4 | 6): boolean {
  return setting(namespace, settingOf(family))?.value === '1';
}

function settingOf(family: 4 | 6): string {
  return `net.bridge.bridge-nf-call-ip${family === 6 ? '6' : ''}tables`;
}

/** A frame after PREROUTING was asked on the bridge. `up`: what it became is for the bridge's own namespace. */
export type Asked = Arrived & {
  readonly prerouted: true;
  readonly up: boolean;
  readonly clues: readonly Clue[];
};

/**
 * PREROUTING, asked of a frame that comes in by a port. Where the destination was translated and the new one is behind
 * the same bridge, the frame goes there directly, without passing the bridge's own interface (`br_nf_pre_routing`).
 */
export function preRouted(world: World, bridge: Interface, state: Arrived): (Asked | State)[] {
  const {packet, layers, trail} = state;
  const {namespace, link} = bridge;
  return hooked(world, namespace, 'PREROUTING', {packet, layers}, trail, {in: link.name}).map(
    (branch): Asked | State => {
      if ('step' in branch) return branch;
      const {clues} = branch;
      const asked = {...state, packet: branch.packet, trail: branch.trail, prerouted: true as const, clues};
      if (branch.packet.destination === packet.destination) return {...asked, up: false};
      const found = route(namespace, branch.packet, {iif: link.name});
      const [hop] = found.hops;
      if (found.type !== 'unicast' || found.hops.length !== 1 || hop?.dev !== link.name)
        return {...asked, up: true};
      const next = hop.via ?? branch.packet.destination;
      const neighbour = resolveNeighbour(bridge, next);
      const all = [...clues, ...found.clues, ...neighbour.clues];
      const on = {...asked, up: false, next, mac: neighbour.mac};
      if (neighbour.isConnected) return {...on, clues: all};
      // Its address is not sure any more: the bridge's own interface sends it, and asks.
      const load = {packet: branch.packet, layers};
      const sent = hopAt(bridge, load, {way: 'out', say: `to ${next}`, clues: all});
      return {...on, clues: [], trail: walked(branch.trail, sent)};
    },
  );
}

/** FORWARD and POSTROUTING, asked of a frame that is handed on: the bridge is both devices (`br_nf_forward_ip`). */
export function postRouted(world: World, bridge: Interface, state: Arrived): (Hooked | State)[] {
  const {packet, layers, trail} = state;
  const {namespace, link} = bridge;
  return after(world, namespace, {packet, layers}, trail, {in: link.name, out: link.name}, true);
}

/**
 * An answer that this node should translate back, but that its bridge hands on without netfilter (br_netfilter off):
 * the caller gets it from an address that it never called.
 */
export function bypassed({undo}: World, bridge: Interface, state: Arrived): Hop | undefined {
  const {namespace} = bridge;
  const {packet, layers} = state;
  if (layers.length > 0) return undefined;
  const missed = undo.find(
    one =>
      one.namespace === namespace &&
      one.after.destination === packet.source &&
      one.before.destination !== packet.source,
  );
  if (!missed || callsRules(bridge, packet.family)) return undefined;
  const found = setting(namespace, settingOf(packet.family));
  return hopAt(
    bridge,
    {packet, layers},
    {
      way: 'end',
      status: 'broken',
      grade: 'inferred',
      say: `the answer is switched past the rules that should give it ${missed.before.destination} back as its source: ${settingOf(packet.family)} is ${found ? found.value : 'not there, or not read (br_netfilter is not loaded)'}`,
      clues: found ? [found.clue] : [],
    },
  );
}
