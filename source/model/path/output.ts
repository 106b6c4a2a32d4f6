import type {NextHop} from '../../facts/routes.ts';
import type {Interface, Namespace} from '../graph.ts';
import {translatedAs} from './answer.ts';
import {type Asked, type Clue, type Hop, worst} from './hop.ts';
import {hopText, route, type Verdict} from './lookup.ts';
import {resolveNeighbour} from './neighbour.ts';
import type {Packet} from './packet.ts';
import {chooseSource} from './source.ts';
import {
  chose,
  ended,
  type Hook,
  hopAt,
  hopIn,
  type Load,
  type State,
  type Trail,
  type World,
} from './state.ts';

type At<S extends State['step']> = Extract<State, {step: S}>;

/** What a namespace sends itself: a process, or a tunnel's outer packet. */
export function send(world: World, state: At<'send'>): State[] {
  const {namespace, layers, trail, oif} = state;
  const course = {iif: 'lo', oif};
  const first = route(namespace, state.packet, course);
  const source = state.packet.source ?? chooseSource(namespace, first, state.packet);
  // Without a route the kernel refuses before any rule is asked (`ip_route_connect`, `ip_route_output_flow`).
  if (REFUSED.has(first.type) && !first.isUnsure && (first.type !== 'none' || oif === undefined)) {
    const asked = askedOf(namespace, state.packet, first, {oif});
    return follow(world, namespace, first, {packet: state.packet, layers}, trail, state.clues, asked);
  }
  const packet: Packet = source === undefined ? state.packet : {...state.packet, source};
  return hooked(world, namespace, 'OUTPUT', {packet, layers}, trail, {}).flatMap(branch => {
    if ('step' in branch) return [branch];
    // A connected socket's route is looked up again once its source is known (`ip_route_connect`).
    const found = route(namespace, branch.packet, course);
    const clues = [...state.clues, ...branch.clues];
    const load = {packet: branch.packet, layers};
    if (found.type === 'none' && oif !== undefined) return onLink(namespace, oif, load, clues, branch.trail);
    const asked = askedOf(namespace, branch.packet, found, {oif});
    return follow(world, namespace, found, load, branch.trail, clues, asked);
  });
}

const REFUSED: ReadonlySet<string> = new Set(['none', 'blackhole', 'unreachable', 'prohibit']);

/** With a device given and no route the kernel takes the destination as being on its link (`ip_route_output_key`). */
function onLink(
  namespace: Namespace,
  oif: string,
  load: Load,
  clues: readonly Clue[],
  trail: Trail,
): State[] {
  const iface = namespace.byName.get(oif);
  if (!iface) return [];
  return [{step: 'leave', iface, next: load.packet.destination, clues, grade: 'inferred', ...load, trail}];
}

/** Goes where a routing decision leads: to every next hop it may take. */
export function follow(
  world: World,
  namespace: Namespace,
  verdict: Verdict,
  load: Load,
  trail: Trail,
  before: readonly Clue[],
  asked: Asked,
  iif?: Interface,
): State[] {
  const clues = [...before, ...verdict.clues];
  const {type} = verdict;
  const at = (parts: Partial<Hop> & Pick<Hop, 'say'>): Hop =>
    iif
      ? hopAt(iif, load, {way: 'end', clues, asked, ...parts})
      : hopIn(namespace, load, {way: 'end', clues, asked, ...parts});
  if (type === 'unread' || verdict.isUnsure) {
    const say = `${verdict.doubts[0] ?? 'not read'}: where ${load.packet.destination} goes from here is not known`;
    return [
      ended(
        trail,
        at({
          status: 'unknown',
          say,
          grade: 'unknown',
          reveal: 'Read the node as root, or ask it: ip route get.',
        }),
        'unknown',
      ),
    ];
  }
  if (type === 'none') {
    return [
      ended(
        trail,
        at({status: 'broken', say: `no route to ${load.packet.destination}`, grade: verdict.grade}),
        'broken',
      ),
    ];
  }
  if (type === 'blackhole' || type === 'unreachable' || type === 'prohibit') {
    const how = type === 'blackhole' ? 'dropped in silence' : `refused (${type})`;
    return [
      ended(
        trail,
        at({
          status: 'broken',
          say: `${load.packet.destination} is ${how} by a ${verdict.route ? 'route' : 'rule'}`,
          grade: verdict.grade,
        }),
        'broken',
      ),
    ];
  }
  if (type === 'local') return loopback(namespace, load, trail, clues, asked);
  if (type !== 'unicast') {
    return [
      ended(
        trail,
        at({status: 'unknown', say: `a ${type} address: where it goes is not worked out`, grade: 'unknown'}),
        'unknown',
      ),
    ];
  }
  if (verdict.route?.encap !== undefined) {
    const say = `its route wraps it (encap ${verdict.route.encap}), which is not followed`;
    return [
      ended(
        trail,
        at({status: 'unknown', say, grade: 'unknown', reveal: 'Ask the node: ip -d route show.'}),
        'unknown',
      ),
    ];
  }
  return nextHops(verdict).flatMap(({hop, choice, share}) => {
    const iface = hop.dev === undefined ? undefined : namespace.byName.get(hop.dev);
    const on = choice === undefined ? trail : chose(trail, choice, share);
    if (!iface) {
      const say = `the route leaves by ${hop.dev ?? 'no device'}, which was not among the interfaces read`;
      return [ended(on, at({status: 'unknown', say, grade: 'unknown'}), 'unknown')];
    }
    const devices = {out: iface.link.name, ...(iif ? {in: iif.link.name} : {})};
    return after(world, namespace, load, on, devices, iif !== undefined).map((branch): State => {
      if ('step' in branch) return branch;
      const next = hop.via ?? branch.packet.destination;
      const routeMtu = verdict.route?.mtu;
      return {
        step: 'leave',
        iface,
        next,
        packet: branch.packet,
        layers: load.layers,
        clues: [...clues, ...branch.clues],
        grade: verdict.grade,
        asked,
        trail: branch.trail,
        ...(routeMtu === undefined ? {} : {routeMtu}),
      };
    });
  });
}

