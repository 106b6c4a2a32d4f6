import {arraysOf, type Element} from '../elements.ts';
import {canonical, canonicalPrefix} from '../prefix.ts';
import {natOf, protocolOf} from './iptables.ts';
import type {Chain, FilterRule, Hook, Match, Ruleset, Verdict} from './ruleset.ts';

type Json = unknown;
type Fields = Readonly<Record<string, Json>>;
type Span = {readonly from: number; readonly to: number};

/** A verdict of a rule or of one element of a map: the match that the element stands for comes before the verdict. */
type Part = {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  readonly comment?: string;
} & Partial<Span>;

/**
 * The answer of `nft -j list table …` (`libnftables-json(5)`): one object whose list `nftables` has tables, sets, maps,
 * chains and rules. Sample of a rule (nftables 1.0.6):
 * `{"rule": {"family": "ip", "table": "kube-proxy", "chain": "services", "handle": 39, "expr": [{"vmap": {"key": {"concat": [{"payload": {"protocol": "ip", "field": "daddr"}}, {"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]}, "data": "@service-ips"}}]}}`
 * A table of family `inet` holds rules of both families, and answers with a set for each. `base` is where `out` begins.
 */
export function parseNft(
  out: Uint8Array,
  base = 0,
): {rulesets: readonly Ruleset[]; problems: readonly string[]} {
  const list = Buffer.from(out.buffer, out.byteOffset, out.byteLength).indexOf('[');
  if (list < 0) return {rulesets: [], problems: ['no list of rules is in the answer.']};
  const {arrays, problems} = arraysOf(out.subarray(list));
  const elements = arrays[0]?.elements ?? [];
  const families = new Set(elements.flatMap(({fields}) => familiesOf(inner(fields)['family'])));
  const rulesets = [...families].map(family => rulesetOf(elements, family, base + list));
  const cut = arrays[0]?.whole === false ? ['the list of rules is cut or broken.'] : [];
  return {rulesets, problems: cut.length > 0 ? cut : problems.filter(said => !/text that is no/.test(said))};
}

function familiesOf(word: Json): (4 | 6)[] {
  return word === 'ip' ? [4] : word === 'ip6' ? [6] : word === 'inet' ? [4, 6] : [];
}

