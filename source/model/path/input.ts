import type {Graph, Interface} from '../graph.ts';
import {bridged} from './bridge.ts';
import {type Clue, linkClue, worst} from './hop.ts';
import {route} from './lookup.ts';
import {askedOf, follow, hooked, whyDown} from './output.ts';
import {answerTo, type Packet} from './packet.ts';
import {interfaceSetting, noForwarding, reversePath, setting} from './setting.ts';
import {ended, hopAt, type State, type World, walked} from './state.ts';
import {unwrap} from './tunnel.ts';

type At<S extends State['step']> = Extract<State, {step: S}>;

/** A frame has come in by an interface: it goes to the bridge, to a device on top, or up to IP. */
export function arrive(world: World, state: At<'arrive'>): State[] {
  const {iface, packet, layers, mac, next, trail} = state;
  const {namespace, link} = iface;
  const load = {packet, layers};
  const down = whyDown(iface);
  if (down)
    return [
      ended(
        trail,
        hopAt(iface, load, {
          way: 'end',
          status: 'broken',
          say: down,
          clues: [linkClue(iface, 'link', stateText(iface))],
        }),
        'broken',
      ),
    ];
  const upper = onTop(world.graph, state);
  if (upper) {
    const say = `for ${upper.iface.link.name}, which sits on ${link.name}`;
    const hop = hopAt(
      upper.iface,
      {packet, layers: upper.layers},
      {way: 'in', say, clues: [linkClue(upper.iface, 'link', upper.why)]},
    );
    return [{step: 'route', iface: upper.iface, packet, layers: upper.layers, trail: walked(trail, hop)}];
  }
  const master = link.master === undefined ? undefined : namespace.byName.get(link.master);
  if (master?.link.kind === 'bridge') return bridged(world, master, iface, state);
  if (link.master !== undefined && (master === undefined || !PLAIN_MASTERS.has(master.link.kind ?? ''))) {
    const say = `${link.name} belongs to ${link.master}, whose own tables decide (Open vSwitch flows, for one)`;
    const reveal = `Read the flows of ${link.master} on ${namespace.node.name}: ovs-appctl dpctl/dump-flows.`;
    return [
      ended(
        trail,
        hopAt(iface, load, {way: 'end', status: 'unknown', say, grade: 'unknown', reveal}),
        'unknown',
      ),
    ];
  }
  if (mac !== undefined && link.mac !== undefined && mac !== link.mac) {
    const say = `the frame is for ${mac}, and ${link.name} has ${link.mac}: it is not taken`;
    return [
      ended(
        trail,
        hopAt(iface, load, {
          way: 'end',
          status: 'broken',
          say,
          clues: [linkClue(iface, 'link', `${link.name} ${link.mac}`)],
        }),
        'broken',
      ),
    ];
  }
  if (mac === undefined && link.mac !== undefined && !link.flags.includes('NOARP')) {
    const deaf = whoAnswers(iface, next, packet.family);
    if (deaf.status !== 'ok') {
      return [ended(trail, hopAt(iface, load, {way: 'end', ...deaf}), deaf.status)];
    }
  }
  return [{step: 'route', iface: master && master.link.kind !== 'vrf' ? master : iface, ...load, trail}];
}

/** Masters that hand what comes in on unchanged. */
const PLAIN_MASTERS = new Set(['vrf', 'bond', 'team']);

export function stateText({link}: Interface): string {
  return `${link.name} state ${link.state} <${link.flags.join(',')}>`;
}

/** Nobody has been asked for yet: does this end of the link answer for the next hop's address? */
function whoAnswers(
  iface: Interface,
  next: string,
  family: 4 | 6,
):
  | {status: 'ok'}
  | {status: 'broken' | 'unknown'; say: string; grade: 'inferred' | 'unknown'; clues: readonly Clue[]} {
  const {namespace, link} = iface;
  const holds = namespace.interfaces.some(one => one.addresses.some(({address}) => address === next));
  if (holds) return {status: 'ok'};
  const proxy =
    family === 4
      ? [
          interfaceSetting(namespace, 4, link.name, 'proxy_arp'),
          setting(namespace, 'net.ipv4.conf.all.proxy_arp'),
        ].find(one => one?.value === '1')
      : undefined;
  if (proxy) return {status: 'ok'};
  const read = family === 4 && interfaceSetting(namespace, 4, link.name, 'proxy_arp') !== undefined;
  return {
    status: read ? 'broken' : 'unknown',
    say: `${link.name} does not have ${next}${read ? ', and answers for no other address (proxy_arp = 0)' : '; whether it answers for others was not read'}`,
    grade: read ? 'inferred' : 'unknown',
    clues: read ? [interfaceSetting(namespace, 4, link.name, 'proxy_arp')!.clue] : [],
  };
}

