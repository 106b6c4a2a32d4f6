import {dated, gapsOf} from './contribution.ts';
import {arraysOf, type Element, text, words} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {optional} from './links.ts';
import {canonical} from './prefix.ts';

/** What the kernel itself answers to one routing question (`ip-route(8)`, `route get`). */
export type RouteGet = Span & {
  /** The line that was asked. */
  readonly asked: string;
  /** unicast, local, …; absent when it refused. */
  readonly type?: string;
  readonly via?: string;
  readonly dev?: string;
  readonly prefsrc?: string;
  /** What it said when it refused, e.g. `Network is unreachable`. */
  readonly error?: string;
};

const ADDRESS = /(?:[0-9a-f]{0,4}:[0-9a-f:.]{1,40}|\d{1,3}(?:\.\d{1,3}){3})/.source;
const NAME = /[A-Za-z0-9][\w.-]{0,14}/.source;
const LINE = new RegExp(
  `route get ${ADDRESS}(?: from ${ADDRESS})?(?: iif ${NAME})?(?: oif ${NAME})?(?: mark 0x[0-9a-f]{1,8})?(?: ipproto \\d{1,3}(?: sport \\d{1,5})?(?: dport \\d{1,5})?)?`,
);

/** The protocols that a route can be asked for (`rtm_getroute_parse_ip_proto`). */
const PROTOCOLS: Readonly<Record<string, number>> = {tcp: 6, udp: 17, icmp: 1, icmpv6: 58};

/**
 * The question as a line of an `ip` batch. Undefined when it cannot be asked: an interface whose name is not plain
 * might be taken for something else.
 */
export function routeGetLine(asked: {
  readonly destination: string;
  readonly source?: string | undefined;
  readonly iif?: string | undefined;
  readonly oif?: string | undefined;
  readonly mark: number;
  readonly protocol: string;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
}): string | undefined {
  const protocol = PROTOCOLS[asked.protocol];
  const isPorted = protocol === 6 || protocol === 17;
  const parts: readonly (readonly [string, string | number | undefined])[] = [
    ['route get', canonical(asked.destination)],
    ['from', asked.source === undefined ? undefined : canonical(asked.source)],
    ['iif', asked.iif],
    ['oif', asked.oif],
    ['mark', asked.mark === 0 ? undefined : `0x${asked.mark.toString(16)}`],
    ['ipproto', protocol],
    ['sport', isPorted ? asked.sourcePort : undefined],
    ['dport', isPorted ? asked.destinationPort : undefined],
  ];
  const line = parts.flatMap(([word, value]) => (value === undefined ? [] : [`${word} ${value}`])).join(' ');
  return new RegExp(`^${LINE.source}$`).test(line) ? line : undefined;
}

/**
 * The lines that were asked, an empty one, then one JSON array for each that was answered; standard error names the
 * lines that were not. Sample (iproute2 6.1.0, the second of three lines refused):
 * ```
 * [{"dst":"10.1.0.9","from":"10.2.0.7","dev":"v0","flags":[],"mark":16,"cache":[],"iif":"w0"}]
 * [{"type":"local","dst":"10.2.0.1","from":"10.1.0.8","dev":"lo","table":"local","flags":[],"cache":["local"],"iif":"v0"}]
 * ```
 * and `RTNETLINK answers: Network is unreachable`, `Command failed -:2`.
 */
export function parseRouteGets(out: Uint8Array, err: string): Parsed<RouteGet> {
  const asked = askedIn(out);
  const end = asked.at(-1)?.to ?? 0;
  const {arrays, problems} = arraysOf(out.subarray(end));
  const refusals = refusalsIn(err);
  const rows: RouteGet[] = [];
  let next = 0;
  for (const [i, {line, from, to}] of asked.entries()) {
    const error = refusals.get(i + 1);
    if (error !== undefined) {
      rows.push({from, to, asked: line, error});
      continue;
    }
    const element = arrays[next]?.elements[0];
    next += 1;
    if (element) rows.push(answered(line, element, end));
  }
  return {rows, problems: asked.length === rows.length ? problems : [...problems, 'answers are missing.']};
}

function askedIn(out: Uint8Array): {line: string; from: number; to: number}[] {
  const found: {line: string; from: number; to: number}[] = [];
  const decoder = new TextDecoder();
  let from = 0;
  while (from < out.length) {
    const to = out.indexOf(10, from);
    if (to <= from) break;
    found.push({line: decoder.decode(out.subarray(from, to)), from, to});
    from = to + 1;
  }
  return found;
}

/** By number of the line, what the kernel said: the words stand on the line before `Command failed`. */
function refusalsIn(err: string): Map<number, string> {
  const found = new Map<number, string>();
  let said = '';
  for (const line of err.split('\n')) {
    const failed = /^Command failed \S*:(\d+)/.exec(line);
    if (failed) found.set(Number(failed[1]), said === '' ? 'refused' : said);
    said = failed ? '' : line.replace(/^(?:RTNETLINK answers|Error): /, '').replace(/\.$/, '');
  }
  return found;
}

function answered(asked: string, {from, to, fields}: Element, offset: number): RouteGet {
  const cache = words(fields, 'cache');
  const via = text(fields, 'gateway') ?? viaOf(fields['via']);
  return {
    from: from + offset,
    to: to + offset,
    asked,
    type: text(fields, 'type') ?? (cache.includes('local') ? 'local' : 'unicast'),
    ...optional('via', via === undefined ? undefined : (canonical(via) ?? via)),
    ...optional('dev', text(fields, 'dev')),
    ...optional('prefsrc', text(fields, 'prefsrc')),
  };
}

function viaOf(via: unknown): string | undefined {
  if (typeof via !== 'object' || via === null || !('host' in via)) return undefined;
  return typeof via.host === 'string' ? via.host : undefined;
}

export const ROUTE_GETS: Fact = {
  name: 'route-gets',
  reader: {
    name: 'ip-route-get@1',
    fact: 'route-gets',
    scope: 'each-netns',
    command: 'ip -j -force -batch -',
    asks: {
      as: 'stdin',
      line: LINE,
      usage: 'route get ADDRESS [from ADDRESS] [iif IF] [oif IF] [mark N] [ipproto N [sport N] [dport N]]',
    },
    why: "With `path … --verify`: the kernel's own answer to each routing decision that was worked out.",
    limit: 1_000_000,
    timeout: 5,
  },
  cadence: {when: 'asked'},
  contribute(reply) {
    const {rows, problems} = parseRouteGets(reply.out, reply.err);
    // It ends with 1 when any line was refused, which is an answer.
    const said = {...reply, err: reply.err.replace(/^(?:RTNETLINK answers|Error): .*$/gm, '')};
    const gaps = gapsOf(said, {name: 'ip', package: 'iproute2', fine: rows.length > 0 ? [1] : []}, problems);
    if (reply.netns === undefined || rows.length === 0) return {gaps};
    return {netns: new Map([[reply.netns, {routeGets: dated(reply, rows)}]]), gaps};
  },
  /** Nothing secret: addresses and names of interfaces. */
  redact: out => out,
};
