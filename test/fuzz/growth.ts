/**
 * How the time of a parser grows with its input: an answer twice as long must not take four times as long. Times are of
 * this machine and noisy, so this is for a person to run, and each suspicion is measured again.
 */
import {performance} from 'node:perf_hooks';
import {bytes} from './mutate.ts';
import type {Target} from './target.ts';

export type Growth = {
  readonly target: string;
  readonly what: string;
  /** Bytes of the largest input that was measured, and its milliseconds. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** Time of four times the input over the time of it. */
  readonly ratio: number;
};

const UNITS: readonly (readonly [what: string, unit: string])[] = [
  ['open brackets', '['],
  ['open braces', '{"a":'],
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['spaces', ' '],
  ['colons', ':'],
  ['digits', '1'],
  ['letters', 'a'],
  ['commas', ','],
  ['empty lines', '\n'],
  ['short lines', 'a b c\n'],
  ['lists', '[{"a":1}]\n'],
  ['broken entries', '[{"a":x},'],
  ['assignments', 'a=b '],
  ['sections', '@ nft\n= 0\n'],
  ['prompts', 'root@a:~# ss -t\n'],
  ['dashes', '- '],
  ['dots', '1.'],
  ['percents', '%h'],
  ['stars', '*a'],
];

/** From what input on a time can be told from noise. */
const LEAST_MS = 40;
const START = 16_384;
const MOST = 4_194_304;
const LINEAR = 4;

export async function* growths(targets: readonly Target[]): AsyncGenerator<Growth> {
  for (const target of targets) {
    const inputs = [
      ...target.samples.slice(0, 3).map((sample, i) => [`sample ${i} again and again`, sample] as const),
      ...UNITS.map(([what, unit]) => [what, bytes(unit)] as const),
    ];
    for (const [what, unit] of inputs) {
      if (unit.length === 0) continue;
      for (let size = START; size <= MOST; size *= 4) {
        const small = await timeOf(target, repeated(unit, size));
        if (small < LEAST_MS / 4) continue;
        const large = await timeOf(target, repeated(unit, size * 4));
        if (large < LEAST_MS) continue;
        yield {target: target.name, what, bytes: size * 4, milliseconds: large, ratio: large / small};
        if (large / small > LINEAR * 2 || large > 3000) break;
      }
    }
  }
}

async function timeOf(target: Target, out: Uint8Array): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2; i++) {
    const began = performance.now();
    try {
      await target.run(out);
    } catch {
      // What is wrong with it is for the cases to say.
    }
    best = Math.min(best, performance.now() - began);
    if (best > 1000) break;
  }
  return best;
}

function repeated(unit: Uint8Array, size: number): Uint8Array {
  return new Uint8Array(Buffer.alloc(Math.max(size, unit.length), unit));
}
