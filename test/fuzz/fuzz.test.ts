/** A short run of the fuzzer, always the same cases: `npm run fuzz` is the long one. Nothing here depends on time. */
import {describe, expect, test} from 'vitest';
import {judge} from './judge.ts';
import {mutate} from './mutate.ts';
import {createRandom} from './random.ts';
import type {Target} from './target.ts';
import {TARGETS} from './targets.ts';

const CASES = 24;

test.each(TARGETS.map(target => [target.name, target] as const))(
  '%s',
  async (_, target) => {
    expect(target.samples.length).toBeGreaterThan(0);
    const wrong: string[] = [];
    for (let i = 0; i < Math.max(2, CASES / (target.every ?? 1)); i++) {
      const found = await judge(target, i * 7919 + 1);
      if (found.wrong !== undefined)
        wrong.push(`--only '${target.name}' --case ${i * 7919 + 1}: ${found.wrong}`);
    }
    expect(wrong).toEqual([]);
  },
  120_000,
);

describe('what is wrong is found', () => {
  const samples = [new TextEncoder().encode('one\ntwo\nthree\nfour\n')];
  const wrongOf = async (target: Pick<Target, 'run'>) => {
    for (let seed = 0; seed < 40; seed++) {
      const {wrong} = await judge({name: 'x', samples, ...target}, seed);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

  test('an error, a changed prototype, a control character, too many sentences, a line that is missed in silence', async () => {
    expect(await wrongOf({run: () => ({})})).toBeUndefined();
    const thrown = () => {
      throw new TypeError('no');
    };
    expect(await wrongOf({run: thrown})).toContain('TypeError was thrown: no');
    expect(await wrongOf({run: () => ({shown: ['fine\n', 'bad\u001b[2J']})})).toContain('control character');
    expect(await wrongOf({run: () => ({gaps: Array(400).fill('x')})})).toContain('400 sentences');
    const silent = (out: Uint8Array) => ({
      rows: new TextDecoder()
        .decode(out)
        .split('\n')
        .filter(line => /^\w+$/.test(line)).length,
    });
    expect(await wrongOf({run: silent})).toContain('1 rows less, and nothing is said of it');
    const polluting = () => {
      (Object.prototype as Record<string, unknown>)['polluted'] = true;
      return {};
    };
    try {
      expect(await wrongOf({run: polluting})).toBe('a prototype was changed');
    } finally {
      delete (Object.prototype as Record<string, unknown>)['polluted'];
    }
  });

  test('the same seed is the same case', () => {
    const [a, b, c] = [1, 1, 2].map(seed => Buffer.from(mutate(createRandom(seed), samples)).toString('hex'));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});
