import type {ForwardingEntry} from '../../facts/forwarding.ts';
import type {Graph, Interface} from '../graph.ts';
import {type Clue, evidenceOf, linkClue} from './hop.ts';
import {setting} from './setting.ts';
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
  const {packet, layers, next, trail} = state;
  const load = {packet, layers};
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
  if (own && port) {
    const hop = hopAt(bridge, load, {way: 'in', say: `for ${bridge.link.name} itself`, clues: [own]});
    return [{step: 'route', iface: bridge, ...load, trail: walked(trail, hop)}];
  }
  const skipped = bypassed(world, bridge, state);
  if (skipped) return [ended(trail, skipped, 'broken')];
  const learned = entries.find(
    entry => entry.dev !== bridge.link.name && ports.some(one => one.link.name === entry.dev),
  );
  if (learned)
    return [
      handOn(
        bridge,
        port,
        ports.find(one => one.link.name === learned.dev)!,
        mac,
        state,
        [fdbClue(bridge, learned)],
        `${mac} is behind ${learned.dev}`,
        'proven',
      ),
    ];
  return flooded(world, bridge, port, ports, mac, state);
}

function handOn(
  bridge: Interface,
  from: Interface | undefined,
  to: Interface,
  mac: string,
  state: Arrived,
  clues: readonly Clue[],
  why: string,
  grade: 'proven' | 'inferred',
): State {
  const {packet, layers, next, trail} = state;
  const load = {packet, layers};
  const hop = hopAt(bridge, load, {way: 'through', say: why, clues, grade});
  if (to === from && !to.link.hairpin) {
    const say = `${mac} is behind the port that it came in by, which sends nothing back (no hairpin)`;
    return ended(walked(trail, hop), hopAt(to, load, {way: 'end', status: 'broken', say, clues}), 'broken');
  }
  if (from?.link.isolated && to.link.isolated) {
    return ended(
      walked(trail, hop),
      hopAt(to, load, {way: 'end', status: 'broken', say: 'both ports are isolated', clues}),
      'broken',
    );
  }
  const out = hopAt(to, load, {way: 'out', say: `to ${mac}`, grade});
  // From the bridge's own namespace the bridge itself was the way out already.
  const on = from ? walked(trail, hop, out) : walked(trail, {...out, clues, say: why});
  return {step: 'emit', iface: to, ...load, mac, next, trail: on};
}

/** No entry: the frame goes out by every port, and whoever has the address takes it. */
function flooded(
  world: World,
  bridge: Interface,
  from: Interface | undefined,
  ports: readonly Interface[],
  mac: string,
  state: Arrived,
): State[] {
  const {packet, layers, trail} = state;
  const load = {packet, layers};
  const behind = ports.filter(port => port !== from && isBehind(world.graph, port, mac));
  const clue = linkClue(bridge, 'fdb', `no entry for ${mac}: the frame goes to all ${ports.length} ports`);
  const why = `no entry for ${mac} yet: it goes to every port, and only behind`;
  if (behind.length === 1)
    return [
      handOn(
        bridge,
        from,
        behind[0]!,
        mac,
        state,
        [clue],
        `${why} ${behind[0]!.link.name} is it taken`,
        'inferred',
      ),
    ];
  if (behind.length > 1) {
    return behind.map(port =>
      handOn(
        bridge,
        from,
        port,
        mac,
        {...state, trail: chose(trail, `flooded to ${port.link.name}`, undefined)},
        [clue],
        why,
        'inferred',
      ),
    );
  }
  const elsewhere = ports.filter(port => port !== from && leadsOut(world.graph, port));
  if (elsewhere.length === 1)
    return [
      handOn(
        bridge,
        from,
        elsewhere[0]!,
        mac,
        state,
        [clue],
        `no entry for ${mac} yet: it goes to every port; ${elsewhere[0]!.link.name} alone leads on`,
        'inferred',
      ),
    ];
  const say = `${bridge.link.name} has no entry for ${mac}, and none of its ${ports.length} ports is known to have it behind`;
  const status = elsewhere.length > 1 || !bridge.namespace.facts?.forwarding ? 'unknown' : 'broken';
  return [
    ended(
      trail,
      hopAt(bridge, load, {
        way: 'end',
        status,
        say,
        clues: [clue],
        grade: status === 'unknown' ? 'unknown' : 'inferred',
      }),
      status,
    ),
  ];
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

/**
 * An answer that this node should translate back, but that its bridge hands on without netfilter (br_netfilter off):
 * the caller gets it from an address that it never called.
 */
function bypassed(world: World, bridge: Interface, state: Arrived) {
  const {namespace} = bridge;
  const {packet, layers} = state;
  if (layers.length > 0) return undefined;
  const missed = world.undo.find(
    one =>
      one.namespace === namespace &&
      one.after.destination === packet.source &&
      one.before.destination !== packet.source,
  );
  const hooked = setting(
    namespace,
    packet.family === 4 ? 'net.bridge.bridge-nf-call-iptables' : 'net.bridge.bridge-nf-call-ip6tables',
  );
  if (!missed || hooked?.value === '1') return undefined;
  return hopAt(
    bridge,
    {packet, layers},
    {
      way: 'end',
      status: 'broken',
      grade: 'inferred',
      say: `the answer is switched past the rules that should give it ${missed.before.destination} back as its source: bridge-nf-call-iptables is ${hooked ? hooked.value : 'not there (br_netfilter is not loaded)'}`,
      clues: hooked ? [hooked.clue] : [],
    },
  );
}