/** The vlan, macvlan or ipvlan on an interface that a frame is for. */
function onTop(
  graph: Graph,
  {iface, layers, mac, packet}: At<'arrive'>,
): {iface: Interface; why: string; layers: At<'arrive'>['layers']} | undefined {
  const outer = layers.at(-1);
  const tag = outer?.kind === 'vlan' ? outer.id : undefined;
  for (const namespace of iface.namespace.node.namespaces) {
    for (const upper of namespace.interfaces) {
      if (upper === iface || graph.pairs.get(upper)?.relation !== 'lower') continue;
      if (!graph.pairs.get(upper)!.candidates.includes(iface)) continue;
      const {kind, vlan} = upper.link;
      if (tag !== undefined && kind === 'vlan' && vlan === tag)
        return {iface: upper, why: `vlan ${vlan}`, layers: layers.slice(0, -1)};
      if (tag !== undefined) continue;
      if (
        (kind === 'macvlan' || kind === 'macvtap') &&
        mac !== undefined &&
        upper.link.mac === mac &&
        mac !== iface.link.mac
      ) {
        return {iface: upper, why: `${kind} ${mac}`, layers};
      }
      if (kind === 'ipvlan' && upper.addresses.some(({address}) => address === packet.destination)) {
        return {iface: upper, why: `ipvlan with ${packet.destination}`, layers};
      }
    }
  }
  return undefined;
}

/** A packet that came in by an interface is delivered here, unwrapped, or passed on. */
export function routeIn(world: World, state: At<'route'>): State[] {
  const {iface, layers} = state;
  const {namespace, link} = iface;
  const devices = {in: link.name};
  const begun = state.prerouted
    ? [{packet: state.packet, clues: [], trail: state.trail}]
    : hooked(world, namespace, 'PREROUTING', state, state.trail, devices);
  return begun.flatMap((branch): State[] => {
    if ('step' in branch) return [branch];
    const {packet, clues, trail} = branch;
    const load = {packet, layers};
    const course = {iif: link.flags.includes('LOOPBACK') ? 'lo' : link.name};
    const spoofed =
      packet.family === 4 && !link.flags.includes('LOOPBACK') ? wrongWayBack(iface, packet) : undefined;
    if (spoofed) {
      const asked = {namespace, packet, iif: link.name, type: 'refused', hops: []};
      return [ended(trail, hopAt(iface, load, {way: 'end', status: 'broken', asked, ...spoofed}), 'broken')];
    }
    const found = route(namespace, packet, course);
    const asked = askedOf(namespace, packet, found, {iif: link.name});
    if (found.type === 'local') {
      const top = layers.at(-1);
      return hooked(world, namespace, 'INPUT', load, trail, devices).flatMap((last): State[] => {
        if ('step' in last) return [last];
        const why = [...clues, ...found.clues, ...last.clues];
        // Doubts that arose here; those of hops before are theirs.
        const grade =
          last.trail.grade === state.trail.grade ? found.grade : worst(found.grade, last.trail.grade);
        if (top && isTunnelled(packet.protocol))
          return unwrap(world, iface, load, why, last.trail, asked, grade);
        const say = `delivered in ${namespace.node.name}`;
        const hop = hopAt(iface, load, {way: 'end', say, clues: why, asked, grade});
        return [ended(last.trail, hop, 'delivered', namespace)];
      });
    }
    const forbidden = noForwarding(namespace, packet.family, link.name);
    if (forbidden && found.type === 'unicast') {
      const say = `${namespace.node.name} does not forward what comes in by ${link.name} (${forbidden.text})`;
      return [
        ended(
          trail,
          hopAt(iface, load, {
            way: 'end',
            status: 'broken',
            say,
            clues: [forbidden, ...clues, ...found.clues],
            asked: {...asked, type: 'refused', hops: []},
          }),
          'broken',
        ),
      ];
    }
    return follow(world, namespace, found, load, trail, clues, asked, iface);
  });
}

const TUNNELLED = new Set(['udp', 'ipip', 'ipv6', 'gre']);
function isTunnelled(protocol: string): boolean {
  return TUNNELLED.has(protocol);
}

/** Reverse path check (`rp_filter`): a sentence when the source may not come in by this interface. */
function wrongWayBack(iface: Interface, packet: Packet): {say: string; clues: readonly Clue[]} | undefined {
  const {namespace, link} = iface;
  const {source} = packet;
  const strictness = reversePath(namespace, link.name);
  const answer = answerTo(packet);
  if (!strictness || strictness.value === 0 || source === undefined || !answer) return undefined;
  // As the answer would be routed (`__fib_validate_source`): from whom was called, its mark only where that is asked for.
  const marked = ['all', link.name].some(
    name => interfaceSetting(namespace, 4, name, 'src_valid_mark')?.value === '1',
  );
  const back = route(namespace, {...answer, mark: marked ? packet.mark : 0}, {iif: 'lo'});
  if (back.type === 'unread' || back.isUnsure) return undefined;
  const clues = [strictness.clue, ...back.clues];
  if (
    back.type === 'none' ||
    back.type === 'blackhole' ||
    back.type === 'unreachable' ||
    back.type === 'prohibit'
  ) {
    return {say: `dropped: there is no way back to ${source} from here (${strictness.clue.text})`, clues};
  }
  const byThis =
    back.type === 'local' ||
    back.hops.some(
      hop => hop.dev === link.name || namespace.byName.get(hop.dev ?? '')?.link.name === link.master,
    );
  if (strictness.value === 1 && !byThis) {
    return {
      say: `dropped: the way back to ${source} leaves by ${back.hops[0]?.dev ?? 'another device'}, not by ${link.name} (${strictness.clue.text})`,
      clues,
    };
  }
  return undefined;
}