function inner(fields: Fields): Fields {
  const [value] = Object.values(fields);
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

type World = {
  readonly family: 4 | 6;
  /** Elements of sets and maps, by table and name, with the place of what declares them. */
  readonly named: ReadonlyMap<string, {readonly elements: readonly Json[]} & Span>;
  readonly table: string;
};

function rulesetOf(elements: readonly Element[], family: 4 | 6, base: number): Ruleset {
  const named = new Map<string, {elements: readonly Json[]} & Span>();
  const chains = new Map<string, {chain: Chain; rules: FilterRule[]}>();
  const comments = new Map<string, string>();
  const mine = (fields: Fields) => familiesOf(fields['family']).includes(family);
  for (const {fields, from, to} of elements) {
    const [kind] = Object.keys(fields);
    const value = inner(fields);
    if (!mine(value)) continue;
    if (kind === 'set' || kind === 'map') {
      const list = Array.isArray(value['elem']) ? value['elem'] : [];
      named.set(`${value['table']} ${value['name']}`, {elements: list, from: base + from, to: base + to});
    } else if (kind === 'chain') {
      const rules: FilterRule[] = [];
      const name = String(value['name']);
      const table = String(value['table']);
      chains.set(`${table} ${name}`, {chain: {table, name, ...baseOf(value), rules}, rules});
      if (typeof value['comment'] === 'string') comments.set(`${table} ${name}`, value['comment']);
    }
  }
  for (const {fields, from, to} of elements) {
    const rule = fields['rule'] as Fields | undefined;
    if (!rule || !mine(rule)) continue;
    const key = `${rule['table']} ${rule['chain']}`;
    const world: World = {family, named, table: String(rule['table'])};
    const comment = typeof rule['comment'] === 'string' ? rule['comment'] : comments.get(key);
    for (const part of partsOf(world, Array.isArray(rule['expr']) ? rule['expr'] : [])) {
      chains.get(key)?.rules.push({
        from: base + from,
        to: base + to,
        ...(comment === undefined ? {} : {comment}),
        ...part,
      });
    }
  }
  return {family, backend: 'nftables', chains: [...chains.values()].map(({chain}) => chain)};
}

function baseOf(chain: Fields): Pick<Chain, 'base'> {
  const hook = String(chain['hook']).toUpperCase() as Hook;
  if (!['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].includes(hook)) return {};
  const [type, priority] = [chain['type'], Number(chain['prio'])];
  return {
    base: {
      hook,
      type: type === 'nat' ? 'nat' : type === 'route' || priority === -150 ? 'mangle' : 'filter',
      priority,
      policy: chain['policy'] === 'drop' ? 'drop' : 'accept',
    },
  };
}

/**
 * A rule of nftables as rules of ours: matches and statements from left to right. Marks set on the way are rules of
 * their own, before the verdict; a verdict map is one for each of its elements.
 */
function partsOf(world: World, expressions: readonly Json[]): Part[] {
  const matches: Match[] = [];
  const parts: Part[] = [];
  for (const expression of expressions) {
    if (typeof expression !== 'object' || expression === null) continue;
    const [kind = '', value] = Object.entries(expression)[0] ?? [];
    if (kind === 'match') {
      const found = matchOf(world, value as Fields);
      // What stands before it is done all the same: a mark, for one.
      if (found === 'never') return parts;
      matches.push(...found);
    } else if (kind === 'vmap')
      parts.push(...vmapOf(world, value as Fields).map(part => before(matches, part)));
    else if (!IDLE.has(kind)) parts.push({matches: [...matches], verdict: verdictOf(kind, value)});
  }
  return parts;
}

function before(matches: readonly Match[], part: Part): Part {
  return {...part, matches: [...matches, ...part.matches]};
}

const IDLE = new Set(['counter', 'log', 'comment', 'notrack comment']);

function verdictOf(kind: string, value: Json): Verdict {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const unknown: Verdict = {do: 'other', text: JSON.stringify({[kind]: value})};
  switch (kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return {do: kind};
    case 'continue':
      return {do: 'nothing'};
    case 'jump':
    case 'goto':
      return {do: kind, chain: String(fields['target'])};
    case 'reject':
      return {do: 'reject', ...(typeof fields['expr'] === 'string' ? {with: fields['expr']} : {})};
    case 'masquerade':
      return {do: 'masquerade'};
    case 'redirect':
      return fields['port'] === undefined
        ? {do: 'redirect'}
        : typeof fields['port'] === 'number'
          ? {do: 'redirect', port: fields['port']}
          : unknown;
    case 'dnat':
    case 'snat':
      return natVerdict(kind, fields) ?? unknown;
    case 'mangle':
      return markVerdict(fields) ?? unknown;
    // Statements of extensions that only iptables prints as what they are.
    case 'xt':
      return unknown;
  }
  return unknown;
}

function natVerdict(action: 'dnat' | 'snat', {addr, port}: Fields): Verdict | undefined {
  if (addr !== undefined && typeof addr !== 'string') return undefined;
  if (port !== undefined && typeof port !== 'number') return undefined;
  const host = addr === undefined ? '' : addr.includes(':') ? `[${addr}]` : addr;
  return natOf(action, `${host}${port === undefined ? '' : `:${port}`}`);
}

/** `meta mark set meta mark | N`, `… ^ N`, `… & N`, and a plain number. */
function markVerdict({key, value}: Fields): Verdict | undefined {
  if (!isMark(key)) return undefined;
  if (typeof value === 'number') return {do: 'mark', value, mask: 0xffff_ffff};
  const [operator, operands] = Object.entries((value ?? {}) as Fields)[0] ?? [];
  if (!Array.isArray(operands) || !isMark(operands[0]) || typeof operands[1] !== 'number') return undefined;
  const number = operands[1];
  if (operator === '|') return {do: 'mark', value: number, mask: number};
  if (operator === '^') return {do: 'mark', value: number, mask: 0};
  return operator === '&' ? {do: 'mark', value: 0, mask: ~number >>> 0} : undefined;
}

function isMark(value: Json): boolean {
  return ((value as Fields | undefined)?.['meta'] as Fields | undefined)?.['key'] === 'mark';
}

/** One part for each element of a verdict map, literal or named; `numgen random mod N` is a row of chances. */
function vmapOf(world: World, {key, data}: Fields): Part[] {
  const found = typeof data === 'string' ? world.named.get(`${world.table} ${data.slice(1)}`) : undefined;
  const entries = found?.elements ?? ((data as Fields | undefined)?.['set'] as Json);
  if (!Array.isArray(entries))
    return [{matches: [unknownMatch({vmap: key})], verdict: {do: 'other', text: 'vmap'}}];
  const span = found ? {from: found.from, to: found.to} : {};
  const modulus = chanceOf(key);
  const pairs = entries.filter(entry => Array.isArray(entry) && entry.length === 2) as [Json, Json][];
  return pairs.flatMap(([element, verdict], i): Part[] => {
    const {value, comment} = elementOf(element);
    const [kind = '', argument] = Object.entries((verdict ?? {}) as Fields)[0] ?? [];
    const matches =
      modulus === undefined
        ? keyMatches(world, key, value)
        : ([{is: 'chance', probability: 1 / Math.max(1, modulus - i)}] as const);
    if (matches === 'never') return [];
    const about = comment === undefined ? {} : {comment};
    return [{...span, matches, verdict: verdictOf(kind, argument), ...about}];
  });
}

function chanceOf(key: Json): number | undefined {
  const numgen = (key as Fields | undefined)?.['numgen'] as Fields | undefined;
  return numgen && typeof numgen['mod'] === 'number' ? numgen['mod'] : undefined;
}

/** An element may stand in an object with its comment. */
function elementOf(element: Json): {value: Json; comment?: string} {
  const held = (element as Fields | undefined)?.['elem'] as Fields | undefined;
  if (held === undefined) return {value: element};
  return {
    value: held['val'],
    ...(typeof held['comment'] === 'string' ? {comment: held['comment']} : {}),
  };
}

/** What all must hold for an element of a map to be taken; `never` where its key is of the other family. */
function keyMatches(world: World, key: Json, value: Json): Match[] | 'never' {
  const parts = (key as Fields | undefined)?.['concat'];
  if (!Array.isArray(parts)) return matchOf(world, {op: '==', left: key, right: value});
  const values = (value as Fields | undefined)?.['concat'];
  const implied = impliedBy(world, key);
  if (implied === 'never') return implied;
  if (!Array.isArray(values) || values.length !== parts.length)
    return [...implied, unknownMatch({key, value})];
  const found = parts.map((part, i) => matchOf(world, {op: '==', left: part, right: values[i]}));
  return found.some(each => each === 'never') ? 'never' : (found as Match[][]).flat();
}

/** What all must hold for `left op right`; `never` where that cannot be for packets of this family. */
function matchOf(world: World, {op, left, right}: Fields): Match[] | 'never' {
  const implied = impliedBy(world, left);
  if (implied === 'never') return implied;
  if (op !== '==' && op !== 'in' && op !== '!=') return [...implied, unknownMatch({op, left, right})];
  const of = ofFamily(world, left, right);
  if (of !== undefined) return of === (op !== '!=') ? [] : 'never';
  const match = compare(world, left, right);
  return [...implied, op === '!=' ? {...match, not: true} : match];
}

const TRANSPORT = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmpv6']);

/**
 * What the kernel is told to compare before a field is looked at, and `nft` leaves out when it lists the rule: the
 * family for a field of `ip` or `ip6`, the protocol for one of `tcp` and the like (`nft(8)`, PAYLOAD EXPRESSIONS).
 */
function impliedBy(world: World, left: Json): Match[] | 'never' {
  const fields = (typeof left === 'object' && left !== null ? left : {}) as Fields;
  const parts = fields['concat'] ?? fields['&'];
  if (Array.isArray(parts)) {
    const found = parts.map(part => impliedBy(world, part));
    return found.some(each => each === 'never') ? 'never' : (found as Match[][]).flat();
  }
  const protocol = (fields['payload'] as Fields | undefined)?.['protocol'];
  if (typeof protocol !== 'string') return [];
  if (protocol === (world.family === 4 ? 'ip6' : 'ip')) return 'never';
  return TRANSPORT.has(protocol) ? [{is: 'protocol', protocols: [protocol]}] : [];
}

/** Whether a comparison of the family itself holds; undefined where something else is compared. */
function ofFamily(world: World, left: Json, right: Json): boolean | undefined {
  const meta = (left as {meta?: Fields} | null | undefined)?.meta;
  if (meta?.['key'] !== 'nfproto') return undefined;
  const values = valuesOf(world, right);
  return values?.every(isWord) ? values.includes(world.family === 4 ? 'ipv4' : 'ipv6') : undefined;
}

function unknownMatch(value: Json): Match {
  return {is: 'other', text: JSON.stringify(value).slice(0, 200)};
}

/** `left == right`. */
function compare(world: World, left: Json, right: Json): Match {
  const {payload, meta, ct, fib} = (left ?? {}) as Record<string, Fields | undefined>;
  const values = valuesOf(world, right);
  const unknown = unknownMatch({left, right});
  if (values === undefined) return unknown;
  if (payload) {
    const {field} = payload;
    if (field === 'saddr' || field === 'daddr') {
      const prefixes = values.map(prefixText);
      if (prefixes.includes(undefined)) return unknown;
      return {is: field === 'saddr' ? 'source' : 'destination', prefixes: prefixes as string[]};
    }
    if (field === 'sport' || field === 'dport') {
      const ranges = values.map(rangeOf);
      if (ranges.includes(undefined)) return unknown;
      return {
        is: field === 'sport' ? 'source-port' : 'destination-port',
        ranges: ranges as [number, number][],
      };
    }
    if ((field === 'protocol' || field === 'nexthdr') && values.every(isWord)) {
      return {is: 'protocol', protocols: values.map(word => protocolOf(String(word)))};
    }
  } else if (meta) {
    if (meta['key'] === 'l4proto' && values.every(isWord))
      return {is: 'protocol', protocols: values.map(word => protocolOf(String(word)))};
    if ((meta['key'] === 'iifname' || meta['key'] === 'oifname') && values.length === 1 && isWord(values[0]))
      return {is: meta['key'] === 'iifname' ? 'in' : 'out', device: String(values[0]).replace(/\*$/, '+')};
    if (meta['key'] === 'mark' && typeof values[0] === 'number' && values.length === 1)
      return {is: 'mark', value: values[0], mask: 0xffff_ffff};
  } else if (ct && ct['key'] === 'state' && values.every(isWord)) {
    return {is: 'state', states: values.map(word => String(word).toUpperCase())};
  } else if (fib && fib['result'] === 'type' && values.length === 1 && isWord(values[0])) {
    const flags = ([] as Json[]).concat(fib['flags'] as Json);
    return {
      is: 'address-type',
      of: flags.includes('daddr') ? 'destination' : 'source',
      type: String(values[0]).toUpperCase(),
    };
  } else {
    const masked = ((left ?? {}) as Fields)['&'];
    if (
      Array.isArray(masked) &&
      isMark(masked[0]) &&
      typeof masked[1] === 'number' &&
      typeof values[0] === 'number'
    )
      return {is: 'mark', value: values[0], mask: masked[1]};
  }
  return unknown;
}

function isWord(value: Json): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

/** The single values of the right side of a match; undefined for a set that is not known. */
function valuesOf(world: World, right: Json): readonly Json[] | undefined {
  if (typeof right === 'string' && right.startsWith('@')) {
    return world.named.get(`${world.table} ${right.slice(1)}`)?.elements.map(each => elementOf(each).value);
  }
  const set = (right as Fields | undefined)?.['set'];
  if (Array.isArray(set)) return set.map(each => elementOf(each).value);
  return [right];
}

function prefixText(value: Json): string | undefined {
  const prefix = (value as Fields | undefined)?.['prefix'] as Fields | undefined;
  if (prefix) return canonicalPrefix(`${prefix['addr']}/${prefix['len']}`);
  const address = typeof value === 'string' ? canonical(value) : undefined;
  return address && canonicalPrefix(address);
}

function rangeOf(value: Json): [number, number] | undefined {
  if (typeof value === 'number') return [value, value];
  const range = (value as Fields | undefined)?.['range'];
  return Array.isArray(range) && range.every(each => typeof each === 'number')
    ? [range[0] as number, range[1] as number]
    : undefined;
}
