import {type Become, unasking} from './become.ts';
import {type Patience, usualPatience} from './channel.ts';
import {createMailbox, type Mailbox} from './mailbox.ts';
import {createNode} from './node.ts';
import {wanted} from './script.ts';
import type {Dial} from './shell.ts';
import type {NodeEvent, Source, SourceEvent} from './source.ts';
import {realTiming, type Timing} from './timing.ts';

/** Handshakes at the same time. OpenSSH drops connections beyond 10 by default (MaxStartups). */
export const IN_FLIGHT = 8;

export type RemoteOptions = {
  readonly nodes: readonly string[];
  readonly dial: Dial;
  /** Handshakes at the same time; `IN_FLIGHT` when not given. */
  readonly inFlight?: number;
  readonly patience?: Partial<Patience>;
  readonly timing?: Timing;
  /** How reads come to run as root; what needs nobody is tried when not given. */
  readonly become?: Become;
  /** By node: what Kubernetes calls it, where the person says so. */
  readonly kubernetes?: ReadonlyMap<string, string>;
};

export type RemoteSource = Source &
  Required<Pick<Source, 'redial'>> & {
    /** One more node to keep reached, unless there is one of that name; its events begin at once. */
    add(id: string): void;
  };

/** A `Source` over any way of starting a shell on a node; see `node.ts` for how a node is kept reached. */
export function createRemoteSource({
  nodes: ids,
  dial,
  inFlight = IN_FLIGHT,
  patience = {},
  timing = realTiming,
  become = unasking,
  kubernetes = new Map(),
}: RemoteOptions): RemoteSource {
  const listeners = new Set<Mailbox<NodeEvent & {type: 'node'}>>();
  const tell = (event: NodeEvent) => {
    for (const listener of listeners) listener.put({type: 'node', ...event});
  };
  const turn = createTurns(inFlight);
  const parts = {dial, timing, patience: {...usualPatience, ...patience}, turn, tell, become};
  const make = (id: string) => createNode(id, {...parts, kubernetes: kubernetes.get(id)});
  const nodes = new Map(ids.map(id => [id, make(id)]));
  const sweeps = new Set<Mailbox<SourceEvent>>();
  let closed = false;

  return {
    get nodes() {
      return [...nodes.keys()];
    },

    async *sweep(reads, signal) {
      if (closed || signal.aborted) return;
      const shares = Map.groupBy(reads, read => read.node);
      for (const read of reads) wanted(read);
      const asked = [...shares].map(([id, share]) => {
        const node = nodes.get(id);
        if (node === undefined) throw new RangeError(`There is no node called ${id}.`);
        return {node, share};
      });
      const box = createMailbox<SourceEvent>();
      const leave = () => void box.return?.();
      signal.addEventListener('abort', leave, {once: true});
      sweeps.add(box);
      const all = asked.map(async ({node, share}) => {
        const swept = await node.sweep(share, reply => box.put({type: 'reply', ...reply}));
        if (swept) box.put({type: 'swept', ...swept});
      });
      void Promise.allSettled(all).then(box.close);
      try {
        yield* box;
      } finally {
        signal.removeEventListener('abort', leave);
        sweeps.delete(box);
      }
    },

    async *events(signal) {
      if (closed || signal.aborted) return;
      const box = createMailbox<NodeEvent & {type: 'node'}>();
      const leave = () => void box.return?.();
      signal.addEventListener('abort', leave, {once: true});
      for (const node of nodes.values()) box.put({type: 'node', ...node.state});
      listeners.add(box);
      for (const node of nodes.values()) node.start();
      try {
        yield* box;
      } finally {
        signal.removeEventListener('abort', leave);
        listeners.delete(box);
      }
    },

    add(id) {
      if (closed || nodes.has(id)) return;
      const node = make(id);
      nodes.set(id, node);
      tell(node.state);
      if (listeners.size > 0) node.start();
    },

    redial(id) {
      for (const [name, node] of nodes) if (id === undefined || id === name) node.redial();
    },

    async close() {
      closed = true;
      for (const box of [...sweeps, ...listeners]) void box.return?.();
      await Promise.all([...nodes.values()].map(node => node.close()));
    },
  };
}

/** Lets `most` run at a time, in the order they came; one that calls `yieldTurn` lets the next one in meanwhile. */
function createTurns(most: number): <T>(run: (yieldTurn: () => void) => Promise<T>) => Promise<T> {
  let free = Math.max(1, most);
  const queue: (() => void)[] = [];
  return async run => {
    if (free > 0) free -= 1;
    else await new Promise<void>(resolve => queue.push(resolve));
    let mine = true;
    const give = () => {
      if (!mine) return;
      mine = false;
      const next = queue.shift();
      if (next) next();
      else free += 1;
    };
    try {
      return await run(give);
    } finally {
      give();
    }
  };
}
