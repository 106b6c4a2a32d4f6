import {FLAG, TRACKED_STATES} from '../facts/conntrack/table.ts';
import {isTranslated, newFlow, originalOf, receivedBy, sentBy, translatedOf} from '../model/flows.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {phaseOf} from '../model/tracked.ts';
import {addressText, type Words} from '../model/words.ts';
import type {EvidenceRow} from './schema.ts';
import type {SocketList} from './socket-rows.ts';
import {endsOf} from './translations.ts';

/** A connection of which no socket is left, or that never came about: only conntrack has it. */
export type Gone = {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly way: 'in' | 'out';
  /** Where the other end is, or should be: behind the translation when one called, before it when called. */
  readonly far: string;
  /** Address that was called, as the caller has it. */
  readonly called: string;
  readonly port: number;
  readonly state: string;
  readonly evidence: EvidenceRow;
};

const PROTOCOLS = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
] as const);

/**
 * Connections of some addresses that conntrack of any node has as closed or never answered, and that no socket of
 * `sockets` is an end of: a refused call lives in a socket for a moment, and in conntrack for ten seconds.
 */
export function goneFrom(
  nodes: readonly GraphNode[],
  addresses: ReadonlySet<string>,
  sockets: SocketList,
): Gone[] {
  const living = livingFlows(sockets);
  const seen = new Set<string>();
  const found: Gone[] = [];
  const flow = newFlow();
  // What one node translates, another sees as it leaves there: the translated one knows who called.
  for (const [node, translated] of [
    ...nodes.map(one => [one, true] as const),
    ...nodes.map(one => [one, false] as const),
  ]) {
    const conntrack = node.snapshot?.conntrack;
    const table = conntrack?.value;
    for (let entry = 0; entry < (table?.count ?? 0); entry += 1) {
      if (isTranslated(table!, entry) !== translated) continue;
      const protocol = PROTOCOLS.get(table!.protocol[entry]! as 6 | 17 | 132);
      const phase = phaseOf(table!, entry);
      if (protocol === undefined || phase === 'open' || (protocol === 'udp' && phase !== 'unanswered'))
        continue;
      const family = table!.family[entry]!;
      const source = addressText(table!.source, entry, family);
      const server = addressText(table!.replySource, entry, family);
      const way = addresses.has(source) ? 'out' : addresses.has(server) ? 'in' : undefined;
      if (way === undefined) continue;
      originalOf(table!, entry, flow);
      const sent = flow.join();
      translatedOf(table!, entry, flow);
      const served = flow.join();
      // The nodes of both ends track the same connection.
      if (living.has(way === 'out' ? sent : served) || seen.has(sent) || seen.has(served)) continue;
      seen.add(sent).add(served);
      found.push({
        protocol,
        way,
        far: way === 'out' ? server : source,
        called: addressText(table!.destination, entry, family),
        port: way === 'out' ? table!.destinationPort[entry]! : table!.replySourcePort[entry]!,
        state: `${TRACKED_STATES[table!.state[entry]!]}${table!.flags[entry]! & FLAG.unreplied ? ' [UNREPLIED]' : ''}`,
        evidence: {
          node: node.id,
          fact: 'conntrack',
          sweep: conntrack!.sweep,
          from: table!.from[entry]!,
          to: table!.to[entry]!,
        },
      });
    }
  }
  return found;
}

/** What goes to the server, as each socket's side has it. */
function livingFlows({world, count, node, row}: SocketList): ReadonlySet<string> {
  const flow = newFlow();
  const living = new Set<string>();
  for (let i = 0; i < count; i += 1) {
    const table = world.nodes[node[i]!]!.table!;
    if (table.remotePort[row[i]!] === 0) continue;
    sentBy(table, row[i]!, flow);
    living.add(flow.join());
    receivedBy(table, row[i]!, flow);
    living.add(flow.join());
  }
  return living;
}

/** What conntrack of the nodes still has of a connection of two addresses, whichever side called, as sentences. */
export function trackedOf(
  graph: Graph,
  one: Words,
  onePort: number,
  other: Words,
  otherPort: number,
): string[] {
  const said: string[] = [];
  const [there, back] = [flowKey(one, onePort, other, otherPort), flowKey(other, otherPort, one, onePort)];
  const flow = newFlow();
  for (const {name, snapshot} of graph.nodes) {
    const table = snapshot?.conntrack?.value;
    for (let entry = 0; entry < (table?.count ?? 0); entry += 1) {
      const keys = [originalOf, translatedOf].map(read => {
        read(table!, entry, flow);
        return flow.subarray(1).join();
      });
      if (!keys.some(key => key === there || key === back)) continue;
      const {source, destination, newSource, newDestination} = endsOf(table!, entry);
      const becomes = isTranslated(table!, entry) ? `, which becomes ${newSource} → ${newDestination}` : '';
      const state = TRACKED_STATES[table!.state[entry]!];
      const silent = table!.flags[entry]! & FLAG.unreplied ? ' [UNREPLIED]' : '';
      said.push(`conntrack of ${name} has ${source} → ${destination}${becomes}, in state ${state}${silent}`);
    }
  }
  return said;
}

function flowKey(source: Words, sourcePort: number, destination: Words, port: number): string {
  return [...source, ...destination, ((sourcePort << 16) | port) >>> 0].join();
}
