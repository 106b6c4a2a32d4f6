import type {Gap} from '../facts/evidence.ts';
import type {Dated, Snapshot} from '../facts/snapshot.ts';
import {timeOfDay} from './words.ts';

/** What every sweep reads (cadence `sweep`), in plain words, by the fact that answers name their gaps by. */
const EACH_SWEEP: readonly (readonly [
  fact: string,
  what: string,
  of: (snapshot: Snapshot) => Dated<unknown> | undefined,
])[] = [
  ['namespaces', 'which processes are in which network namespace is', ({members}) => members],
  ['sockets', 'its sockets are', ({sockets}) => sockets],
  ['owners', 'which process holds which socket is', ({owners}) => owners],
  ['processes', 'its processes are', ({processes}) => processes],
  ['memberships', 'which processes are in which container is', ({memberships}) => memberships],
  ['counters', "its interfaces' counters are", newestCounters],
];

/** What a follow-up may read once more, by another reader: the others tell which was the last whole sweep. */
const READ_AGAIN = new Set(['sockets', 'owners']);

/**
 * What stands in a snapshot from an earlier sweep though each sweep reads it: the last reading of it failed. Facts of
 * one sweep have its number, so they are held against the newest of them, not against the snapshot's own number: a
 * sweep that only follows up on the last one (FDBs) reads none of them and has a number of its own.
 */
export function oldGaps(snapshot: Snapshot, name: string): Gap[] {
  const read = EACH_SWEEP.flatMap(([fact, what, of]) => {
    const dated = of(snapshot);
    return dated ? [{fact, what, dated}] : [];
  });
  const whole = read.filter(({fact}) => !READ_AGAIN.has(fact));
  const newest = Math.max(...(whole.length > 0 ? whole : read).map(({dated}) => dated.sweep));
  return read
    .filter(({dated}) => dated.sweep < newest)
    .map(({fact, what, dated}) => {
      const sweeps = newest - dated.sweep;
      return {
        node: snapshot.node,
        fact,
        reason: `On ${name}, ${what} as of ${timeOfDay(dated.at)}, ${sweeps} ${sweeps === 1 ? 'sweep' : 'sweeps'} ago: the last reading failed.`,
      };
    });
}

/** Of all namespaces: one that lost its last process keeps the counters of then, and that is no failure. */
function newestCounters({netns}: Snapshot): Dated<unknown> | undefined {
  let newest: Dated<unknown> | undefined;
  for (const {counters} of netns.values()) {
    if (counters && counters.sweep >= (newest?.sweep ?? 0)) newest = counters;
  }
  return newest;
}
