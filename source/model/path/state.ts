import type {Grade, Graph, Interface, Namespace} from '../graph.ts';
import type {Asked, Clue, Hop, Layer, Outcome, Translation} from './hop.ts';
import type {Packet} from './packet.ts';

/** What a namespace's netfilter rules may make of a packet at one hook. */
export type HookBranch = {
  readonly fate: 'on' | 'dropped' | 'rejected' | 'unknown';
  /** Share of new connections, 0 to 1. */
  readonly probability: number;
  readonly packet: Packet;
  /** Mark of the connection in this namespace, as the rules leave it. */
  readonly connmark?: number;
  readonly clues: readonly Clue[];
  readonly why: string;
  /** The rules were not read, or not all of them are understood: all that follows is inferred. */
  readonly doubt?: true | undefined;
};
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
/** What rules can ask beside what is in the packet. */
export type Met = {
  readonly in?: string;
  readonly out?: string;
  /** What conntrack says of it (`--ctstate`), if it is the first of its connection. */
  readonly tracked?: readonly string[];
  /** It is what a tunnel wrapped around another. */
  readonly outer?: boolean;
};
export type Hooks = (
  namespace: Namespace,
  hook: Hook,
  packet: Packet,
  devices: Met,
  connmark: number,
) => readonly HookBranch[];

/** What stays the same on all ways of one question. */
export type World = {
  readonly graph: Graph;
  readonly hooks: Hooks;
  /** Translations of the way there, which are undone on the way back. */
  readonly undo: readonly Translation[];
};

/** What has been walked so far. */
export type Trail = {
  readonly hops: readonly Hop[];
  readonly choices: readonly string[];
  readonly share: number | undefined;
  readonly translations: readonly Translation[];
  /** Marks of the connection, by index of the namespace that keeps them. */
  readonly connmarks: ReadonlyMap<number, number>;
  /** Doubts that weigh on all that follows. */
  readonly grade: Grade;
};

/** A packet with what is wrapped around it. */
export type Load = {readonly packet: Packet; readonly layers: readonly Layer[]};

/** A frame on a link. */
export type Frame = Load & {
  /** Destination MAC address; undefined on links without, or where nobody has asked for it yet. */
  readonly mac: string | undefined;
  /** The address whose MAC that is, or would be: the next hop's. */
  readonly next: string;
};

/** Where the packet is and what is to be worked out next. */
export type At =
  | ({
      readonly step: 'send';
      readonly namespace: Namespace;
      readonly oif?: string;
      readonly clues: readonly Clue[];
    } & Load)
  | ({
      readonly step: 'leave';
      readonly iface: Interface;
      readonly next: string;
      readonly clues: readonly Clue[];
      readonly grade: Grade;
      readonly asked?: Asked;
      readonly routeMtu?: number;
    } & Load)
  | ({readonly step: 'emit'; readonly iface: Interface} & Frame)
  | ({readonly step: 'arrive'; readonly iface: Interface} & Frame)
  | ({
      readonly step: 'route';
      readonly iface: Interface;
      /** PREROUTING was asked on the bridge already. */
      readonly prerouted?: true;
    } & Load)
  | ({readonly step: 'done'; readonly outcome: Outcome; readonly target?: Namespace} & Load);

export type State = At & {readonly trail: Trail};

type HopParts = Partial<Hop> & Pick<Hop, 'way' | 'say'>;

/** A hop at an interface. */
export function hopAt(iface: Interface, load: Load, parts: HopParts): Hop {
  return {
    status: 'ok',
    node: iface.namespace.node,
    namespace: iface.namespace,
    iface,
    clues: [],
    grade: 'proven',
    packet: load.packet,
    layers: load.layers,
    ...parts,
  };
}

/** A hop in a namespace, at no interface of it. */
export function hopIn(namespace: Namespace, load: Load, parts: HopParts): Hop {
  return {
    status: 'ok',
    node: namespace.node,
    namespace,
    iface: undefined,
    clues: [],
    grade: 'proven',
    packet: load.packet,
    layers: load.layers,
    ...parts,
  };
}

export function walked(trail: Trail, ...hops: readonly Hop[]): Trail {
  return {...trail, hops: [...trail.hops, ...hops]};
}

/** One of several: the share of each is that of the whole times its own, and unknown where that is. */
export function chose(trail: Trail, choice: string, share: number | undefined): Trail {
  return {
    ...trail,
    choices: [...trail.choices, choice],
    share: share === undefined || trail.share === undefined ? undefined : trail.share * share,
  };
}

/** The way ends here: lost, or not to be followed further. */
export function ended(trail: Trail, hop: Hop, outcome: Outcome, target?: Namespace): State {
  return {
    step: 'done',
    outcome,
    packet: hop.packet,
    layers: hop.layers,
    trail: walked(trail, hop),
    ...(target ? {target} : {}),
  };
}
