/**
 * Interfaces, addresses, routes, neighbours and rules of outputs that a person pasted: `ip` with or without `-j`, one
 * table a file or several in one, and `ifconfig`.
 */
import type {Address} from '../addresses.ts';
import {parseAddresses} from '../addresses.ts';
import {arraysOf, type Element} from '../elements.ts';
import type {Format, Sample} from '../fact.ts';
import {parseIfconfig} from '../ifconfig.ts';
import {type Line, linesOf, quoted} from '../lines.ts';
import {type Link, optional, parseLinks, UNKNOWN_KIND} from '../links.ts';
import {type Neighbour, parseNeighbours} from '../neighbours.ts';
import {type Network, tableOf} from '../network-tables.ts';
import {type FoundPiece, inFile, shifted} from '../pieces.ts';
import {parseRoutes, type Route} from '../routes.ts';
import {parseRules, type Rule} from '../rules.ts';
import {asksSix, tableAt} from './asked.ts';
import {linkElements} from './links-text.ts';
import {neighbourElements, routeElements, ruleElements} from './tables-text.ts';

/** `ip` shows no keys, and `-d` of the kinds it knows (macsec, wireguard) prints none either. */
const redact = (out: Uint8Array): Uint8Array => out;

const isArray = ({lines}: Sample) => (lines[0] ?? '').startsWith('[');

/** The array's entries as far as they tell; an empty table only by the command that printed it. */
function arrayTable({out, command}: Sample): number | undefined {
  const elements = arraysOf(out).arrays.flatMap(array => array.elements);
  const known = elements.map(({fields}) => tableOf(fields)).find(table => table !== undefined);
  if (known !== undefined || elements.length > 0) return known;
  const word = /\bip\b[^|]*\s(addr|address|a|link|l|route|r|neigh\w*|n|rule|ru)\b/.exec(command ?? '')?.[1];
  if (word === undefined) return undefined;
  return /^(a|l)/.test(word) ? 0 : word.startsWith('ru') ? 3 : word.startsWith('r') ? 1 : 2;
}

export const NETWORK_FORMATS: readonly Format[] = [
  {
    name: 'ip-json@1',
    label: 'ip -j -d -s addr (link, route, neigh, rule)',
    looks(sample) {
      if (!isArray(sample)) return false;
      const table = arrayTable(sample);
      return table !== undefined && !(table === 3 && asksSix(sample.command));
    },
    redact,
  },
  {
    name: 'ip-text@1',
    label: 'ip -d -s addr (link, route, neigh, rule), route -n, arp -an',
    looks({lines, command}) {
      const table = tableAt(lines[0] ?? '');
      return table !== undefined && !(table === 'rules' && asksSix(command));
    },
    redact,
  },
  {
    name: 'ifconfig@1',
    label: 'ifconfig -a',
    looks: ({lines}) => /^\S+: flags=\d+<[A-Z_,\d-]*>\s+mtu \d+|^\S+\s+Link encap:/.test(lines[0] ?? ''),
    redact,
  },
];

type Tables = {
  links?: readonly Link[];
  addresses?: readonly Address[];
  routes?: readonly Route[];
  neighbours?: readonly Neighbour[];
  rules?: readonly Rule[];
  problems: readonly string[];
};

/** What all pieces of one namespace say together. */
export function networkOf(pieces: readonly FoundPiece[]): Network {
  const read = pieces.map(piece => {
    const tables = tablesOf(piece);
    const at = <Row extends {readonly from: number; readonly to: number}>(rows: readonly Row[] | undefined) =>
      rows && shifted(rows, piece.from);
    return {
      rank: piece.format === 'ifconfig@1' ? 1 : 0,
      links: at(tables.links),
      addresses: at(tables.addresses),
      routes: at(tables.routes),
      neighbours: at(tables.neighbours),
      rules: at(tables.rules),
      problems: tables.problems.map(problem => inFile(piece, problem)),
    };
  });
  read.sort((a, b) => a.rank - b.rank);
  const all = <Row>(
    rows: (one: (typeof read)[number]) => readonly Row[] | undefined,
    key: (row: Row) => string,
  ) => {
    const found = read.map(rows).filter(one => one !== undefined);
    // The same table twice, from two files: each of its rows once.
    return found.length === 0
      ? undefined
      : [
          ...new Map(
            found
              .flat()
              .reverse()
              .map(row => [key(row), row]),
          ).values(),
        ].reverse();
  };
  const links = mergeLinks(read.flatMap(one => (one.links ? [one.links] : [])));
  const addresses = all(
    one => one.addresses,
    address => `${address.dev} ${address.address}`,
  );
  const routes = all(
    one => one.routes,
    ({from: _, to: __, ...route}) => JSON.stringify(route),
  );
  const neighbours = all(
    one => one.neighbours,
    ({dst, dev}) => `${dst} ${dev}`,
  );
  const rules = all(
    one => one.rules,
    ({from: _, to: __, ...rule}) => JSON.stringify(rule),
  );
  const index = new Map(links?.map(({name, ifindex}) => [name, ifindex]));
  return {
    ...(links && {links}),
    ...(addresses && {
      addresses: addresses.map(row => ({...row, ifindex: index.get(row.dev) ?? row.ifindex})),
    }),
    ...(routes && {routes}),
    ...(neighbours && {neighbours}),
    ...(rules && {rules}),
    problems: read.flatMap(({problems}) => problems),
  };
}

