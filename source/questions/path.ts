import * as v from 'valibot';
import {FORWARDING} from '../facts/forwarding.ts';
import type {Graph} from '../model/graph.ts';
import {undoing} from '../model/path/answer.ts';
import {byRules} from '../model/path/hooks.ts';
import type {Way} from '../model/path/hop.ts';
import {answerTo, type Packet, packetText, packetTo} from '../model/path/packet.ts';
import {walk} from '../model/path/walk.ts';
import type {Answer, Missing} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {interfaceWords} from './names.ts';
import {addressFor, endCalled, type PathEnd} from './path-ends.ts';
import {WayRow, wayRow} from './path-rows.ts';
import {Probed, probed, probeRead, Verified, verified, verifyReads} from './path-verify.ts';
import {isProtocolName, PATH_USAGE, type PathWords, pathWords, readPathWords} from './path-words.ts';
import {base, count, list, maybe, text} from './schema.ts';
import type {Want} from './want.ts';

const End = v.object({
  words: text('Its full name.'),
  kind: v.picklist(['pod', 'node', 'netns', 'address', 'service']),
  node: maybe.text('Node that it is on, by name.'),
  address: maybe.text('Address that it is called by.'),
});

const Direction = v.object({
  asked: text('The packet that was followed.'),
  ways: v.pipe(list(WayRow), v.description('Each way that it may take, the likeliest first.')),
  more: count('Ways that were not followed, since there are too many.'),
  sentence: text('What comes of it.'),
});
export type Direction = v.InferOutput<typeof Direction>;

const Path = v.object({
  ...base,
  from: End,
  to: End,
  protocol: text('Protocol of the packet.'),
  port: maybe.count('Its destination port.'),
  forward: Direction,
  reply: v.optional(
    v.pipe(Direction, v.description('The way of the answer; absent when nothing arrives to be answered.')),
  ),
  verified: v.optional(v.pipe(Verified, v.description('With --verify: what the kernels say themselves.'))),
  probed: v.optional(v.pipe(Probed, v.description('With --probe: what came of echo requests.'))),
  asymmetry: v.pipe(
    list(v.string()),
    v.description('Where the answer takes another way, as sentences; none when it takes the same.'),
  ),
});
export type PathAnswer = Answer & v.InferOutput<typeof Path>;

const FACTS = [
  'network',
  'netfilter',
  'rules6',
  'forwarding',
  'sysctls',
  'netns-sysctls',
  'nsids',
  'namespaces',
];

export const path: Definition<PathAnswer> = {
  name: 'path',
  usage: PATH_USAGE,
  summary:
    'The way from A to B and back, hop by hop, as the kernels’ tables decide it: pods, nodes, addresses, svc/NS/NAME.',
  words: [2, 10],
  schema: Path,
  problem: words => {
    const read = readPathWords(words);
    return typeof read === 'string' ? read : undefined;
  },
  wants(graph, words) {
    const found = follow(graph, words);
    if (isMissing(found) || !found.from.namespace) return [];
    const {read, from, there, backs, packet} = found;
    return [
      ...(read.verify ? verifyReads([...there.ways, ...backs]) : []),
      ...(read.probe ? [probeRead(from.namespace!, packet.destination)] : []),
    ];
  },
  refreshes(graph, words) {
    const found = follow(graph, words);
    if (isMissing(found)) return [];
    const ways = [...found.there.ways, ...found.backs];
    return [...forwardingReads(ways), ...(found.read.verify ? verifyReads(ways) : [])];
  },
  ask(graph, words) {
    const found = follow(graph, words);
    return isMissing(found) ? found : answer(graph, found);
  },
};

/** Forwarding databases change without a sign of it, and decide where a frame goes. */
function forwardingReads(ways: readonly Way[]): Want[] {
  const switching = new Set(
    ways.flatMap(({hops}) =>
      hops.flatMap(({iface}) => (iface && SWITCHES.has(iface.link.kind ?? '') ? [iface.namespace] : [])),
    ),
  );
  const reads = [...switching].map(({node, inode}) => ({
    node: node.id,
    reader: FORWARDING.reader,
    scope: {netns: [inode]},
  }));
  return reads.length > 0 ? [{reads}] : [];
}

