import {type ConntrackTable, FLAG, TRACKED_STATES} from '../facts/conntrack/table.ts';
import {createFlows, type Flow, isTranslated, originalOf, translatedOf} from './flows.ts';
import {isLoopbackAt} from './words.ts';

/** What one node tracks; `places` is `Namespace.index` by the table's `netnsIndex`. */
export type Tracked = {
  readonly table: ConntrackTable;
  readonly places: readonly number[];
  /** A BPF datapath translates services there: what conntrack does not have may be translated all the same. */
  readonly ebpf: boolean;
  /** It was read with the sockets, or later: a connection that they show and it does not have is not translated there. */
  readonly current: boolean;
};

/**
 * The translations on the way of connections: a chain is a list of tracked connections in the order that the client's
 * packets meet them. Columns; `next` is the place of the step behind, -1 at the end.
 */
export type Steps = {
  readonly node: Int32Array;
  readonly entry: Int32Array;
  readonly next: Int32Array;
};

export type StepList = {
  /** Adds one chain, client's side first; answers where it begins. */
  add(chain: readonly Step[]): number;
  finish(): Steps;
};

export type Step = {readonly node: number; readonly entry: number};

export function createSteps(): StepList {
  const node: number[] = [];
  const entry: number[] = [];
  const next: number[] = [];
  const shared = (list: readonly number[]) => {
    const column = new Int32Array(new SharedArrayBuffer(list.length * 4));
    column.set(list);
    return column;
  };
  return {
    add(chain) {
      const first = node.length;
      chain.forEach((step, i) => {
        node.push(step.node);
        entry.push(step.entry);
        next.push(i + 1 < chain.length ? first + i + 1 : -1);
      });
      return chain.length > 0 ? first : -1;
    },
    finish: () => ({node: shared(node), entry: shared(entry), next: shared(next)}),
  };
}

/** A chain as steps again. */
export function stepsFrom(steps: Steps, first: number): Step[] {
  const chain: Step[] = [];
  for (let at = first; at >= 0 && at < steps.node.length; at = steps.next[at]!) {
    chain.push({node: steps.node[at]!, entry: steps.entry[at]!});
  }
  return chain;
}

/** What conntrack says of the connection as such. */
export type Phase = 'open' | 'unanswered' | 'closing';

const CLOSING = new Set(
  ['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'CLOSED', 'SHUTDOWN_ACK_SENT'].map(name =>
    TRACKED_STATES.indexOf(name as (typeof TRACKED_STATES)[number]),
  ),
);

export function phaseOf(table: ConntrackTable, entry: number): Phase {
  if (table.flags[entry]! & FLAG.unreplied) return 'unanswered';
  return CLOSING.has(table.state[entry]!) ? 'closing' : 'open';
}

/** Where following a flow led. */
export type Way = {
  /** The translations met, client's side first. */
  readonly chain: readonly Step[];
  /** Namespace of the last of them. */
  readonly place: number;
  /** Several nodes translate the same flow, and nothing tells which of them has this one. */
  readonly forked: boolean;
};

/** Nobody is translated more often. */
const MOST = 6;

/** Follows connections through what all nodes track. */
export function createTracks(tracked: readonly (Tracked | undefined)[]) {
  const count = tracked.reduce((sum, one) => sum + (one?.table.count ?? 0), 0);
  const read = (of: typeof originalOf) => (node: number, entry: number, flow: Flow) =>
    of(tracked[node]!.table, entry, flow);
  const byOriginal = createFlows(count, read(originalOf));
  const byTranslated = createFlows(count, read(translatedOf));
  tracked.forEach((one, node) => {
    for (let entry = 0; entry < (one?.table.count ?? 0); entry += 1) {
      byOriginal.add(node, entry);
      byTranslated.add(node, entry);
    }
  });
  const placeOf = ({node, entry}: Step): number => {
    const {table, places} = tracked[node]!;
    return places[table.netnsIndex[entry]!]!;
  };

  /**
   * From a socket in `place` on `node`: changes `flow` to what arrives at the other end (`forward`), or, from the
   * server's side, to what the client sends (backward).
   */
  function follow(flow: Flow, node: number, place: number, forward: boolean): Way {
    const chain: Step[] = [];
    let at = place;
    let nodeAt = node;
    let forked = false;
    while (chain.length < MOST && !forked) {
      const found: Step[] = [];
      (forward ? byOriginal : byTranslated).each(flow, (otherNode, entry) => {
        const step = {node: otherNode, entry};
        if (isTranslated(tracked[otherNode]!.table, entry) && !chain.some(one => same(one, step)))
          found.push(step);
      });
      // Its own namespace's comes first, then its node's; then whichever other node has it.
      const fitting =
        nearest(found, step => placeOf(step) === at) ??
        nearest(found, step => step.node === nodeAt) ??
        (staysInside(flow) ? [] : found);
      if (fitting.length === 0) break;
      forked = fitting.length > 1;
      const [step] = fitting;
      if (forked) break;
      chain.push(step!);
      at = placeOf(step!);
      nodeAt = step!.node;
      (forward ? translatedOf : originalOf)(tracked[step!.node]!.table, step!.entry, flow);
    }
    return {chain: forward ? chain : chain.reverse(), place: at, forked};
  }

  return {
    count,
    follow,
    /** The tracked connection of exactly this flow on a node, translated or not; undefined when there is none. */
    at(flow: Flow, node: number): Step | undefined {
      let found: Step | undefined;
      byOriginal.each(flow, (otherNode, entry) => {
        if (otherNode === node) found ??= {node: otherNode, entry};
      });
      return found;
    },
  };
}

export type Tracks = ReturnType<typeof createTracks>;

function nearest(found: readonly Step[], is: (step: Step) => boolean): Step[] | undefined {
  const near = found.filter(is);
  return near.length > 0 ? near : undefined;
}

function same(a: Step, b: Step): boolean {
  return a.node === b.node && a.entry === b.entry;
}

/** Loopback at either end: every node has the same addresses there. */
function staysInside(flow: Flow): boolean {
  return isLoopbackAt(flow, 1) || isLoopbackAt(flow, 5);
}
