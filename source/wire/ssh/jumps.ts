/** Connections to jump hosts, each shared by every node behind it and kept as long as one of them needs it. */
import type {Report} from '../shell.ts';
import type {Hop} from './config.ts';
import type {Link} from './connection.ts';
import {stopped} from './socket.ts';

export type Lease = {
  readonly link: Link;
  /** To be called once this user is done with it; the last one ends the connection. */
  readonly release: () => void;
};

export type Jumps = {
  /** A connection to the last of `hops`, made through the ones before it. Rejects with a `DialError`. */
  take(hops: readonly Hop[], report: Report, signal: AbortSignal): Promise<Lease>;
};

type Shared = {
  readonly link: Promise<Link>;
  readonly abort: AbortController;
  readonly reports: Set<Report>;
  users: number;
};

/** `reach` makes the connection: it is called once for all who ask for the same hops at a time. */
export function createJumps(
  reach: (hops: readonly Hop[], report: Report, signal: AbortSignal) => Promise<Link>,
): Jumps {
  const open = new Map<string, Shared>();

  const begin = (key: string, hops: readonly Hop[]): Shared => {
    const abort = new AbortController();
    const reports = new Set<Report>();
    const tell: Report = (step, person) => {
      for (const report of reports) report(step, person);
    };
    // A moment later: whoever asked first listens to the first step too.
    const link = Promise.resolve().then(() => reach(hops, tell, abort.signal));
    const shared: Shared = {abort, reports, users: 0, link};
    const forget = () => {
      if (open.get(key) === shared) open.delete(key);
    };
    open.set(key, shared);
    // A connection that broke is made anew by whoever asks next.
    shared.link.then(link => link.lost.then(forget), forget);
    return shared;
  };

  return {
    async take(hops, report, signal) {
      // Whatever else they are called: two names of one host with other keys or host keys are two connections.
      const key = JSON.stringify(hops.map(({alias, ...hop}) => hop));
      const shared = open.get(key) ?? begin(key, hops);
      shared.users += 1;
      shared.reports.add(report);
      let released = false;
      const release = () => {
        if (released) return;
        released = true;
        shared.users -= 1;
        if (shared.users > 0) return;
        if (open.get(key) === shared) open.delete(key);
        shared.abort.abort();
        shared.link.then(
          link => link.end(),
          () => {},
        );
      };
      const given = Promise.withResolvers<never>();
      const abandon = () => given.reject(stopped({hop: hops.at(-1)!, through: []}));
      signal.addEventListener('abort', abandon, {once: true});
      if (signal.aborted) abandon();
      try {
        return {link: await Promise.race([shared.link, given.promise]), release};
      } catch (error) {
        release();
        throw error;
      } finally {
        signal.removeEventListener('abort', abandon);
        shared.reports.delete(report);
      }
    },
  };
}
