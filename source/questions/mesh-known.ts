import {PORTS} from '../cni/ports.ts';
import type {Purpose} from '../cni/purposes.ts';
import type {Graph} from '../model/graph.ts';
import {type Expected, expectedOf} from './mesh-expected.ts';
import {type Channel, type Flows, flowsOf} from './mesh-flows.ts';
import {type Pair, pairsOf} from './mesh-pairs.ts';
import {isTold, type Listening, listeningOn, portKey, purposeFor} from './mesh-ports.ts';
import {nodeNames} from './names.ts';

/** A channel with all that is known of it. */
export type Known = {
  readonly channel: Channel;
  readonly listening: Listening | undefined;
  readonly purpose: Purpose | undefined;
  readonly expected: Expected | undefined;
  readonly pairs: readonly Pair[];
};

/** What `hoptop mesh` can be narrowed to: purposes and ports that are in use, the plugins' own first. */
export function meshNames(graph: Graph): string[] {
  const all = knownChannels(graph, flowsOf(graph));
  const names = inOrder(all).map(
    ({channel, purpose}) => purpose?.fact.key ?? `${channel.protocol}/${channel.port}`,
  );
  return [...new Set(names), ...nodeNames(graph)];
}

const known = new WeakMap<Graph, readonly Known[]>();

/** Every channel that nodes talk over, and every port whose purpose, or whose program, is a plugin’s or Kubernetes’ own. */
export function knownChannels(graph: Graph, flows: Flows): readonly Known[] {
  const before = known.get(graph);
  if (before) return before;
  const listening = listeningOn(graph);
  const channels = new Map(flows.channels.map(channel => [portKey(channel), channel]));
  for (const [key, {protocol, port, at}] of listening) {
    if (!channels.has(key)) channels.set(key, emptyChannel(protocol, port, at));
  }
  const all = [...channels].flatMap(([key, channel]): Known[] => {
    const bound = listening.get(key);
    const purpose = purposeFor(graph, channel, {listening: bound, channel});
    const talks = channel.cells.size > 0 || channel.elsewhere.length > 0;
    if (!talks && !(bound && isTold(bound, purpose))) return [];
    const shape = purpose?.fact.protocol === 'udp' || !talks ? undefined : purpose?.fact.shape;
    const expected = expectedOf(flows, channel, shape);
    return [{channel, listening: bound, purpose, expected, pairs: pairsOf(flows, channel, expected)}];
  });
  known.set(graph, all);
  return all;
}

function emptyChannel(protocol: 'tcp' | 'udp', port: number, at: Channel['at']): Channel {
  return {
    protocol,
    port,
    at,
    cells: new Map(),
    servers: new Set(),
    callers: new Set(),
    listening: new Set(),
    elsewhere: [],
  };
}

/** A port, `tcp/PORT`, a purpose’s key, a plugin, or a program that listens or calls. */
export function isCalled({channel, purpose, listening}: Known, what: string): boolean {
  const {protocol, port, servers, callers} = channel;
  const comm = what.slice(0, 15);
  return (
    [`${port}`, `${protocol}/${port}`, purpose?.fact.key, purpose?.fact.of].includes(what) ||
    [...servers, ...callers, ...(listening?.programs ?? [])].some(name => name === what || name === comm)
  );
}

/** The plugins’ own ports first, in the order that `PORTS` tells of them, then by how much goes over them. */
export function inOrder(all: readonly Known[]): Known[] {
  const rank = ({purpose}: Known) => (purpose ? PORTS.indexOf(purpose.fact) : PORTS.length);
  const size = ({channel}: Known) => channel.cells.size;
  return [...all].sort((a, b) => rank(a) - rank(b) || size(b) - size(a) || a.channel.port - b.channel.port);
}
