import type {Graph, Namespace} from '../graph.ts';
import {emit} from './emit.ts';
import {type Hop, type Translation, type Way, worst} from './hop.ts';
import {arrive, routeIn} from './input.ts';
import {leave, send} from './output.ts';
import type {Packet} from './packet.ts';
import {doubted} from './programs.ts';
import {ended, type Hooks, type State, type World} from './state.ts';

/** More hops than any healthy way has; IPv4's usual time to live is 64 routers. */
const MOST_HOPS = 96;
/** Ways that are followed when the kernel chooses again and again. */
export const MOST_WAYS = 32;

export type Start = {readonly namespace: Namespace; readonly packet: Packet};

/**
 * Every way that a packet sent in a namespace may take, as the kernels of all nodes would decide by the tables that
 * were read. Pure; the first way is the likeliest. `more` counts ways that were not followed.
 */
export function walk(
  graph: Graph,
  {namespace, packet}: Start,
  hooks: Hooks = straight,
  undo: readonly Translation[] = [],
  connmarks: ReadonlyMap<number, number> = new Map(),
): {ways: readonly Way[]; more: number} {
  const world: World = {graph, hooks, undo};
  const trail = {hops: [], choices: [], share: 1, translations: [], connmarks, grade: 'proven' as const};
  const open: State[] = [{step: 'send', namespace, packet, layers: [], clues: [], trail}];
  const ways: Way[] = [];
  let more = 0;
  while (open.length > 0) {
    const state = open.shift()!;
    if (state.step === 'done') {
      if (ways.length < MOST_WAYS) ways.push(wayOf(state));
      else more += 1;
      continue;
    }
    if (ways.length + open.length > MOST_WAYS * 2) {
      more += 1;
      continue;
    }
    open.push(...(circle(state) ?? step(world, state)));
  }
  return {ways: ways.sort((a, b) => (b.share ?? 0) - (a.share ?? 0)), more};
}

function step(world: World, state: Exclude<State, {step: 'done'}>): State[] {
  switch (state.step) {
    case 'send':
      return send(world, state);
    case 'leave':
      return leave(world, state);
    case 'emit':
      return emit(world, state);
    case 'arrive':
      return arrive(world, state);
    case 'route':
      return routeIn(world, state);
  }
}

/** Nothing translates and nothing filters. */
export const straight: Hooks = (_namespace, _hook, packet) => [
  {fate: 'on', probability: 1, packet, clues: [], why: 'no rules'},
];

/** The same packet at the same interface in the same direction again: it goes round until its time to live is up. */
function circle({trail, packet, layers}: State): State[] | undefined {
  const last = trail.hops.at(-1);
  if (!last?.iface || last.way === 'end') return undefined;
  const before = trail.hops.findIndex(hop => hop !== last && isSame(hop, last));
  if (before < 0 && trail.hops.length < MOST_HOPS) return undefined;
  const hop: Hop = {
    ...last,
    packet,
    layers,
    way: 'end',
    status: 'unknown',
    grade: 'unknown',
    say: 'by these tables it goes round in a circle until its time to live is up; a program attached to an interface on it (BPF) may decide otherwise',
    reveal: `Look for programs on ${last.namespace?.node.name ?? 'the node'}: bpftool net.`,
  };
  return [ended(trail, hop, 'unknown')];
}

function isSame(a: Hop, b: Hop): boolean {
  return (
    a.iface === b.iface &&
    a.way === b.way &&
    a.packet.destination === b.packet.destination &&
    a.packet.source === b.packet.source &&
    a.layers.length === b.layers.length
  );
}

function wayOf(state: Extract<State, {step: 'done'}>): Way {
  const {hops, choices, share, translations, connmarks} = state.trail;
  return doubted({
    outcome: state.outcome,
    hops,
    choices,
    share,
    packet: state.packet,
    target: state.target,
    translations,
    connmarks,
  });
}

/** How sure the whole way is: as sure as its least sure hop. */
export function gradeOf({hops}: Way): Hop['grade'] {
  return worst(...hops.map(({grade}) => grade));
}
