import {dated, gapsOf} from './contribution.ts';
import {arraysOf, type Element, type Fields, has, number, text} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {RULES6_FORMATS} from './ip/asked.ts';
import {ruleElements} from './ip/tables-text.ts';
import {note, quoted} from './lines.ts';
import {optional} from './links.ts';
import {parsePieces} from './pieces.ts';
import {canonicalPrefix} from './prefix.ts';

/** One policy rule as `ip -j rule` shows it (`ip-rule(8)`). */
export type Rule = Span & {
  readonly family: 4 | 6;
  readonly priority: number;
  readonly not: boolean;
  /** CIDR or `all`. */
  readonly src: string;
  readonly dst: string;
  readonly iif?: string;
  readonly oif?: string;
  /** `0x4000/0x4000`. */
  readonly fwmark?: string;
  /** `lookup` with `table`, or blackhole, unreachable, prohibit, goto, nop. */
  readonly action: string;
  readonly table?: string;
  /** Priority that `goto` goes on at. */
  readonly target?: number;
  /** `tcp`, `udp`, or a number as text. */
  readonly ipproto?: string;
  /** First and last port. */
  readonly sport?: readonly [number, number];
  readonly dport?: readonly [number, number];
  /** A route found by way of this rule counts only when its prefix is longer. */
  readonly suppressPrefix?: number;
  /** Looks in the table of the VRF that the packet's interface belongs to. */
  readonly l3mdev?: true;
  /** Selectors that are not followed further, as `ip rule` prints them: tos, uidrange, tun_id, suppress_ifgroup. */
  readonly others?: readonly string[];
};

/**
 * Rules of an `ip -j rule` array. Samples (iproute2 6.1.0):
 * `{"priority":0,"src":"all","table":"local"}`,
 * `{"priority":100,"not":null,"src":"10.1.0.0","srclen":16,"fwmark":"0x4000","fwmask":"0x4000","table":"200"}`,
 * `{"priority":101,"src":"all","iif":"lo","action":"unreachable"}`,
 * `{"priority":5,"src":"10.0.0.0","srclen":8,"tos":"0x10","iif":"v0","ipproto":"tcp","sport":5,"dport_start":80,
 * "dport_end":90,"table":"10","suppress_prefixlen":0}`, `{"priority":6,"src":"all","l3mdev":null}`,
 * `{"priority":8,"src":"all","goto":32766}`.
 */
export function parseRules(elements: readonly Element[], family: 4 | 6): Parsed<Rule> {
  const rows: Rule[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const priority = number(fields, 'priority');
    const src = selector(fields, 'src', 'srclen');
    const dst = selector(fields, 'dst', 'dstlen');
    if (priority === undefined || src === undefined || dst === undefined) {
      note(problems, () => 'a rule whose priority, source or destination is not understood.');
      continue;
    }
    const table = text(fields, 'table') ?? number(fields, 'table')?.toString();
    rows.push({
      from,
      to,
      family,
      priority,
      not: has(fields, 'not'),
      src,
      dst,
      action: actionOf(fields, table),
      ...optional('iif', text(fields, 'iif')),
      ...optional('oif', text(fields, 'oif')),
      ...optional('fwmark', markOf(fields)),
      ...optional('table', table),
      ...optional('target', number(fields, 'goto')),
      ...optional('ipproto', text(fields, 'ipproto') ?? number(fields, 'ipproto')?.toString()),
      ...optional('sport', portsOf(fields, 'sport')),
      ...optional('dport', portsOf(fields, 'dport')),
      ...optional('suppressPrefix', number(fields, 'suppress_prefixlen')),
      ...optional('l3mdev', has(fields, 'l3mdev') ? (true as const) : undefined),
      ...optional('others', othersOf(fields)),
    });
  }
  return {rows, problems};
}

function selector(fields: Fields, key: string, lengthKey: string): string | undefined {
  const address = text(fields, key);
  if (address === undefined || address === 'all') return 'all';
  const length = number(fields, lengthKey);
  return canonicalPrefix(length === undefined ? address : `${address}/${length}`);
}

function markOf(fields: Fields): string | undefined {
  const mark = text(fields, 'fwmark');
  return mark === undefined ? undefined : `${mark}/${text(fields, 'fwmask') ?? '0xffffffff'}`;
}

function portsOf(fields: Fields, key: 'sport' | 'dport'): readonly [number, number] | undefined {
  const one = number(fields, key);
  if (one !== undefined) return [one, one];
  const [first, last] = [number(fields, `${key}_start`), number(fields, `${key}_end`)];
  return first === undefined || last === undefined ? undefined : [first, last];
}

function othersOf(fields: Fields): readonly string[] | undefined {
  const found = ['tos', 'uid_start', 'tun_id', 'suppress_ifgroup', 'dscp', 'flowlabel'].filter(key =>
    has(fields, key),
  );
  return found.length > 0 ? found.map(key => (key === 'uid_start' ? 'uidrange' : key)) : undefined;
}

function actionOf(fields: Fields, table: string | undefined): string {
  if (has(fields, 'goto')) return 'goto';
  if (has(fields, 'nop')) return 'nop';
  return text(fields, 'action') ?? (table === undefined && !has(fields, 'l3mdev') ? 'unknown' : 'lookup');
}

function fromJson(out: Uint8Array): Parsed<Rule> {
  const {arrays, problems} = arraysOf(out);
  const parsed = parseRules(
    arrays.flatMap(array => array.elements),
    6,
  );
  return {rows: parsed.rows, problems: [...problems, ...parsed.problems]};
}

function fromText(out: Uint8Array): Parsed<Rule> {
  const {elements, strange} = ruleElements(out);
  const parsed = parseRules(elements, 6);
  const unclear = strange.map(({text: line}) => `a line that is no rule: ${quoted(line)}.`);
  return {rows: parsed.rows, problems: [...parsed.problems, ...unclear]};
}

/** IPv6's policy rules; IPv4's come with `network`, and `-6` inside an `ip` batch aborts it. */
export const RULES6: Fact = {
  name: 'rules6',
  reader: {
    name: 'ip-rule6@1',
    fact: 'rules6',
    scope: 'each-netns',
    command: 'ip -6 -j rule',
    why: "IPv6's policy rules say which routing table a packet is looked up in.",
    limit: 4_000_000,
    timeout: 5,
    slight: true,
  },
  otherwise: [
    {
      reader: {
        name: 'ip-rule6-text@1',
        fact: 'rules6',
        scope: 'each-netns',
        command: 'ip -6 rule',
        why: 'Where `ip` prints no JSON: the same rules as text.',
        limit: 4_000_000,
        timeout: 5,
        slight: true,
      },
    },
  ],
  cadence: {when: 'change', backstop: 15},
  formats: RULES6_FORMATS,
  contribute(reply) {
    const parsed = parsePieces(reply, fromJson, {'ip-rule6-text@1': fromText});
    const gaps = gapsOf(reply, {name: 'ip', package: 'iproute2'}, parsed.problems);
    if (reply.netns === undefined || (parsed.rows.length === 0 && gaps.length > 0)) return {gaps};
    return {netns: new Map([[reply.netns, {rules6: dated(reply, parsed.rows)}]]), gaps};
  },
  /** Nothing secret: numbers, prefixes and names of tables and interfaces. */
  redact: out => out,
};
