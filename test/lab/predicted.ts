/** Computed paths held against what packets really crossed. */
import type {LabStatus} from '../../demo/lab/status.ts';
import type {Graph, Namespace} from '../../source/model/graph.ts';
import {undoing} from '../../source/model/path/answer.ts';
import {byRules} from '../../source/model/path/hooks.ts';
import type {Way} from '../../source/model/path/hop.ts';
import {answerTo, packetTo} from '../../source/model/path/packet.ts';
import {walk} from '../../source/model/path/walk.ts';
import type {Crossed, Crossing} from './crossed.ts';
import type {Wanted} from './marks.ts';
import {placeName} from './places.ts';

/** `worker-1 shop/db-0 eth0 out`, with the tunnel's ends where it is in one. */
export type Line = string;

/** What was computed, and what was seen, of one packet. `ways` has one unless something chooses. */
export type Compared = {
  readonly wanted: Wanted;
  readonly seen: readonly Line[];
  readonly ways: readonly (readonly Line[])[];
  readonly answerSeen: readonly Line[];
  readonly answerWays: readonly (readonly Line[])[];
  readonly outcome: string;
  /** Of each of `ways`: is it delivered? */
  readonly delivered: readonly boolean[];
  /** What came back, in words; undefined when nothing did. */
  readonly answer: string | undefined;
};

export function seenLines(crossings: readonly Crossing[], nodes: ReadonlySet<string>): Line[] {
  return crossings
    .filter(({node}) => nodes.has(node))
    .map(crossing => {
      const inner = crossing.layers.at(-1)!;
      const outer = crossing.layers.length > 1 ? ` in ${ends(crossing.layers[0]!)}` : '';
      return `${placeName(crossing)} ${crossing.link} ${crossing.direction} ${ends(inner)}${outer}`;
    });
}

/** Without ports: a sender chooses its own, and so does a tunnel. */
function ends({source, destination}: Crossing['layers'][number]): string {
  const bare = (end: string) => end.replace(/^\[(.*)\]:\d+$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  return `${bare(source)}→${bare(destination)}`;
}

export function wayLines(way: Way): Line[] {
  return way.hops.flatMap(({way: how, iface, packet, layers}) => {
    if (!iface || (how !== 'in' && how !== 'out')) return [];
    const {namespace, link} = iface;
    const pod = namespace.kind === 'pod' ? namespace.pods[0] : undefined;
    const inner = layers[0]?.inner ?? packet;
    const outer = layers.length > 0 ? ` in ${packet.source}→${packet.destination}` : '';
    const place = placeName({
      node: namespace.node.name,
      ...(pod ? {pod: `${pod.namespace}/${pod.name}`} : {}),
    });
    return [`${place} ${link.name} ${how} ${inner.source}→${inner.destination}${outer}`];
  });
}

/** The namespace that a lab's place is. */
export function namespaceAt(graph: Graph, {from}: Wanted): Namespace {
  const node = graph.nodes.find(({name}) => name === from.node)!;
  if (!from.pod) return node.host!;
  return node.pods.find(pod => `${pod.namespace}/${pod.name}` === from.pod)!.netns!;
}

export function compare(graph: Graph, status: LabStatus, seen: readonly Crossed[]): Compared[] {
  // Only what hoptop read can be predicted: of a router that it may not log in to, nothing.
  const read = new Set(graph.nodes.map(({name}) => name));
  const nodes = new Set([...status.nodes.map(({name}) => name), ...read]);
  return seen.map(({wanted, forward, reply, answer}) => {
    const packet = packetTo(wanted.to, wanted.protocol, wanted.port);
    const {ways} = walk(graph, {namespace: namespaceAt(graph, wanted), packet}, byRules);
    const backs = ways.flatMap(way => {
      const turned = answerTo(way.packet);
      if (way.outcome !== 'delivered' || !way.target || !turned) return [];
      return walk(
        graph,
        {namespace: way.target, packet: turned},
        undoing(way.translations),
        way.translations,
        way.connmarks,
      ).ways;
    });
    return {
      wanted,
      seen: seenLines(forward, nodes),
      ways: ways.map(wayLines),
      answerSeen: seenLines(reply, nodes),
      answerWays: backs.map(wayLines),
      delivered: ways.map(({outcome}) => outcome === 'delivered'),
      answer,
      outcome: ways
        .map(({outcome, hops}) => (outcome === 'delivered' ? outcome : `${outcome}: ${hops.at(-1)?.say}`))
        .join(', '),
    };
  });
}

/** What the kernel delivered, as the answer shows (of a closed port too), is delivered by the way that is what was seen. */
export function isDelivered(
  {seen, ways, delivered, answer}: Compared,
  as = (lines: readonly Line[]) => lines,
): boolean {
  const arrived = answer !== undefined && !answer.startsWith('icmp');
  return !arrived || ways.some((way, i) => delivered[i] && isExact(as(seen), [as(way)]));
}

/** Is what was seen one of the ways that were computed, in its order? */
export function isExact(seen: readonly Line[], ways: readonly (readonly Line[])[]): boolean {
  const text = seen.join('\n');
  return ways.some(way => way.join('\n') === text);
}

/**
 * Without the bridge's own interface between two of its ports: whether it sends what was translated on it depends on
 * how long ago the neighbour answered, to the second (`br_nf_pre_routing_finish_bridge`).
 */
export function plain(lines: readonly Line[]): Line[] {
  return lines.filter((line, i) => {
    const [before, after] = [lines[i - 1], lines[i + 1]];
    const isBridge = / cni0 out /.test(line);
    return !(
      isBridge &&
      before !== undefined &&
      after !== undefined &&
      / veth\w+ in /.test(before) &&
      / veth\w+ out /.test(after)
    );
  });
}