const SWITCHES = new Set(['bridge', 'vxlan']);

/** What is asked, and every way there and back. */
type Followed = {
  readonly read: PathWords;
  readonly from: PathEnd;
  readonly to: PathEnd;
  readonly packet: Packet;
  readonly there: {readonly ways: readonly Way[]; readonly more: number};
  readonly backs: readonly Way[];
};

function follow(graph: Graph, words: readonly string[]): Followed | Missing {
  const typed = readPathWords(words);
  if (typeof typed === 'string') return {missing: typed, suggestions: []};
  const from = endCalled(graph, typed.from);
  if (isMissing(from)) return from;
  const to = endCalled(graph, typed.to);
  if (isMissing(to)) return to;
  if (from.kind === 'service')
    return {
      missing: `${from.words} is a service: it sends nothing by itself. Name one of its pods.`,
      suggestions: [],
    };
  const address = addressFor(from, to, typed.family);
  if (address === undefined) return noAddress(to, typed);
  const read = portOf(to, address, typed);
  if (isMissing(read)) return read;
  const packet: Packet = {
    ...packetTo(address, read.protocol, read.port),
    ...(from.kind === 'address' ? {source: from.words} : {}),
  };
  const there = from.namespace
    ? walk(graph, {namespace: from.namespace, packet}, byRules)
    : {ways: [], more: 0};
  const backs = from.namespace ? answers(graph, there.ways) : answersTo(graph, to, packet);
  return {read, from, to, packet, there, backs};
}

/** A service is called by a port of it: the one that it has, where it has one. */
function portOf({services = [], words}: PathEnd, address: string, read: PathWords): PathWords | Missing {
  const ports = services.filter(one => one.address === address);
  if (ports.length === 0 || read.port !== undefined) return read;
  const fitting = read.protocol === 'icmp' ? ports : ports.filter(({protocol}) => protocol === read.protocol);
  const [only] = fitting;
  if (fitting.length === 1 && isProtocolName(only!.protocol))
    return {...read, port: only!.port, protocol: only!.protocol};
  const said = ports.map(({port, protocol}) => `${port}/${protocol}`).join(', ');
  return {missing: `${words} has the ports ${said}: say which with --port and --proto.`, suggestions: []};
}

function noAddress(to: PathEnd, {family}: PathWords): Missing {
  const which = family === undefined ? 'address' : `IPv${family} address`;
  return {missing: `${to.words} has no ${which} that was read.`, suggestions: []};
}

function answer(graph: Graph, {read, from, to, packet, there, backs}: Followed): PathAnswer {
  const forward = direction(graph, packet, there.ways, there.more, from);
  const asked = there.ways.find(way => way.outcome === 'delivered')?.packet;
  const reply =
    backs.length > 0
      ? direction(graph, answerTo(asked ?? {...packet, source: from.words}) ?? packet, backs, 0, to)
      : undefined;
  return {
    question: {name: 'path', words: pathWords({...read, from: from.words, to: to.words})},
    at: graph.at,
    gaps: gapsFor(graph, FACTS, {nodes: [...nodesOf([...there.ways, ...backs])], talks: true}),
    from: endRow(from, from.addresses[0]),
    to: endRow(to, packet.destination),
    protocol: packet.protocol,
    port: read.port,
    forward,
    reply,
    asymmetry: asymmetry(there.ways, backs),
    verified: read.verify ? verified([...there.ways, ...backs]) : undefined,
    probed: read.probe && from.namespace ? probed(from.namespace, packet.destination, there.ways) : undefined,
  };
}

function endRow({words, kind, namespace}: PathEnd, address: string | undefined): v.InferOutput<typeof End> {
  return {words, kind, node: namespace?.node.name, address};
}

/** The way back of each way that arrives somewhere: from there, with what was translated on the way undone. */
function answers(graph: Graph, ways: readonly Way[]): Way[] {
  const seen = new Set<string>();
  return ways.flatMap(way => {
    const packet = answerTo(way.packet);
    if (way.outcome !== 'delivered' || !way.target || !packet) return [];
    const key = JSON.stringify([
      way.target.index,
      packet,
      way.translations.map(({namespace}) => namespace.index),
    ]);
    if (seen.has(key)) return [];
    seen.add(key);
    return walk(
      graph,
      {namespace: way.target, packet},
      undoing(way.translations),
      way.translations,
      way.connmarks,
    ).ways;
  });
}

