import {createMailbox} from './mailbox.ts';
import {CLUSTER, type Source} from './source.ts';

/** Nodes read by one source, the cluster's API by another. Neither waits for the other. */
export function together(nodes: Source, cluster: Source): Source {
  return {
    get nodes() {
      return nodes.nodes;
    },
    cluster: true,
    sweep(reads, signal) {
      const [ofCluster, ofNodes] = [true, false].map(own =>
        reads.filter(({node}) => (node === CLUSTER) === own),
      );
      return merged([
        ...(ofNodes!.length > 0 ? [nodes.sweep(ofNodes!, signal)] : []),
        ...(ofCluster!.length > 0 ? [cluster.sweep(ofCluster!, signal)] : []),
      ]);
    },
    events: signal => merged([nodes.events(signal), cluster.events(signal)]),
    redial(node) {
      if (node !== CLUSTER) nodes.redial?.(node);
      if (node === undefined || node === CLUSTER) cluster.redial?.(CLUSTER);
    },
    async close() {
      await Promise.all([nodes.close(), cluster.close()]);
    },
  };
}

/** Everything that several sources tell, as it comes. Whoever walks away leaves all of them. */
async function* merged<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const [only] = sources;
  if (only && sources.length === 1) {
    yield* only;
    return;
  }
  const box = createMailbox<T>();
  const iterators = sources.map(source => source[Symbol.asyncIterator]());
  const all = iterators.map(async iterator => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) box.put(next.value);
  });
  void Promise.allSettled(all).then(results => {
    const failed = results.find(result => result.status === 'rejected');
    if (failed) failure = failed;
    box.close();
  });
  let failure: PromiseRejectedResult | undefined;
  try {
    yield* box;
    if (failure) throw failure.reason;
  } finally {
    for (const iterator of iterators) void iterator.return?.();
  }
}
