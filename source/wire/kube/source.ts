/** The Kubernetes API as a `Source` of the node `CLUSTER`: raw JSON, stripped to what is read of it. */
import {createMailbox, type Mailbox} from '../mailbox.ts';
import {
  CLUSTER,
  type NodeEvent,
  type Read,
  type Reader,
  type Reply,
  type Source,
  type SourceEvent,
} from '../source.ts';
import {backoff, realTiming, type Timing} from '../timing.ts';
import type {KubeClient} from './client.ts';
import type {KubeError} from './error.ts';
import {createResource, type Resource} from './resource.ts';
import type {Refusal} from './sentences.ts';

export type KubeSourceOptions = {
  /** Reads the kubeconfig; called again when it failed and `redial` is called. Rejects with a `KubeError`. */
  readonly connect: (step: (step: string) => void, signal: AbortSignal) => Promise<KubeClient>;
  readonly timing?: Timing;
};

/** Bytes that are parsed in about a second on a slow machine: much larger answers are not repeated every sweep. */
const BYTES_A_SECOND = 4_000_000;

type Kept = {
  readonly reader: Reader;
  readonly resources: readonly Resource[];
  /** Versions of the resources that the last reply was made of. */
  told: string;
  notBefore: number;
};

export function createKubeSource({connect, timing = realTiming}: KubeSourceOptions): Source {
  const stop = new AbortController();
  /** Of one way to the API. */
  let life = new AbortController();
  const listeners = new Set<Mailbox<NodeEvent & {type: 'node'}>>();
  const kept = new Map<string, Kept>();
  const at = () => new Date(timing.now()).toISOString();
  const begun = at();
  let state: NodeEvent = {node: CLUSTER, at: begun, since: begun, state: 'dialling'};
  let client: Promise<KubeClient> | undefined;
  /** After a `connect` that failed: when it may be tried again. */
  let notBefore = 0;
  let failed = false;
  let attempt = 0;
  let open: KubeClient | undefined;
  let reached = false;
  let sweeps = 0;

  const say = (event: Pick<NodeEvent, 'state' | 'step' | 'cause' | 'warning'>) => {
    const now = at();
    const away = (one: string) => one === 'lost' || one === 'dialling';
    const goesOn = event.state === state.state || (away(event.state) && away(state.state));
    state = {node: CLUSTER, at: now, since: goesOn ? (state.since ?? state.at) : now, ...event};
    for (const listener of listeners) listener.put({type: 'node', ...state});
  };

  const tell = (failure: KubeError | undefined) => {
    if (stop.signal.aborted) return;
    if (failure) {
      if (state.state !== 'lost' || state.cause !== failure.message)
        say({state: 'lost', cause: failure.message});
    } else if (state.state === 'lost' || state.state === 'dialling') {
      const warning = open?.access.insecure
        ? `The API server is not verified: the kubeconfig says insecure-skip-tls-verify.`
        : undefined;
      say({state: reached ? 'back' : 'ready', ...(warning === undefined ? {} : {warning})});
      reached = true;
    }
  };

  const connected = (): Promise<KubeClient> => {
    if (client && failed && timing.now() >= notBefore) client = undefined;
    if (!client) failed = false;
    const mine = life;
    client ??= connect(
      step => {
        if (!reached && state.state === 'dialling') say({state: 'dialling', step});
      },
      AbortSignal.any([stop.signal, mine.signal]),
    ).then(
      made => {
        if (life === mine) open = made;
        if (stop.signal.aborted || life !== mine) made.close();
        return made;
      },
      (error: KubeError) => {
        if (life !== mine) throw error;
        failed = true;
        notBefore = error.final
          ? Number.POSITIVE_INFINITY
          : timing.now() + backoff(attempt++, timing.random());
        tell(error);
        throw error;
      },
    );
    return client;
  };

  /** Forgets the way that was tried, so that it is found anew: the kubeconfig, the credentials, the connection. */
  const startOver = () => {
    life.abort();
    life = new AbortController();
    open?.close();
    open = undefined;
    client = undefined;
    kept.clear();
    attempt = 0;
  };

  const keep = (reader: Reader, made: KubeClient): Kept => {
    const known = kept.get(reader.name);
    if (known) return known;
    const {paths, keep: fields} = reader.api!;
    const mine = life;
    const resources = paths.map(path =>
      createResource({
        client: made,
        path,
        keep: fields,
        limit: reader.limit,
        timing,
        signal: AbortSignal.any([stop.signal, mine.signal]),
        tell: failure => life === mine && tell(failure),
      }),
    );
    const fresh = {reader, resources, told: '', notBefore: 0};
    kept.set(reader.name, fresh);
    return fresh;
  };

  const replyOf = (one: Kept, sweep: number, began: number): Reply => {
    const {reader, resources} = one;
    const out = listOf(resources);
    const refusals = resources.flatMap(({refusal, version, path}) =>
      version === 0 && !refusal ? [unlisted(path, reader.timeout)] : (refusal ?? []),
    );
    one.notBefore = timing.now() + (out.length / BYTES_A_SECOND) * 1000;
    return {
      node: CLUSTER,
      fact: reader.fact,
      reader: reader.name,
      sweep,
      at: at(),
      uptime: 0,
      ms: timing.now() - began,
      exit: refusals.length > 0 ? 1 : 0,
      out,
      err: refusals.map(({reason, reveal}) => `${reason}\t${reveal}`).join('\n'),
      ...(resources.some(({cut}) => cut) ? {truncated: true as const} : {}),
    };
  };

  const answer = async (reads: readonly Read[], signal: AbortSignal, put: (event: SourceEvent) => void) => {
    const began = timing.now();
    const made = await connected().catch(() => undefined);
    if (!made) return;
    const asked = reads.map(read => ({read, one: keep(read.reader, made)}));
    const patience = Math.max(...reads.map(({reader}) => reader.timeout)) * 1000;
    const tired = Promise.withResolvers<void>();
    const cancel = timing.after(patience, tired.resolve);
    signal.addEventListener('abort', () => tired.resolve(), {once: true});
    await Promise.race([
      Promise.all(asked.flatMap(({one}) => one.resources.map(resource => resource.start()))),
      tired.promise,
    ]);
    cancel();
    if (sweeps > 0) for (const {one} of asked) for (const resource of one.resources) resource.follow();
    if (signal.aborted || state.state === 'lost' || state.state === 'dialling') return;
    sweeps += 1;
    let bytes = 0;
    for (const {read, one} of asked) {
      const versions = one.resources.map(({version}) => version).join(' ');
      if (read.fresh !== 'all' && (one.told === versions || timing.now() < one.notBefore)) continue;
      one.told = versions;
      const reply = replyOf(one, sweeps, began);
      bytes += reply.out.length;
      put({type: 'reply', ...reply});
    }
    const wall = timing.now() - began;
    put({type: 'swept', node: CLUSTER, swept: sweeps, at: at(), uptime: 0, cpu: 0, wall, bytes, trips: 0});
  };

  return {
    nodes: [],
    cluster: true,
    async *sweep(reads, signal) {
      const own = reads.filter(({node, reader}) => node === CLUSTER && reader.api !== undefined);
      if (stop.signal.aborted || signal.aborted || own.length === 0) return;
      const box = createMailbox<SourceEvent>();
      const leave = () => void box.return?.();
      const either = AbortSignal.any([signal, stop.signal]);
      either.addEventListener('abort', leave, {once: true});
      void answer(own, either, box.put).finally(box.close);
      try {
        yield* box;
      } finally {
        either.removeEventListener('abort', leave);
      }
    },
    async *events(signal) {
      if (stop.signal.aborted || signal.aborted) return;
      const box = createMailbox<NodeEvent & {type: 'node'}>();
      const leave = () => void box.return?.();
      signal.addEventListener('abort', leave, {once: true});
      box.put({type: 'node', ...state});
      listeners.add(box);
      void connected().catch(() => {});
      try {
        yield* box;
      } finally {
        signal.removeEventListener('abort', leave);
        listeners.delete(box);
      }
    },
    redial(node) {
      if (node !== undefined && node !== CLUSTER) return;
      if (state.state === 'lost') return startOver();
      for (const {resources} of kept.values()) for (const resource of resources) resource.retry();
    },
    async close() {
      stop.abort();
      for (const listener of listeners) void listener.return?.();
      open?.close();
    },
  };
}

/** A list with each object on a line of its own. Of a large cluster it is many megabytes: it is written once, in place. */
function listOf(resources: readonly Resource[]): Uint8Array {
  const [first, last] = ['{"kind":"List","apiVersion":"v1","items":[\n', '\n]}\n'];
  let bytes = first.length + last.length;
  for (const resource of resources)
    for (const line of resource.objects()) bytes += Buffer.byteLength(line) + 2;
  const out = Buffer.allocUnsafeSlow(bytes);
  let at = out.write(first);
  let between = '';
  for (const resource of resources)
    for (const line of resource.objects()) {
      at += out.write(between, at);
      at += out.write(line, at);
      between = ',\n';
    }
  at += out.write(last, at);
  return new Uint8Array(out.buffer, 0, at);
}

/** A list that takes its time is not an empty one. */
function unlisted(path: string, seconds: number): Refusal {
  return {
    reason: `The Kubernetes API has not listed ${path.split('/').at(-1)} within ${seconds} s.`,
    reveal: 'Wait: it is still being asked.',
  };
}
