import type {ForwardingEntry} from '../../facts/forwarding.ts';
import type {Graph, Interface} from '../graph.ts';
import {type Asked, bypassed, callsRules, postRouted, preRouted} from './bridge-rules.ts';
import {type Clue, evidenceOf, linkClue} from './hop.ts';
import {chose, ended, hopAt, type State, type World, walked} from './state.ts';

type Arrived = Extract<State, {step: 'arrive' | 'emit'}>;

/**
 * A bridge with a frame, from one of its ports or from its own namespace: up to its own namespace when the frame is
 * for it, else to the port that its forwarding database names, else to all of them (`bridge(8)`).
 */
export function bridged(
  world: World,
  bridge: Interface,
  port: Interface | undefined,
  state: Arrived,
): State[] {
  if (!port || !callsRules(bridge, state.packet.family)) return switched(world, bridge, port, state);
  return preRouted(world, bridge, state).flatMap(one =>
    'up' in one ? switched(world, bridge, port, one) : [one],
  );
}

function switched(
  world: World,
  bridge: Interface,
  port: Interface | undefined,
  state: Arrived | Asked,
): State[] {
  const {packet, layers, next, trail} = state;
  const load = {packet, layers};
  const asked = 'prerouted' in state ? state : undefined;
  const ports = bridge.namespace.interfaces.filter(one => one.link.master === bridge.link.name);
  const mac = state.mac ?? holderMac(world.graph, bridge, ports, next);
  if (!bridge.link.flags.includes('UP')) {
    return [
      ended(
        trail,
        hopAt(bridge, load, {way: 'end', status: 'broken', say: `${bridge.link.name} is down`}),
        'broken',
      ),
    ];
  }
  if (bridge.link.vlanFiltering) {
    const say = `${bridge.link.name} filters by VLAN: which of its ports may exchange frames was not read`;
    const reveal = `Run on ${bridge.namespace.node.name}: bridge vlan show.`;
    const hop = hopAt(bridge, load, {way: 'end', status: 'unknown', grade: 'unknown', say, reveal});
    return [ended(trail, hop, 'unknown')];
  }
  if (mac === undefined) {
    const say = `who has ${next} is not known on ${bridge.link.name}: it is asked of all ports`;
    return [
      ended(
        trail,
        hopAt(bridge, load, {
          way: 'end',
          status: 'unknown',
          say,
          grade: 'unknown',
          reveal: `Read the neighbours again after a packet was sent: ip neigh show ${next}.`,
        }),
        'unknown',
      ),
    ];
  }
  const entries = entriesFor(bridge, mac);
  const own = isOwn(bridge, ports, mac, entries);
  if ((own || asked?.up) && port) {
    const clues = [...(own ? [own] : []), ...(asked?.clues ?? [])];
    const hop = hopAt(bridge, load, {way: 'in', say: `for ${bridge.link.name} itself`, clues});
    const prerouted = asked ? {prerouted: true as const} : {};
    return [{step: 'route', iface: bridge, ...load, ...prerouted, trail: walked(trail, hop)}];
  }
  const skipped = bypassed(world, bridge, state);
  if (skipped) return [ended(trail, skipped, 'broken')];
  const learned = entries.find(entry => ports.some(({link}) => link.name === entry.dev));
  if (!learned) return flooded({world, bridge, from: port, state}, ports, mac);
  const to = ports.find(({link}) => link.name === learned.dev)!;
  const why = `${mac} is behind ${learned.dev}`;
  return handOn(
    {world, bridge, from: port, state},
    {to, mac, clues: [fdbClue(bridge, learned)], why, grade: 'proven'},
  );
}

/** A frame on a bridge, and the port it came in by; absent when the bridge's own namespace sends it. */
type Switched = {
  readonly world: World;
  readonly bridge: Interface;
  readonly from: Interface | undefined;
  readonly state: Arrived | Asked;
};

type Choice = {
  readonly to: Interface;
  readonly mac: string;
  readonly clues: readonly Clue[];
  readonly why: string;
  readonly grade: 'proven' | 'inferred';
};

function handOn(switching: Switched, choice: Choice): State[] {
  const {world, bridge, from, state} = switching;
  if (!from || !('prerouted' in state)) return out(switching, choice);
  return postRouted(world, bridge, state).flatMap(one => {
    if ('step' in one) return [one];
    const {prerouted: _, up: __, clues: before, ...rest} = state;
    const clues = [...before, ...choice.clues, ...one.clues];
    return out({...switching, state: {...rest, packet: one.packet, trail: one.trail}}, {...choice, clues});
  });
}

function out({bridge, from, state}: Switched, {to, mac, clues, why, grade}: Choice): State[] {
  const {packet, layers, next, trail} = state;
  const load = {packet, layers};
  const hop = hopAt(bridge, load, {way: 'through', say: why, clues, grade});
  const refused =
    to === from && !to.link.hairpin
      ? `${mac} is behind the port that it came in by, which sends nothing back (no hairpin)`
      : from?.link.isolated && to.link.isolated
        ? 'both ports are isolated from each other'
        : undefined;
  if (refused !== undefined) {
    const end = hopAt(to, load, {way: 'end', status: 'broken', say: refused, clues});
    return [ended(walked(trail, hop), end, 'broken')];
  }
  // From the bridge's own namespace the bridge itself was the way out already.
  const left = hopAt(to, load, {way: 'out', say: from ? `to ${mac}` : why, grade, clues: from ? [] : clues});
  const on = from ? walked(trail, hop, left) : walked(trail, left);
  return [{step: 'emit', iface: to, ...load, mac, next, trail: on}];
}