/** FORWARD for what passes through, then POSTROUTING. */
export function after(
  world: World,
  namespace: Namespace,
  load: Load,
  trail: Trail,
  devices: {in?: string; out?: string},
  forwarded: boolean,
): (Hooked | State)[] {
  const begun: (Hooked | State)[] = forwarded
    ? hooked(world, namespace, 'FORWARD', load, trail, devices)
    : [{packet: load.packet, clues: [], trail}];
  return begun.flatMap(one => {
    if ('step' in one) return [one];
    return hooked(
      world,
      namespace,
      'POSTROUTING',
      {packet: one.packet, layers: load.layers},
      one.trail,
      devices,
    ).map((two): Hooked | State => ('step' in two ? two : {...two, clues: [...one.clues, ...two.clues]}));
  });
}

function nextHops({hops}: Verdict): readonly {hop: NextHop; choice?: string; share?: number}[] {
  if (hops.length === 1) return [{hop: hops[0]!}];
  const total = hops.reduce((sum, hop) => sum + (hop.weight ?? 1), 0);
  return hops.map((hop, i) => ({
    hop,
    choice: `next hop ${i + 1} of ${hops.length}: ${hopText(hop)}`,
    share: (hop.weight ?? 1) / total,
  }));
}

function loopback(
  namespace: Namespace,
  load: Load,
  trail: Trail,
  clues: readonly Clue[],
  asked: Asked,
): State[] {
  const lo = namespace.interfaces.find(iface => iface.link.flags.includes('LOOPBACK'));
  if (!lo)
    return [
      ended(
        trail,
        hopIn(namespace, load, {
          way: 'end',
          say: 'to itself; its loopback was not read',
          clues,
          asked,
          grade: 'inferred',
        }),
        'delivered',
        namespace,
      ),
    ];
  const out = hopAt(lo, load, {way: 'out', say: 'to itself', clues, asked});
  if (!lo.link.flags.includes('UP')) {
    return [ended(trail, {...out, way: 'end', status: 'broken', say: 'its loopback is down'}, 'broken')];
  }
  const at = {...trail, hops: [...trail.hops, out, hopAt(lo, load, {way: 'in', say: 'from itself'})]};
  return [{step: 'route', iface: lo, ...load, trail: at}];
}

export type Hooked = {readonly packet: Packet; readonly clues: readonly Clue[]; readonly trail: Trail};

