import type {Reply} from '../wire/source.ts';
import {parseAddresses} from './addresses.ts';
import {AS_ROOT, dated, gapsOf} from './contribution.ts';
import {arraysOf, type Element, type JsonArray} from './elements.ts';
import type {Fact} from './fact.ts';
import {IP_TEXT, parseIpText, TABLES} from './ip/batch-text.ts';
import {NETWORK_FORMATS, networkOf} from './ip/pasted.ts';
import {parseLinks} from './links.ts';
import {parseNeighbours} from './neighbours.ts';
import {type Network, type Table, tableOf} from './network-tables.ts';
import {PASTED, piecesOf} from './pieces.ts';
import {NET_TOOLS, PROC_NETWORK, parseProcNetwork} from './proc/network.ts';
import {parseRoutes} from './routes.ts';
import {parseRules} from './rules.ts';
import type {NetnsFacts} from './snapshot.ts';

const NAMES = ['interfaces', 'routes', 'neighbours', 'policy rules'] as const;

/**
 * One answer of `ip -batch`: one JSON array a line for each table, in order. An empty table is `[]`, `[{}]` or (old
 * builds) nothing at all. Arrays are recognised by what is in them; empty ones by their place among the others.
 * `err` is the tool's standard error: `Command failed -:2` tells which line of the batch failed (`ip(8)`).
 */
export function parseNetwork(out: Uint8Array, err = ''): Network {
  const {arrays, problems} = arraysOf(out);
  const said = [...problems];
  const failed = new Set([...err.matchAll(/Command failed \S*:(\d+)/g)].map(match => Number(match[1]) - 1));
  const tables = assign(arrays, failed);
  const elements = (table: Table): readonly Element[] | undefined => {
    const array = tables[table];
    if (array === undefined) {
      said.push(`the ${NAMES[table]} (\`ip ${TABLES[table]}\`) are missing from the answer.`);
    } else if (array.elements.length === 0 && !array.whole) return undefined;
    return array?.elements;
  };
  const rows = <Row>(
    found: readonly Element[] | undefined,
    parse: Parse<Row>,
  ): readonly Row[] | undefined => {
    if (found === undefined) return undefined;
    const parsed = parse(found);
    said.push(...parsed.problems);
    return parsed.rows;
  };
  const addr = elements(0);
  const links = rows(addr, parseLinks);
  const addresses = rows(addr, parseAddresses);
  const routes = rows(elements(1), parseRoutes);
  const neighbours = rows(elements(2), parseNeighbours);
  const rules = rows(elements(3), found => parseRules(found, 4));
  return {
    ...(links && {links}),
    ...(addresses && {addresses}),
    ...(routes && {routes}),
    ...(neighbours && {neighbours}),
    ...(rules && {rules}),
    problems: said,
  };
}

type Parse<Row> = (found: readonly Element[]) => {rows: readonly Row[]; problems: readonly string[]};

/**
 * Which array is which table. Empty arrays fill the open places between their recognised neighbours, and only when
 * there are as many of them as places: otherwise nobody knows which one is missing.
 */
function assign(arrays: readonly JsonArray[], failed: ReadonlySet<number>): (JsonArray | undefined)[] {
  const tables: (JsonArray | undefined)[] = [undefined, undefined, undefined, undefined];
  let next = 0;
  let empty: JsonArray[] = [];
  const fill = (end: number) => {
    const open = [0, 1, 2, 3].filter(place => place >= next && place < end && !failed.has(place));
    if (open.length === empty.length) {
      for (const [index, place] of open.entries()) tables[place] = empty[index];
    }
    empty = [];
  };
  for (const array of arrays) {
    const first = array.elements.find(element => tableOf(element.fields) !== undefined);
    if (first === undefined) {
      empty.push(array);
      continue;
    }
    const place = tableOf(first.fields)!;
    if (place < next) continue;
    fill(place);
    tables[place] = array;
    next = place + 1;
  }
  fill(4);
  return tables;
}

