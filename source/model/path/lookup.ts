import type {Route} from '../../facts/routes.ts';
import type {Rule} from '../../facts/rules.ts';
import type {Dated} from '../../facts/snapshot.ts';
import type {Grade, Namespace} from '../graph.ts';
import {prefixLength} from '../prefixes.ts';
import {type Clue, evidenceOf, worst} from './hop.ts';
import type {Packet} from './packet.ts';
import {type Course, matches, ruleText} from './rules.ts';
import {type Found, lookUp} from './tables.ts';

/** What policy rules and routing tables make of a packet. */
export type Verdict = {
  /** A route's type, or `none` when nothing holds, or `unread` when the tables were not read. */
  readonly type: string;
  readonly route?: Route;
  readonly hops: Route['hops'];
  readonly clues: readonly Clue[];
  readonly grade: Grade;
  /** What the grade is for, when it is not proven. */
  readonly doubts: readonly string[];
  /** Whether a rule that comes before the one that answered holds is not known: another may have answered. */
  readonly isUnsure: boolean;
};

/** What the kernel has when nobody changed it (`ip-rule(8)`); only where the rules were not read. */
const DEFAULTS: Readonly<Record<4 | 6, readonly (readonly [number, string])[]>> = {
  4: [
    [0, 'local'],
    [32766, 'main'],
    [32767, 'default'],
  ],
  6: [
    [0, 'local'],
    [32766, 'main'],
  ],
};

/** The kernel's routing decision: rules by priority, each one's table by longest prefix, until one answers. */
export function route(namespace: Namespace, packet: Packet, course: Course): Verdict {
  const {facts} = namespace;
  if (!facts?.routes) {
    const doubts = ['its routes were not read'];
    return {type: 'unread', hops: [], clues: [], grade: 'unknown', doubts, isUnsure: true};
  }
  const read = packet.family === 4 ? facts.rules : facts.rules6;
  const rules =
    read?.value ??
    DEFAULTS[packet.family].map(([priority, table]) => plainRule(packet.family, priority, table));
  const doubts = read
    ? []
    : [`its IPv${packet.family} policy rules were not read: taken as the kernel’s own`];
  let grade: Grade = read ? 'proven' : 'inferred';
  /** What was taken for granted, and rules that a mark would have made to answer. */
  const others: Clue[] = doubts.map(text => ({by: 'rule', text, evidence: []}));
  let isUnsure = false;
  let from = 0;
  for (const rule of [...rules].sort((a, b) => a.priority - b.priority)) {
    if (rule.priority < from) continue;
    const match = matches(rule, packet, course, namespace);
    if (match === 'unsure') {
      doubts.push(`whether rule ${ruleText(rule)} holds is not known`);
      grade = worst(grade, 'inferred');
      isUnsure = true;
    }
    if (match !== 'yes') {
      if (byMarkOnly(rule, packet, course, namespace)) {
        const {text, evidence} = ruleClue(namespace, rule, read);
        others.push({by: 'rule', text: `rule ${text} would hold if the packet were marked so`, evidence});
        // Rules that were read say what they mark; programs do not.
        if ((facts.netfilter?.value.bpf.length ?? 1) > 0) grade = worst(grade, 'inferred');
      }
      continue;
    }
    const step = apply(rule, packet, course, namespace);
    if (step === undefined) continue;
    if ('goto' in step) {
      from = step.goto;
      continue;
    }
    const clues = [
      ruleClue(namespace, rule, read),
      ...(step.found ? [routeClue(namespace, step.found.route)] : []),
      ...others,
    ];
    return {
      type: step.type,
      ...(step.found ? {route: step.found.route} : {}),
      hops: step.found?.alive ?? [],
      clues,
      grade,
      doubts,
      isUnsure,
    };
  }
  return {type: 'none', hops: [], clues: others, grade, doubts, isUnsure};
}

type Step = {readonly type: string; readonly found?: Found} | {readonly goto: number};

function apply(rule: Rule, packet: Packet, course: Course, namespace: Namespace): Step | undefined {
  if (rule.action === 'goto') return rule.target === undefined ? undefined : {goto: rule.target};
  if (rule.action === 'nop') return undefined;
  if (rule.action !== 'lookup') return {type: rule.action};
  const table = rule.l3mdev ? vrfTable(namespace, course) : rule.table;
  const found = table === undefined ? undefined : lookUp(namespace, table, packet, course.oif);
  if (!found) return undefined;
  const suppressed =
    rule.suppressPrefix !== undefined && prefixLength(found.route.dst) <= rule.suppressPrefix;
  return suppressed ? undefined : {type: found.route.type, found};
}

/** The table of the VRF that the packet came in by, or is to leave by. */
function vrfTable(namespace: Namespace, {iif, oif}: Course): string | undefined {
  for (const name of [oif, iif]) {
    const link = name === undefined ? undefined : namespace.byName.get(name)?.link;
    const vrf =
      link?.kind === 'vrf'
        ? link
        : link?.master === undefined
          ? undefined
          : namespace.byName.get(link.master)?.link;
    if (vrf?.table !== undefined) return vrf.table;
  }
  return undefined;
}

/** Would it hold but for its mark? Netfilter, or a BPF program, may set one. */
function byMarkOnly(rule: Rule, packet: Packet, course: Course, namespace: Namespace): boolean {
  if (rule.fwmark === undefined || rule.not || packet.mark !== 0) return false;
  const {fwmark: _, ...rest} = rule;
  return matches(rest, packet, course, namespace) === 'yes';
}

function ruleClue(namespace: Namespace, rule: Rule, read: Dated<unknown> | undefined): Clue {
  return {
    by: 'rule',
    text: ruleText(rule),
    evidence: evidenceOf(namespace, rule.family === 4 ? 'network' : 'rules6', read, rule),
  };
}

export function routeClue(namespace: Namespace, found: Route): Clue {
  return {
    by: 'route',
    text: routeText(found),
    evidence: evidenceOf(namespace, 'network', namespace.facts?.routes, found),
  };
}

/** As `ip route` prints it. */
export function routeText(found: Route): string {
  const dst =
    prefixLength(found.dst) === 0
      ? 'default'
      : found.dst.replace(found.family === 4 ? /\/32$/ : /\/128$/, '');
  const parts = [...(found.type === 'unicast' ? [] : [found.type]), dst];
  if (found.src !== undefined) parts.push('from', found.src);
  const [only, ...more] = found.hops;
  if (only && more.length === 0) parts.push(hopText(only));
  if (found.prefsrc !== undefined) parts.push('src', found.prefsrc);
  if (found.metric !== undefined && found.metric > 0) parts.push('metric', String(found.metric));
  if (found.mtu !== undefined) parts.push('mtu', String(found.mtu));
  if (found.table !== 'main') parts.push('table', found.table);
  if (more.length > 0) parts.push(...found.hops.map(hop => `nexthop ${hopText(hop)}`));
  return parts.join(' ');
}

export function hopText({via, dev, weight, flags}: Route['hops'][number]): string {
  return [
    ...(via === undefined ? [] : [`via ${via}`]),
    ...(dev === undefined ? [] : [`dev ${dev}`]),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...flags,
  ].join(' ');
}

function plainRule(family: 4 | 6, priority: number, table: string): Rule {
  return {from: 0, to: 0, family, priority, not: false, src: 'all', dst: 'all', action: 'lookup', table};
}