/**
 * The same interface as several outputs show it: by name, the first that has a property decides. Evidence is the output
 * that shows its counters, else the first.
 */
function mergeLinks(tables: readonly (readonly Link[])[]): readonly Link[] | undefined {
  if (tables.length === 0) return undefined;
  const merged = new Map<string, Link>();
  for (const link of tables.flat()) {
    const known = merged.get(link.name);
    if (!known) merged.set(link.name, link);
    else {
      const {from, to} = known.counters || !link.counters ? known : link;
      const {kind, ...rest} = known;
      // The one that looked closer knows the kind, also that it is none.
      const own = kind === UNKNOWN_KIND ? link.kind : kind;
      const {kind: _, ...other} = link;
      merged.set(link.name, {...other, ...rest, ...optional('kind', own), from, to});
    }
  }
  return [...merged.values()];
}

function tablesOf({format, out, command}: FoundPiece): Tables {
  if (format === 'ifconfig@1') return parseIfconfig(out);
  if (format === 'ip-json@1') return fromJson(out, command);
  return fromText(out, command);
}

function fromJson(out: Uint8Array, command: string | undefined): Tables {
  const {arrays, problems} = arraysOf(out);
  const tables: Tables = {problems};
  for (const {elements, from, to} of arrays) {
    const table =
      elements.map(({fields}) => tableOf(fields)).find(one => one !== undefined) ??
      arrayTable({lines: ['['], out: out.subarray(from, to), ...(command !== undefined && {command})});
    take(tables, table, elements, hasAddresses(elements));
  }
  return tables;
}

/** `ip link` has no `addr_info` at all; then addresses were not asked for. */
function hasAddresses(elements: readonly Element[]): boolean {
  return elements.length === 0 || elements.some(({fields}) => Object.hasOwn(fields, 'addr_info'));
}

/** Without `-d`, `ip` tells no kind: then its absence does not mean a physical device. */
function isBrief({fields}: Element): boolean {
  return !Object.hasOwn(fields, 'promiscuity');
}

function unkind(link: Link): Link {
  return link.kind === undefined ? {...link, kind: UNKNOWN_KIND} : link;
}

function take(
  tables: Tables,
  table: number | undefined,
  elements: readonly Element[],
  addresses: boolean,
): void {
  const add = <Row>(
    known: readonly Row[] | undefined,
    parsed: {rows: readonly Row[]; problems: readonly string[]},
  ) => {
    tables.problems = [...tables.problems, ...parsed.problems];
    return [...(known ?? []), ...parsed.rows];
  };
  if (table === 0) {
    const parsed = parseLinks(elements);
    const rows = parsed.rows.map((link, i) => (isBrief(elements[i]!) ? unkind(link) : link));
    tables.links = add(tables.links, {rows, problems: parsed.problems});
    if (addresses) tables.addresses = add(tables.addresses, parseAddresses(elements));
  } else if (table === 1) tables.routes = add(tables.routes, parseRoutes(elements));
  else if (table === 2) tables.neighbours = add(tables.neighbours, parseNeighbours(elements));
  else if (table === 3) tables.rules = add(tables.rules, parseRules(elements, 4));
}

/** Text tables, also several one after the other: each line goes to the table that its form is of. */
function fromText(out: Uint8Array, command: string | undefined): Tables {
  const tables: Tables = {problems: []};
  const six = asksSix(command);
  const first = tableAt([...linesOf(out)].find(({text}) => text.trim() !== '')?.text ?? '');
  const read =
    first === 'links'
      ? linkElements(out)
      : first === 'rules'
        ? ruleElements(out)
        : first === 'neighbours'
          ? neighbourElements(out)
          : routeElements(out, six ? 6 : undefined);
  const table = {links: 0, routes: 1, neighbours: 2, rules: 3}[first ?? 'routes'];
  const asked = /\bip\b[^|]*\s(l|li\w*)\b/.test(command ?? '');
  const some = read.elements.some(
    ({fields}) => ((fields['addr_info'] as unknown[] | undefined) ?? []).length > 0,
  );
  take(tables, table, read.elements, some || (command !== undefined && !asked));
  if (read.strange.length > 0) tables.problems = [...tables.problems, said(read.strange)];
  return tables;
}

function said(strange: readonly Line[]): string {
  const first = quoted(strange[0]!.text);
  return `${strange.length} ${strange.length === 1 ? 'line was' : 'lines were'} not understood, the first: ${first}.`;
}

/** The addresses that one output shows. */
export function parseAddressesOf(piece: FoundPiece): readonly string[] {
  return (tablesOf(piece).addresses ?? []).map(({address}) => address);
}
