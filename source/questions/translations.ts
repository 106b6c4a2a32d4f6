import * as v from 'valibot';
import {type ConntrackTable, FLAG, NO_TIMEOUT, TRACKED_STATES} from '../facts/conntrack/table.ts';
import type {Ends} from '../model/ends.ts';
import {stepsFrom} from '../model/tracked.ts';
import {addressText, endpointText} from '../model/words.ts';
import {Evidence, flag, maybe, text} from './schema.ts';
import type {SocketWorld, WorldNode} from './sockets-world.ts';

export const Translation = v.object({
  node: text('Node whose conntrack has it.'),
  changes: v.pipe(
    v.picklist(['destination', 'source', 'both']),
    v.description('destination: DNAT. source: SNAT or masquerade.'),
  ),
  source: text('Where the client’s packets come from, as they come in.'),
  destination: text('Where they are sent, as they come in.'),
  newSource: text('Where they come from, as they leave.'),
  newDestination: text('Where they are sent, as they leave.'),
  state: maybe.text('State that conntrack has the connection in.'),
  answered: flag('Conntrack has seen packets both ways.'),
  timeout: maybe.count('Seconds until conntrack forgets it.'),
  evidence: Evidence,
});
export type Translation = v.InferOutput<typeof Translation>;

export function translationsOf(world: SocketWorld, ends: Ends, row: number): Translation[] {
  return stepsFrom(ends.steps, ends.step[row]!).map(({node, entry}) =>
    translationAt(world.nodes[node]!, entry),
  );
}

function translationAt({id, name, tracked}: WorldNode, entry: number): Translation {
  const {table, sweep} = tracked!;
  const {source, destination, newSource, newDestination} = endsOf(table, entry);
  const state = TRACKED_STATES[table.state[entry]!];
  const timeout = table.timeout[entry]!;
  return {
    node: name,
    changes: source === newSource ? 'destination' : destination === newDestination ? 'source' : 'both',
    source,
    destination,
    newSource,
    newDestination,
    state: state === 'NONE' ? undefined : state,
    answered: (table.flags[entry]! & FLAG.unreplied) === 0,
    timeout: timeout === NO_TIMEOUT ? undefined : timeout,
    evidence: {node: id, fact: 'conntrack', sweep, from: table.from[entry]!, to: table.to[entry]!},
  };
}

/** Both directions of a tracked connection, as the client's packets come and as they leave. */
export function endsOf(table: ConntrackTable, entry: number) {
  const at = (column: Uint32Array, ports: Uint16Array) =>
    endpointText(addressText(column, entry, table.family[entry]!), ports[entry]!);
  return {
    source: at(table.source, table.sourcePort),
    destination: at(table.destination, table.destinationPort),
    newSource: at(table.replyDestination, table.replyDestinationPort),
    newDestination: at(table.replySource, table.replySourcePort),
  };
}

/** The other end as conntrack tells it: where the last translation sends to, or where the first came from. */
export function farEnd(world: SocketWorld, ends: Ends, row: number): string | undefined {
  const steps = stepsFrom(ends.steps, ends.step[row]!);
  const step = ends.served[row] === 1 ? steps[0] : steps.at(-1);
  if (!step) return undefined;
  const both = endsOf(world.nodes[step.node]!.tracked!.table, step.entry);
  return ends.served[row] === 1 ? both.source : both.newDestination;
}

/** `PROTOCOL ADDRESS PORT` of everything that is called on the way of a connection, the client's call first. */
export function callsOf(world: SocketWorld, node: number, row: number): string[] {
  const {table, ends} = world.nodes[node]!;
  if (table!.remotePort[row] === 0) return [];
  const protocol = table!.protocol[row] === 1 ? 'udp' : 'tcp';
  const remote = addressText(table!.remote, row, table!.family[row]!);
  return [
    ...stepsFrom(ends!.steps, ends!.step[row]!).map(step => {
      const tracked = world.nodes[step.node]!.tracked!.table;
      const address = addressText(tracked.destination, step.entry, tracked.family[step.entry]!);
      return `${protocol} ${address} ${tracked.destinationPort[step.entry]}`;
    }),
    `${protocol} ${remote} ${table!.remotePort[row]}`,
  ];
}

/** The service whose address the client calls: what the first translation came to, else what the socket is connected to. */
export function serviceOf(world: SocketWorld, node: number, row: number): string | undefined {
  if (world.services.size === 0) return undefined;
  for (const call of callsOf(world, node, row)) {
    const name = world.services.get(call);
    if (name !== undefined) return name;
  }
  return undefined;
}