/** No entry: the frame goes out by every port, and whoever has the address takes it. */
function flooded(switching: Switched, ports: readonly Interface[], mac: string): State[] {
  const {world, bridge, from, state} = switching;
  const {packet, layers, trail} = state;
  const others = ports.filter(port => port !== from);
  const clues = [linkClue(bridge, 'fdb', `no entry for ${mac}: the frame goes to all ${ports.length} ports`)];
  const none = `no entry for ${mac} yet: it goes to every port`;
  const behind = others.filter(port => isBehind(world.graph, port, mac));
  if (behind.length > 0) {
    return behind.flatMap(to => {
      const why = `${none}, and behind ${to.link.name} it is taken`;
      const on = behind.length > 1 ? chose(trail, `flooded to ${to.link.name}`, undefined) : trail;
      return handOn({...switching, state: {...state, trail: on}}, {to, mac, clues, why, grade: 'inferred'});
    });
  }
  const elsewhere = others.filter(port => leadsOut(world.graph, port));
  const [only] = elsewhere;
  if (only && elsewhere.length === 1) {
    const why = `${none}; ${only.link.name} alone leads on`;
    return handOn(switching, {to: only, mac, clues, why, grade: 'inferred'});
  }
  const isKnown = elsewhere.length === 0 && bridge.namespace.facts?.forwarding !== undefined;
  const hop = hopAt(
    bridge,
    {packet, layers},
    {
      way: 'end',
      status: isKnown ? 'broken' : 'unknown',
      say: `${bridge.link.name} has no entry for ${mac}, and none of its ${ports.length} ports is known to have it behind`,
      clues,
      grade: isKnown ? 'inferred' : 'unknown',
    },
  );
  return [ended(trail, hop, isKnown ? 'broken' : 'unknown')];
}

/** The interface at the other end of a port has the address, or a device on it has. */
function isBehind(graph: Graph, port: Interface, mac: string): boolean {
  return (graph.pairs.get(port)?.candidates ?? []).some(
    other => other.link.mac === mac && graph.pairs.get(port)!.relation === 'peer',
  );
}

/** A port whose other end is not a namespace that was read: a physical device, a tunnel. */
function leadsOut(graph: Graph, port: Interface): boolean {
  const pair = graph.pairs.get(port);
  return pair?.relation !== 'peer' || pair.candidates.length === 0;
}

function entriesFor(bridge: Interface, mac: string): readonly ForwardingEntry[] {
  return (bridge.namespace.facts?.forwarding?.value ?? []).filter(
    entry => entry.mac === mac && (entry.master === bridge.link.name || entry.dev === bridge.link.name),
  );
}

/** The bridge's own address, or a port's: what is for them goes up to the bridge's namespace. */
function isOwn(
  bridge: Interface,
  ports: readonly Interface[],
  mac: string,
  entries: readonly ForwardingEntry[],
): Clue | undefined {
  const holder = [bridge, ...ports].find(one => one.link.mac === mac);
  const permanent = entries.find(entry => entry.state === 'permanent' && entry.dst === undefined);
  if (!holder) return undefined;
  return permanent ? fdbClue(bridge, permanent) : linkClue(holder, 'link', `${holder.link.name} has ${mac}`);
}

function fdbClue(bridge: Interface, entry: ForwardingEntry): Clue {
  const {facts} = bridge.namespace;
  return {
    by: 'fdb',
    text: fdbText(entry),
    evidence: evidenceOf(bridge.namespace, 'forwarding', facts?.forwarding, entry),
  };
}

/** As `bridge fdb` prints it. */
export function fdbText({mac, dev, dst, master, flags, state, vlan, vni}: ForwardingEntry): string {
  return [
    mac,
    'dev',
    dev,
    ...(dst === undefined ? [] : ['dst', dst]),
    ...(vni === undefined ? [] : ['vni', vni]),
    ...(vlan === undefined ? [] : ['vlan', vlan]),
    ...(master === undefined ? [] : ['master', master]),
    ...flags,
    ...(state === 'learned' ? [] : [state]),
  ].join(' ');
}

/** Nobody has been asked for the next hop yet: the one interface on this bridge that has its address would answer. */
function holderMac(
  graph: Graph,
  bridge: Interface,
  ports: readonly Interface[],
  next: string,
): string | undefined {
  if (bridge.addresses.some(({address}) => address === next)) return bridge.link.mac;
  const behind = ports
    .flatMap(port => graph.pairs.get(port)?.candidates ?? [])
    .filter(other => other.addresses.some(({address}) => address === next));
  return behind.length === 1 ? behind[0]!.link.mac : undefined;
}