/** A hook's rules: those that go on, and the ends of those that do not. */
export function hooked(
  world: World,
  namespace: Namespace,
  hook: Hook,
  load: Load,
  trail: Trail,
  devices: {readonly in?: string; readonly out?: string},
): (Hooked | State)[] {
  const before = trail.connmarks.get(namespace.index) ?? 0;
  const {packet} = load;
  const mine = trail.translations.filter(
    one => one.namespace === namespace && one.after.destination === packet.destination,
  );
  const met = {...devices, tracked: ['NEW', ...mine.flatMap(translatedAs)], outer: load.layers.length > 0};
  const branches = world.hooks(namespace, hook, packet, met, before);
  return branches.map((branch): Hooked | State => {
    const {fate, clues, why} = branch;
    const sure: Trail = branch.doubt ? {...trail, grade: worst(trail.grade, 'inferred')} : trail;
    const split = branches.length > 1 ? chose(sure, why, branch.probability) : sure;
    if (fate === 'on') {
      const translated = isTranslated(load.packet, branch.packet);
      const translations = translated
        ? [...split.translations, {namespace, before: load.packet, after: branch.packet}]
        : split.translations;
      const {connmark = before} = branch;
      const connmarks =
        connmark === before ? split.connmarks : new Map([...split.connmarks, [namespace.index, connmark]]);
      return {packet: branch.packet, clues, trail: {...split, translations, connmarks}};
    }
    const hop = hopIn(namespace, load, {
      way: 'end',
      status: fate === 'unknown' ? 'unknown' : 'broken',
      grade: fate === 'unknown' ? 'unknown' : 'inferred',
      say:
        fate === 'unknown'
          ? `what its rules (${hook}) do with it is not worked out: ${why}`
          : `${fate} by its rules (${hook}): ${why}`,
      clues,
    });
    return ended(split, hop, fate === 'unknown' ? 'unknown' : 'broken');
  });
}

function isTranslated(a: Packet, b: Packet): boolean {
  return (
    a.destination !== b.destination ||
    a.source !== b.source ||
    a.destinationPort !== b.destinationPort ||
    a.sourcePort !== b.sourcePort
  );
}

/** Leaves by an interface, to a next hop on its link. */
export function leave(world: World, state: At<'leave'>): State[] {
  const {iface, next, packet, layers, trail} = state;
  const load = {packet, layers};
  const neighbour = resolveNeighbour(iface, next);
  const clues = [...state.clues, ...neighbour.clues];
  const hop = (parts: Partial<Hop> & Pick<Hop, 'say'>): Hop =>
    hopAt(iface, load, {
      way: 'out',
      clues,
      grade: worst(state.grade, neighbour.grade, trail.grade),
      ...(state.asked ? {asked: state.asked} : {}),
      ...(state.routeMtu === undefined ? {} : {routeMtu: state.routeMtu}),
      ...parts,
    });
  const down = whyDown(iface);
  if (down) return [ended(trail, hop({status: 'broken', say: down}), 'broken')];
  const held = neighbour.broken === undefined ? undefined : heldBeside(world, iface, next);
  if (neighbour.broken !== undefined && !held)
    return [ended(trail, hop({status: 'broken', say: neighbour.broken}), 'broken')];
  const to = next === packet.destination ? `to ${next}` : `to ${packet.destination} by way of ${next}`;
  const doubt = held
    ? `${neighbour.broken}, but ${held.link.name} has it now: it is asked again`
    : neighbour.doubt;
  const say = doubt === undefined ? to : `${to}; ${doubt}`;
  return [
    {
      step: 'emit',
      iface,
      ...load,
      mac: neighbour.mac,
      next,
      trail: {
        ...trail,
        hops: [...trail.hops, hop({say, ...(held ? {grade: worst(state.grade, 'inferred')} : {})})],
      },
    },
  ];
}

/** A neighbour that did not answer is asked again by the next packet: an interface of this node that has its address, and is up. */
function heldBeside({graph}: World, iface: Interface, next: string): Interface | undefined {
  return (graph.byAddress.get(next) ?? [])
    .filter(({node}) => node === iface.namespace.node)
    .flatMap(({interfaces}) => interfaces)
    .find(one => one !== iface && !whyDown(one) && one.addresses.some(({address}) => address === next));
}

/** A sentence when nothing can pass an interface. */
export function whyDown({link}: Interface): string | undefined {
  if (!link.flags.includes('UP')) return `${link.name} is down`;
  if (link.flags.includes('NO-CARRIER'))
    return `${link.name} has no carrier: what it is connected to is down, or nothing is`;
  if (link.state === 'DOWN' || link.state === 'LOWERLAYERDOWN') return `${link.name} is ${link.state}`;
  return undefined;
}

export function askedOf(
  namespace: Namespace,
  packet: Packet,
  verdict: Verdict,
  course: {iif?: string | undefined; oif?: string | undefined},
): Asked {
  return {
    namespace,
    packet,
    type: verdict.type,
    hops: verdict.hops.map(({dev, via}) => ({
      ...(dev === undefined ? {} : {dev}),
      ...(via === undefined ? {} : {via}),
    })),
    ...(course.iif === undefined ? {} : {iif: course.iif}),
    ...(course.oif === undefined ? {} : {oif: course.oif}),
  };
}
