/** One path of the API, kept as it is now: stripped objects as text, listed once and then watched. */
import type {Keep} from '../source.ts';
import {backoff, type Timing} from '../timing.ts';
import type {KubeClient} from './client.ts';
import {KubeError} from './error.ts';
import {strip} from './keep.ts';
import {type ApiObject, pagesOf, Refused, watchFrom} from './list.ts';
import type {Refusal} from './sentences.ts';

export type Resource = {
  readonly path: string;
  /** Rises with every change of `objects` or `refusal`; 0 before anything is known. */
  readonly version: number;
  /** Each object as JSON on one line, in the order that the API lists them. */
  objects(): Iterable<string>;
  readonly bytes: number;
  /** Why the API does not tell of it. What it told before stands. */
  readonly refusal: Refusal | undefined;
  /** There is more of it than is kept. */
  readonly cut: boolean;
  /** Begins; resolves when it was listed, or refused, or the API could not be asked. */
  start(): Promise<void>;
  /** From now on changes are followed; before, one list is enough. */
  follow(): void;
  /** Tries again now. */
  retry(): void;
};

export type ResourceParts = {
  readonly client: KubeClient;
  readonly path: string;
  readonly keep: Keep;
  /** Bytes that are kept at most. */
  readonly limit: number;
  readonly timing: Timing;
  readonly signal: AbortSignal;
  /** The API answered, or could not be asked. */
  readonly tell: (failure: KubeError | undefined) => void;
};

/** How long a refused resource waits: rights are granted by people. */
const REFUSED_MS = 60_000;

export function createResource({client, path, keep, limit, timing, signal, tell}: ResourceParts): Resource {
  let objects = new Map<string, string>();
  let bytes = 0;
  let version = 0;
  let kind = '';
  let refusal: Refusal | undefined;
  let cut = false;
  let started = false;
  let wake = () => {};
  const first = Promise.withResolvers<void>();
  const following = Promise.withResolvers<void>();

  const keyOf = (object: ApiObject): string => {
    const {uid, namespace, name} = (object['metadata'] ?? {}) as Record<string, unknown>;
    return typeof uid === 'string' ? uid : `${namespace}/${name}`;
  };

  const put = (into: Map<string, string>, object: ApiObject): boolean => {
    const line = JSON.stringify({kind, ...(strip(object, keep) as object)});
    const key = keyOf(object);
    const before = into.get(key);
    if (before === line) return false;
    into.set(key, line);
    bytes += line.length - (before?.length ?? 0);
    return true;
  };

  const list = async (): Promise<string> => {
    let fresh = new Map<string, string>();
    let at = '';
    const was = bytes;
    const begin = () => {
      fresh = new Map();
      bytes = 0;
    };
    begin();
    cut = false;
    try {
      for await (const page of pagesOf(client, path, begin, signal)) {
        kind = page.kind;
        at = page.resourceVersion;
        for (const object of page.items) if (bytes < limit) put(fresh, object);
        if (bytes < limit) continue;
        cut = true;
        break;
      }
    } catch (error) {
      bytes = was;
      throw error;
    }
    objects = fresh;
    refusal = undefined;
    version += 1;
    return at;
  };

  const watch = async (from: string): Promise<void> => {
    let at = from;
    let attempt = 0;
    while (!signal.aborted) {
      const began = timing.now();
      try {
        const outcome = await watchFrom(
          client,
          path,
          at,
          () => tell(undefined),
          (change, next) => {
            at = next;
            attempt = 0;
            if (change.type === 'bookmark') return;
            if (change.type === 'gone') {
              const key = keyOf(change.object);
              bytes -= objects.get(key)?.length ?? 0;
              if (objects.delete(key)) version += 1;
            } else if (bytes >= limit) cut = true;
            else if (put(objects, change.object)) version += 1;
          },
          timing.random(),
          signal,
        );
        tell(undefined);
        if (outcome === 'expired') return;
        // A server, or something in between, that ends watches at once must not be asked in a tight loop.
        if (timing.now() - began < 5000) await wait(backoff(attempt++, timing.random()));
        else attempt = 0;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (signal.aborted) return;
        tell(error);
        await wait(error.final ? undefined : backoff(attempt++, timing.random()));
      }
    }
  };

  const wait = (milliseconds: number | undefined) =>
    new Promise<void>(resolve => {
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = milliseconds === undefined ? () => {} : timing.after(milliseconds, done);
      wake = done;
      signal.addEventListener('abort', done, {once: true});
      if (signal.aborted) done();
    });

  const live = async () => {
    let attempt = 0;
    while (!signal.aborted) {
      try {
        const at = await list();
        attempt = 0;
        tell(undefined);
        first.resolve();
        await following.promise;
        // Too much of it is kept already: what changed in the rest could not be told.
        if (cut) await wait(REFUSED_MS);
        else await watch(at);
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof Refused) {
          // It was asked and it answered.
          tell(undefined);
          if (refusal?.reason !== error.refusal.reason) version += 1;
          refusal = error.refusal;
          first.resolve();
          const soon = error.status === 429 || error.status >= 500;
          await wait(soon ? backoff(attempt++, timing.random()) : REFUSED_MS);
        } else {
          const failure = error instanceof KubeError ? error : client.broken(error);
          tell(failure);
          first.resolve();
          await wait(failure.final ? undefined : backoff(attempt++, timing.random()));
        }
      }
    }
    first.resolve();
  };

  return {
    path,
    get version() {
      return version;
    },
    get bytes() {
      return bytes;
    },
    get refusal() {
      return refusal;
    },
    get cut() {
      return cut;
    },
    objects: () => objects.values(),
    start() {
      if (!started) {
        started = true;
        void live();
      }
      return first.promise;
    },
    follow: following.resolve,
    retry: () => wake(),
  };
}
