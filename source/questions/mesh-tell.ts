import type {Evidence} from '../facts/evidence.ts';
import type {Graph} from '../model/graph.ts';
import {asOf, socketsUnread} from '../model/unread.ts';
import {socketOpens} from './endpoint-words.ts';
import type {At} from './mesh-cells.ts';
import {declaredOn} from './mesh-declared.ts';
import type {Flows, Member} from './mesh-flows.ts';
import type {Known} from './mesh-known.ts';
import {isTrouble, type Pair, pairSentence} from './mesh-pairs.ts';
import type {MeshNode, MeshPair, MeshPort, MeshTrouble} from './mesh-rows.ts';
import {troublesOf} from './mesh-troubles.ts';
import {socketRow} from './socket-rows.ts';

const EVIDENCE = 3;

function portOf({channel, purpose}: Known) {
  return {protocol: channel.protocol, port: channel.port, purpose: purpose?.fact.key};
}

function portWords({channel, purpose}: Known): string {
  return purpose?.fact.key ?? `${channel.protocol}/${channel.port}`;
}

export function meshTroubles(flows: Flows, one: Known): MeshTrouble[] {
  return troublesOf(one.pairs.filter(isTrouble)).map(trouble => ({
    words: troubleWords(one, trouble.pairs),
    ...portOf(one),
    seen: trouble.seen,
    sentence: trouble.sentence,
    pairs: trouble.pairs.length,
    connection: onlyConnection(flows, trouble.pairs.length === 1 ? trouble.pairs[0]!.sockets : []),
    why: whyTrouble(one, trouble.pairs[0]!),
    evidence: trouble.pairs.flatMap(pair => evidenceOf(flows, pair, one.pairs)).slice(0, EVIDENCE),
  }));
}

/** The pair, or the node that all of them have in common. */
function troubleWords(one: Known, pairs: readonly Pair[]): string {
  const [first] = pairs;
  const common = [first!.from, first!.to].filter(
    (member, i) => pairs.length === 1 || pairs.every(pair => (i === 0 ? pair.from : pair.to) === member),
  );
  return [portWords(one), ...common.map(({name}) => name)].join(' ');
}

function whyTrouble({expected}: Known, pair: Pair): string {
  if (pair.seen === 'calling')
    return 'in SYN-SENT: nothing answers, or packets are lost on the way there or back';
  return pair.seen === 'stuck'
    ? `${pair.retrans} retransmissions: packets one way, or what acknowledges them, are lost`
    : `one is expected: ${expected?.why ?? 'others have one'}`;
}

export function meshNode({name, node}: Member, roles: readonly {address: string; why: string}[]): MeshNode {
  const stale = node && asOf(node) !== undefined;
  return {
    name,
    kind: !node ? 'address' : stale ? 'stale' : node.snapshot ? 'read' : 'unread',
    sockets: node?.host !== undefined && !socketsUnread(node.host),
    why: node ? undefined : roles.find(({address}) => address === name)?.why,
  };
}

export function meshPair(flows: Flows, one: Known, pair: Pair): MeshPair {
  const {from, to, seen, connections, retrans, sockets, grade} = pair;
  return {
    from: from.name,
    to: to.name,
    ...portOf(one),
    seen,
    trouble: isTrouble(pair),
    connections,
    retrans,
    connection: onlyConnection(flows, sockets),
    grade,
    why: pairSentence(pair),
    evidence: evidenceOf(flows, pair, one.pairs),
  };
}

function onlyConnection(flows: Flows, sockets: readonly At[]): string | undefined {
  const [only, ...more] = sockets;
  if (!only || more.length > 0) return undefined;
  const opens = socketOpens(socketRow(flows.world, only.node, only.row));
  return opens?.name === 'connection' ? opens.words[0] : undefined;
}

/** Its sockets; of a pair without one, those that one of the two has with others. */
function evidenceOf(flows: Flows, pair: Pair, all: readonly Pair[] = []): Evidence[] {
  const {from, to, sockets} = pair;
  const some =
    sockets.length > 0 || pair.seen !== 'none'
      ? sockets
      : [
          ...anotherOf(flows, pair, 'from', from),
          ...anotherOf(flows, pair, 'to', to),
          ...all.flatMap(one => one.sockets),
        ];
  return some.slice(0, EVIDENCE).map(({node, row}) => evidenceAt(flows, node, row));
}

/** A socket of another connection on the channel that the member has. */
function anotherOf(flows: Flows, {channel}: Pair, side: 'from' | 'to', {index}: Member): At[] {
  for (const {index: other} of flows.members) {
    const key = side === 'from' ? flows.cellKey(index, other) : flows.cellKey(other, index);
    const cell = index === other ? undefined : channel.cells.get(key);
    if (cell) return cell.sockets.slice(0, 1);
  }
  return [];
}

function evidenceAt({world}: Flows, node: number, row: number): Evidence {
  const {id, sweep, table, placeOf} = world.nodes[node]!;
  const netns = world.places[placeOf[table!.netnsIndex[row]!]!]!.inode;
  return {node: id, fact: 'sockets', netns, sweep, from: table!.from[row]!, to: table!.to[row]!};
}

export function meshPort(graph: Graph, flows: Flows, one: Known): MeshPort {
  const {channel, listening, purpose, expected, pairs} = one;
  const programs = [...new Set([...(listening?.programs ?? []), ...channel.servers])];
  const declared = declaredOn(graph, channel.protocol, channel.port, programs);
  return {
    words: portWords(one),
    ...portOf(one),
    declared: declared?.text,
    of: purpose?.fact.of,
    about: purpose?.fact.purpose,
    probe: purpose?.fact.probe,
    grade: purpose?.grade,
    why:
      purpose?.why ??
      declared?.text ??
      `not known: no plugin’s or Kubernetes’ own port, as far as ${programs.join(', ') || 'who listens'} tells`,
    source: purpose?.fact.source,
    programs,
    callers: [...channel.callers],
    nodes: listening?.nodes.size ?? channel.listening.size,
    addresses: [...(listening?.addresses ?? [])],
    kernel: purpose?.fact.devices !== undefined && purpose.fact.programs.length === 0,
    loopback: listening?.loopback ?? false,
    connections: pairs.reduce((sum, {connections}) => sum + connections, 0),
    elsewhere: channel.elsewhere.length,
    pairs: {
      whole: pairs.filter(({seen}) => seen === 'both').length,
      trouble: pairs.filter(isTrouble).length,
      unknown: pairs.filter(({seen}) => seen === 'unknown' || seen.endsWith('-unread')).length,
    },
    expected: expected?.why,
    evidence: [
      ...(declared?.evidence ?? []),
      ...(listening?.evidence ?? []),
      ...pairs.flatMap(pair => evidenceOf(flows, pair)).slice(0, EVIDENCE),
      ...channel.elsewhere.slice(0, EVIDENCE).map(({node, row}) => evidenceAt(flows, node, row)),
    ].slice(0, EVIDENCE),
  };
}
