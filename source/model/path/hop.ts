import type {Evidence, Span} from '../../facts/evidence.ts';
import type {Dated} from '../../facts/snapshot.ts';
import type {Grade, GraphNode, Interface, Namespace} from '../graph.ts';
import type {Packet} from './packet.ts';

/** One line of a kernel's table that decided something, or a sentence about what could not be looked up. */
export type Clue = {
  readonly by:
    | 'rule'
    | 'route'
    | 'neighbour'
    | 'fdb'
    | 'pair'
    | 'link'
    | 'address'
    | 'setting'
    | 'tunnel'
    | 'translation'
    | 'fabric';
  /** As its tool prints it, or a sentence. */
  readonly text: string;
  readonly evidence: readonly Evidence[];
};

/** What is wrapped around the packet at a hop, the innermost first. */
export type Layer = {
  readonly kind: string;
  /** The tunnel device that wrapped it. */
  readonly device: Interface;
  /** VNI of vxlan and geneve, id of a vlan, key of gre. */
  readonly id?: number | string;
  readonly port?: number;
  /** Bytes that it takes from the MTU of what carries it. */
  readonly overhead: number;
  readonly inner: Packet;
  /** Destination MAC address of the frame inside, where there is a frame inside. */
  readonly innerMac?: string;
};

/**
 * One step of the way. `out` and `in`: the packet crosses an interface, and would be seen there by `tcpdump`.
 * `through`: a bridge hands it from port to port. `fabric`: something between nodes that was not read. `end`: it is
 * delivered, or it is lost here.
 */
export type Hop = {
  readonly way: 'out' | 'in' | 'through' | 'fabric' | 'end';
  readonly status: 'ok' | 'broken' | 'unknown';
  readonly node: GraphNode | undefined;
  readonly namespace: Namespace | undefined;
  readonly iface: Interface | undefined;
  /** One sentence, or less: what happens here. */
  readonly say: string;
  readonly clues: readonly Clue[];
  readonly grade: Grade;
  /** What would tell, where the tables read cannot. */
  readonly reveal?: string;
  /** The outermost packet here. */
  readonly packet: Packet;
  readonly layers: readonly Layer[];
  /** MTU of the route taken here, where that is narrower than the interface. */
  readonly routeMtu?: number;
  /** The routing question whose answer led here: what `ip route get` can be asked. */
  readonly asked?: Asked;
};

/** A routing decision as `ip route get` can be asked about it, and what was worked out. */
export type Asked = {
  readonly namespace: Namespace;
  readonly packet: Packet;
  /** Came in by this interface; absent for what the namespace itself sends. */
  readonly iif?: string;
  readonly oif?: string;
  readonly type: string;
  /** Every next hop that the packet may take; one unless it is multipath. */
  readonly hops: readonly {readonly dev?: string; readonly via?: string}[];
};

/** How a way ended. `left`: it went where no node was read, as it should, since its destination is there. */
export type Outcome = 'delivered' | 'broken' | 'unknown' | 'left';

/** One way that a packet may take. There are several where the kernel or a service chooses. */
export type Way = {
  readonly outcome: Outcome;
  readonly hops: readonly Hop[];
  /** What was chosen on the way that could have been otherwise, e.g. `next hop 1 of 2 (weight 1): via 10.0.0.3`. */
  readonly choices: readonly string[];
  /** 0 to 1 of the packets (of connections) that take it; undefined where the share is not known. */
  readonly share: number | undefined;
  /** Addresses as they arrive. */
  readonly packet: Packet;
  /** Where it was delivered. */
  readonly target: Namespace | undefined;
  readonly translations: readonly Translation[];
  /** Marks of the connection, by index of the namespace that keeps them. */
  readonly connmarks: ReadonlyMap<number, number>;
};

/** Addresses rewritten by a namespace, which rewrites the answers back (conntrack). */
export type Translation = {
  readonly namespace: Namespace;
  readonly before: Packet;
  readonly after: Packet;
};

/** Evidence of a row of `fact` read in a namespace. */
export function evidenceOf(
  namespace: Namespace,
  fact: string,
  dated: Dated<unknown> | undefined,
  span: Span,
): readonly Evidence[] {
  if (!dated) return [];
  const netns = fact === 'sysctls' ? {} : {netns: namespace.inode};
  return [{node: namespace.node.id, fact, ...netns, sweep: dated.sweep, from: span.from, to: span.to}];
}

export function linkClue(iface: Interface, by: Clue['by'], text: string): Clue {
  const {namespace, link} = iface;
  return {by, text, evidence: evidenceOf(namespace, 'network', namespace.facts?.links, link)};
}

const ORDER: readonly Grade[] = ['proven', 'inferred', 'ambiguous', 'unknown'];

export function worst(...grades: readonly Grade[]): Grade {
  return ORDER[Math.max(0, ...grades.map(grade => ORDER.indexOf(grade)))]!;
}
