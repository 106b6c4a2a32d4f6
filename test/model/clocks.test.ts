import {describe, expect, test} from 'vitest';
import {skewOf} from '../../source/facts/clock.ts';
import {clockOff, offText} from '../../source/model/clocks.ts';
import {graphOf, snapshotOf} from './world.ts';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const clock = (value: number, seen: number) => ({sweep: 1, at: at(seen), uptime: 1, value});

describe('how far a clock is off', () => {
  test('is bounded by the way there and back, and by whole seconds', () => {
    // Asked at 1000.0, here at 1000.4, all of it at 1000.5; it told 1095, so it was 1095.0 to 1095.99… meanwhile.
    const skew = skewOf(clock(1095, 1000.4), {at: at(1000.5), wall: 500}, undefined)!;
    expect(skew.low).toBeCloseTo(94.6);
    expect(skew.high).toBeCloseTo(96);
    expect(clockOff(skew)).toBe(95);
  });

  test('narrows from sweep to sweep, until the clock is set', () => {
    const first = {low: 92, high: 95.2};
    const both = skewOf(clock(1095, 1000.4), {at: at(1000.5), wall: 500}, first)!;
    expect(both.low).toBeCloseTo(94.6);
    expect(both.high).toBeCloseTo(95.2);
    const anew = skewOf(clock(1000, 1000.4), {at: at(1000.5), wall: 500}, first)!;
    expect(anew.low).toBeCloseTo(-0.4);
    expect(clockOff(anew)).toBeUndefined();
  });

  test('a slow link does not make a clock wrong', () => {
    const slow = skewOf(clock(1000, 1030), {at: at(1031), wall: 31_000}, undefined)!;
    expect(slow.low).toBe(-30);
    expect(slow.high).toBe(1);
    expect(clockOff(slow)).toBeUndefined();
  });

  test('what cannot be is nothing', () => {
    const none = {...clock(1000, 1), at: 'never'};
    expect(skewOf(none, {at: at(1), wall: 1}, undefined)).toBeUndefined();
    expect(skewOf(clock(1000, 900), {at: at(1100), wall: 0}, undefined)).toBeUndefined();
  });

  test.each([
    [4, '4 s ahead'],
    [-95, '95 s behind'],
    [125, '2 min 05 s ahead'],
    [-7380, '2 h 03 min behind'],
    [800_000, '9 d ahead'],
  ])('%d s', (off, text) => expect(offText(off)).toBe(text));
});

describe('nodes whose clocks are off', () => {
  const node = (low: number, high: number) => ({
    snapshot: {...snapshotOf('n', {host: '1'}), skew: {low, high}},
    state: 'ready' as const,
  });
  const reasons = (...bounds: readonly (readonly [number, number])[]) =>
    graphOf(Object.fromEntries(bounds.map(([low, high], i) => [`n${i}`, node(low, high)]))).gaps.map(
      gap => gap.reason,
    );

  test('are gaps, each with its node, and what it means', () => {
    const [one, ...more] = reasons([94.6, 96], [-0.4, 0.9], [-1, 30]);
    expect(more).toEqual([]);
    expect(one).toMatch(/^n0's clock is 95 s ahead of this machine's: moments that it notes itself/);
  });

  test('all alike: it is this machine’s clock', () => {
    const found = reasons([-96, -95], [-95.5, -94]);
    expect(found).toHaveLength(2);
    for (const reason of found) expect(reason).toContain("this machine's seems to be wrong");
    expect(reasons([-96, -95], [40, 41])[0]).not.toContain('seems to be wrong');
  });
});
