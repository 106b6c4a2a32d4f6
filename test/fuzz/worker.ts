/** Runs cases one after the other, and says in shared memory which one it is at: who hangs cannot say so any more. */
import {parentPort, workerData} from 'node:worker_threads';
import {judge} from './judge.ts';
import {TARGETS} from './targets.ts';

export type Work = {
  /** [target, seed, cases so far]. */
  readonly at: SharedArrayBuffer;
  readonly seed: number;
  readonly only: string;
  /** Seeds of cases at which it ended before, as `target seed`. */
  readonly skip: readonly string[];
};

export type Found = {readonly target: string; readonly seed: number; readonly wrong: string};
export type Said = {
  readonly found?: Found;
  readonly slow?: {readonly target: string; readonly milliseconds: number};
};

const {at, seed: first, only, skip} = workerData as Work;
const state = new Int32Array(at);
const targets = TARGETS.map((target, index) => ({target, index})).filter(({target}) =>
  target.name.includes(only),
);
const slowest = new Map<string, number>();
const say = (said: Said) => parentPort!.postMessage(said);

for (let round = 0; ; round++) {
  for (const {target, index} of targets) {
    if (round % (target.every ?? 1) !== 0) continue;
    const seed = (first + round * 2_654_435 + index * 97) | 0;
    if (skip.includes(`${index} ${seed}`)) continue;
    Atomics.store(state, 0, index);
    Atomics.store(state, 1, seed);
    const {wrong, milliseconds} = await judge(target, seed);
    Atomics.add(state, 2, 1);
    if (wrong !== undefined) say({found: {target: target.name, seed, wrong}});
    if (milliseconds > (slowest.get(target.name) ?? 50)) {
      slowest.set(target.name, milliseconds);
      say({slow: {target: target.name, milliseconds}});
    }
  }
  if (round % 16 === 0) await new Promise(resolve => setImmediate(resolve));
}