/** One reply, by the reader that it is of. */
function tablesOf(reply: Reply, arch: string | undefined): Network {
  switch (reply.reader) {
    case PASTED:
      return networkOf(piecesOf(reply));
    case IP_TEXT.name:
      return parseIpText(reply.out, reply.err);
    case PROC_NETWORK.name:
    case NET_TOOLS.name:
      return parseProcNetwork(reply.out, arch);
    default:
      return parseNetwork(reply.out, reply.err);
  }
}

/** iproute2 4.14 to 4.16 knows `-j`, but prints the tables of `route`, `neigh` and `rule` as text all the same. */
function halfJson({reader, out}: Reply): string | undefined {
  if (reader !== BATCH || out.length === 0) return undefined;
  const {arrays, problems} = arraysOf(out);
  const text = problems.some(problem => problem.startsWith('text that is no JSON array'));
  return text && arrays.length < 2 ? '`ip` does not print all tables as JSON' : undefined;
}

/** `grep` ends with 2 where a file is missing: an older kernel, no IPv6, an interface without a master. */
function toolNamed({reader}: Reply) {
  if (reader === PROC_NETWORK.name) return {name: "the kernel's files", fine: [1, 2]};
  if (reader === NET_TOOLS.name) return {name: 'ifconfig', package: 'net-tools'};
  return {name: 'ip', package: 'iproute2'};
}

const BATCH = 'ip-batch@1';

export const NETWORK: Fact = {
  name: 'network',
  reader: {
    name: BATCH,
    fact: 'network',
    scope: 'each-netns',
    command: 'ip -j -d -s -force -batch -',
    stdin: `${TABLES.join('\n')}\n`,
    why: 'Interfaces, addresses, routes of all tables, neighbours and IPv4 policy rules of a namespace in one go.',
    limit: 64_000_000,
    timeout: 10,
  },
  otherwise: [
    {reader: IP_TEXT},
    {
      reader: PROC_NETWORK,
      loses: 'ids and ports of tunnels, who made a route, and in which namespace the other end of a veth is',
    },
    {
      reader: NET_TOOLS,
      loses:
        'indexes, kinds, masters and peers of interfaces, routes besides the main table of IPv4, policy rules, IPv6 neighbours',
    },
  ],
  unfit: halfJson,
  cadence: {when: 'change', backstop: 15},
  formats: NETWORK_FORMATS,
  contribute(reply, soFar) {
    const {problems, ...tables} = tablesOf(reply, soFar.identity?.value.arch);
    const read = reply.out.length > 0 || reply.exit === 0;
    const found = gapsOf(reply, toolNamed(reply), read ? problems : []);
    if (reply.netns === undefined) return {gaps: found};
    // What the files of others' processes do not tell an ordinary user, entering their namespace tells root.
    const uid = soFar.identity?.value.uid;
    const barred =
      reply.reader === PROC_NETWORK.name && uid !== undefined && uid !== 0 && reply.netns !== soFar.hostNetns;
    const gaps = barred ? found.map(gap => ({...gap, reveal: AS_ROOT})) : found;
    if (reply.reader === PROC_NETWORK.name && !tables.rules && reply.netns === soFar.hostNetns)
      gaps.push({
        node: reply.node,
        fact: reply.fact,
        reason: `Policy rules, tables of routes besides main, further next hops of a route and IPv6 neighbours are not in the kernel's files, and there is no \`ip\` on node ${reply.node} to tell them.`,
        reveal: `Install iproute2 (4.17 or newer) on ${reply.node}.`,
      });
    const facts: Partial<NetnsFacts> = {
      ...(tables.links && {links: dated(reply, tables.links)}),
      ...(tables.addresses && {addresses: dated(reply, tables.addresses)}),
      ...(tables.routes && {routes: dated(reply, tables.routes)}),
      ...(tables.neighbours && {neighbours: dated(reply, tables.neighbours)}),
      ...(tables.rules && {rules: dated(reply, tables.rules)}),
    };
    return {netns: new Map([[reply.netns, facts]]), gaps};
  },
  /** Nothing secret: `ip` shows no keys, and `-d` of the kinds it knows (macsec, wireguard) prints none either. */
  redact: out => out,
};