/** From outside: how it gets here is not known; how it is answered is. */
function answersTo(graph: Graph, to: PathEnd, packet: Packet): Way[] {
  const back = answerTo(packet);
  if (!to.namespace || !back) return [];
  return [...walk(graph, {namespace: to.namespace, packet: back}, undoing([])).ways];
}

function direction(
  graph: Graph,
  packet: Packet,
  ways: readonly Way[],
  more: number,
  from: PathEnd,
): Direction {
  const rows = ways.map(way => wayRow(graph, way));
  return {asked: rows[0]?.sent ?? packetText(packet), ways: rows, more, sentence: sentence(rows, from)};
}

/** What matters most: that it arrives, or where it does not. */
function sentence(ways: readonly WayRow[], from: PathEnd): string {
  const [first] = ways;
  if (!first) return `${from.words} is on no node read: how its packets get here is not known.`;
  const worst =
    ways.find(way => way.outcome === 'broken') ?? ways.find(way => way.outcome === 'unknown') ?? first;
  const many =
    ways.length > 1
      ? ` (${ways.filter(way => way.outcome === worst.outcome).length} of ${ways.length} ways)`
      : '';
  const last = worst.hops.findLast(hop => hop.status !== 'ok') ?? worst.hops.at(-1)!;
  const where = last.link ?? last.place ?? 'between the nodes';
  switch (worst.outcome) {
    case 'delivered': {
      const delivered = ways.filter(({outcome}) => outcome === 'delivered');
      const rest = ways.length - delivered.length;
      const left = rest > 0 ? `; ${rest} of ${ways.length} ways leave the nodes that were read` : '';
      const arrives = `It arrives at ${[...new Set(delivered.map(arrival))].join(' or ')}${left}`;
      const between = worst.hops.find(({status}) => status === 'unknown');
      return between ? `${arrives}, if what is between the nodes lets it: ${between.say}.` : `${arrives}.`;
    }
    case 'broken':
      return `It is lost at ${where}${many}: ${last.say}.`;
    case 'unknown':
      return `How it goes on at ${where} is not known${many}: ${last.say}.`;
    case 'left':
      return `It leaves the nodes that were read${many}: ${last.say}.`;
  }
}

function arrival({hops}: WayRow): string {
  const last = hops.at(-1)!;
  return last.place === last.node ? (last.node ?? 'its end') : (last.pods[0] ?? last.place ?? 'its end');
}

function nodesOf(ways: readonly Way[]) {
  return new Set(ways.flatMap(({hops}) => hops.flatMap(({node}) => node ?? [])));
}

/**
 * Interfaces that one direction crosses and the other does not, of nodes that both pass. Nothing is said where one of
 * several ways is taken, or where it goes on is not known: which interfaces are crossed is then a guess.
 */
function asymmetry(there: readonly Way[], back: readonly Way[]): string[] {
  const arrived = there.filter(({outcome}) => outcome === 'delivered');
  const sure = (ways: readonly Way[]) =>
    ways.length === 1 && ways[0]!.hops.every(({grade}) => grade === 'proven' || grade === 'inferred');
  if (!sure(arrived) || !sure(back)) return [];
  const crossed = (ways: readonly Way[]) =>
    new Set(
      ways.flatMap(({hops}) =>
        hops.flatMap(({way, iface}) => (iface && (way === 'out' || way === 'in') ? [iface] : [])),
      ),
    );
  const [out, home] = [crossed(arrived), crossed(back)];
  const only = (one: typeof out, other: typeof out) =>
    [...one].filter(iface => !other.has(iface)).map(interfaceWords);
  const [outOnly, homeOnly] = [only(out, home), only(home, out)];
  return [
    ...(outOnly.length > 0 ? [`Only the way there crosses ${outOnly.join(', ')}.`] : []),
    ...(homeOnly.length > 0 ? [`Only the way back crosses ${homeOnly.join(', ')}.`] : []),
  ];
}
