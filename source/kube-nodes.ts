/** The nodes that the Kubernetes API lists: those to begin with, those that join the cluster later, and those that leave. */
import type {Target} from './cli/targets.ts';
import {EXIT} from './exit.ts';
import {CLUSTER_FACTS} from './facts/cluster.ts';
import {type ClusterNode, parseNodeObjects} from './facts/kube/nodes.ts';
import {UsageError} from './options.ts';
import {sshTargetOf} from './ssh-target.ts';
import {createMailbox, type Mailbox} from './wire/mailbox.ts';
import type {RemoteSource} from './wire/remote.ts';
import {CLUSTER, type NodeEvent, type Reply, type Source} from './wire/source.ts';
import type {Target as SshTarget} from './wire/ssh/target.ts';
import {together} from './wire/together.ts';

const FACT = 'kube-nodes';

/** The nodes that the API lists, as targets for SSH. Throws a `UsageError` with the cause where it cannot be asked. */
export async function nodesByApi(kube: Source): Promise<Target[]> {
  const stop = new AbortController();
  const fact = CLUSTER_FACTS.find(({name}) => name === FACT)!;
  let cause: string | undefined;
  let reply: Reply | undefined;
  const events = (async () => {
    for await (const event of kube.events(stop.signal))
      cause = event.state === 'lost' ? event.cause : undefined;
  })();
  const read = {node: CLUSTER, reader: fact.reader, scope: 'node', fresh: 'all'} as const;
  for await (const event of kube.sweep([read], stop.signal)) if (event.type === 'reply') reply = event;
  // A cause that was told is delivered by now.
  await new Promise(resolve => setImmediate(resolve));
  stop.abort();
  await events;
  const wrong = (sentence: string) => {
    void kube.close();
    return Object.assign(
      new UsageError(`${sentence} Or name the nodes: --nodes root@10.0.0.1,root@10.0.0.2.`),
      {exit: EXIT.none},
    );
  };
  if (!reply) throw wrong(cause ?? 'The Kubernetes API did not answer.');
  if (reply.err !== '') throw wrong(reply.err.split('\t').join(' '));
  const {rows} = parseNodeObjects(reply.out);
  if (rows.length === 0) throw wrong('The Kubernetes API lists no node.');
  return rows.map(targetOf).filter(dialled);
}

function targetOf({name, addresses}: ClusterNode): Target {
  const [address = name] = addresses;
  return {id: name, target: address.includes(':') ? `[${address}]` : address};
}

/** One whose name is no host is shown as the API has it, and not dialled. */
function dialled(one: Target): SshTarget | undefined {
  try {
    return sshTargetOf(one);
  } catch {
    return undefined;
  }
}

/**
 * `nodes`, which are dialled by `targets`, and the API, whose list they follow: a node that it lists later is dialled
 * then, one that has another address is dialled there, and of one that it lists no more that is said.
 */
export function followNodes(nodes: RemoteSource, cluster: Source, targets: Map<string, SshTarget>): Source {
  const both = together(nodes, cluster);
  const listeners = new Set<Mailbox<NodeEvent & {type: 'node'}>>();
  const last = new Map<string, NodeEvent>();
  /** By node: the sentence that says that it is listed no more. */
  const gone = new Map<string, string>();

  const told = (event: NodeEvent): NodeEvent & {type: 'node'} => {
    const warning = [event.warning, gone.get(event.node)].filter(Boolean).join(' ');
    const {warning: _, ...rest} = event;
    return {type: 'node', ...rest, ...(warning === '' ? {} : {warning})};
  };
  const tellAgain = (node: string, at: string) => {
    const event = last.get(node);
    if (event) for (const listener of listeners) listener.put(told({...event, at}));
  };

  const follow = ({out, err, at, truncated}: Reply) => {
    // A list that was refused, or cut, tells of nobody that is gone.
    if (err !== '' || truncated) return;
    const listed = parseNodeObjects(out).rows.map(targetOf);
    for (const one of listed) {
      const {id} = one;
      const target = dialled(one);
      if (!target) continue;
      const moved = targets.has(id) && targets.get(id)!.host !== target.host;
      targets.set(id, target);
      nodes.add(id);
      if (moved) nodes.redial(id);
      if (gone.delete(id)) tellAgain(id, at);
    }
    const names = new Set(listed.map(({id}) => id));
    for (const id of targets.keys()) {
      if (names.has(id) || gone.has(id)) continue;
      gone.set(id, `The Kubernetes API lists ${id} no more, since ${at.slice(11, 19)} UTC.`);
      tellAgain(id, at);
    }
  };

  return {
    get nodes() {
      return nodes.nodes;
    },
    cluster: true,
    async *sweep(reads, signal) {
      for await (const event of both.sweep(reads, signal)) {
        if (event.type === 'reply' && event.node === CLUSTER && event.fact === FACT) follow(event);
        yield event;
      }
    },
    async *events(signal) {
      if (signal.aborted) return;
      const box = createMailbox<NodeEvent & {type: 'node'}>();
      listeners.add(box);
      const left = new AbortController();
      const pump = async () => {
        for await (const event of both.events(AbortSignal.any([signal, left.signal]))) {
          const {type: _, ...plain} = event as NodeEvent & {type: 'node'};
          last.set(plain.node, plain);
          box.put(told(plain));
        }
      };
      void pump().finally(box.close);
      try {
        yield* box;
      } finally {
        listeners.delete(box);
        left.abort();
      }
    },
    redial: node => both.redial?.(node),
    close: () => both.close(),
  };
}
