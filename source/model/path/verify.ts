import type {Evidence} from '../../facts/evidence.ts';
import {type RouteGet, routeGetLine} from '../../facts/route-gets.ts';
import type {GraphNode, Interface, Namespace} from '../graph.ts';
import {countersOf} from '../rates.ts';
import {type Asked, evidenceOf, type Hop, type Way} from './hop.ts';

/** A routing decision beside the kernel's own answer. */
export type Checked = {
  readonly namespace: Namespace;
  /** What was asked, as an `ip` line; undefined when it cannot be asked. */
  readonly line: string | undefined;
  readonly verdict: 'agrees' | 'disagrees' | 'not asked';
  readonly worked: string;
  readonly kernel: string;
  readonly evidence: readonly Evidence[];
};

/** The decision as a line; undefined for one that no line can say. */
export function lineOf({packet, iif, oif}: Asked): string | undefined {
  // By its loopback a namespace answers for what it sent itself: that decision was asked when it was sent.
  if (iif === 'lo') return undefined;
  return routeGetLine({...packet, iif, oif});
}

/** Every decision of some ways, each once, in order. */
export function decisionsOf(ways: readonly Way[]): readonly Asked[] {
  const found = new Map<string, Asked>();
  for (const {asked} of ways.flatMap(({hops}) => hops)) {
    if (!asked) continue;
    const key = `${asked.namespace.index} ${lineOf(asked) ?? JSON.stringify([asked.packet, asked.iif])}`;
    if (!found.has(key)) found.set(key, asked);
  }
  return [...found.values()].filter(asked => asked.iif !== 'lo');
}

export function check(asked: Asked): Checked {
  const {namespace} = asked;
  const line = lineOf(asked);
  const read = namespace.facts?.routeGets;
  const answer = line === undefined ? undefined : read?.value.find(one => one.asked === line);
  const worked = workedText(asked);
  const base = {namespace, line, worked};
  if (!answer) {
    const kernel = line === undefined ? 'it cannot be asked this in plain words' : 'it was not asked';
    return {...base, verdict: 'not asked', kernel, evidence: []};
  }
  return {
    ...base,
    verdict: agrees(asked, answer) ? 'agrees' : 'disagrees',
    kernel: answerText(answer),
    evidence: evidenceOf(namespace, 'route-gets', read, answer),
  };
}

/** What the kernel says when it refuses (`errno(3)`), by the type of what forbids it. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  none: /unreachable|No route to host/,
  unreachable: /No route to host|unreachable/,
  prohibit: /Permission denied/,
  blackhole: /Invalid argument/,
  refused: /./,
};

function agrees({type, hops}: Asked, answer: RouteGet): boolean {
  const refusal = REFUSALS[type];
  // IPv6 answers with the route that forbids it.
  if (refusal) return answer.error === undefined ? answer.type === type : refusal.test(answer.error);
  if (answer.error !== undefined || answer.type !== type) return false;
  if (type === 'local') return true;
  return hops.some(({dev, via}) => dev === answer.dev && via === answer.via);
}

function workedText({type, hops}: Asked): string {
  if (type === 'none') return 'no route';
  if (type === 'refused') return 'not forwarded, or dropped by the reverse path check';
  if (type === 'local') return 'to itself';
  return hops.length === 0 ? type : hops.map(hopText).join(' or ');
}

function answerText({type, via, dev, error}: RouteGet): string {
  if (error !== undefined) return error;
  return type === 'local'
    ? 'to itself'
    : [type === 'unicast' ? '' : type, hopText({via, dev})].join(' ').trim();
}

function hopText({via, dev}: {via?: string | undefined; dev?: string | undefined}): string {
  return [via === undefined ? '' : `via ${via}`, dev === undefined ? '' : `dev ${dev}`].join(' ').trim();
}

/** Packets that an interface gained between the last two readings, the way a hop crosses it; undefined when not known. */
export function gained({iface, way}: Pick<Hop, 'iface' | 'way'>): number | undefined {
  if (!iface || (way !== 'in' && way !== 'out')) return undefined;
  const then = before(iface);
  if (then === undefined || !iface.counters) return undefined;
  const gain =
    way === 'in' ? iface.counters.rxPackets - then.rxPackets : iface.counters.txPackets - then.txPackets;
  return gain >= 0 ? gain : undefined;
}

function before({namespace, link}: Interface) {
  const node: GraphNode = namespace.node;
  const facts = node.previous?.netns.get(namespace.inode);
  const was = facts?.links?.value.find(one => one.ifindex === link.ifindex && one.name === link.name);
  return facts && was ? countersOf(facts, was)?.counters : undefined;
}
