import {expect, test} from 'vitest';
import {age, byteRate, bytes, ms, rate, span} from '../../source/views/units.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [12_654_723, '12.7 MB'],
  [99_960_000, '100 MB'],
  [999_600, '1.0 MB'],
  [5e18, '5000 PB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});

test('what is not known is nothing, not zero', () => {
  expect([
    byteRate(undefined),
    rate(undefined),
    ms(undefined),
    age(undefined, '2026-01-01T00:00:00Z'),
  ]).toEqual(['', '', '', '']);
  expect([byteRate(0), rate(0)]).toEqual(['0 B/s', '0/s']);
});

test.each([
  [0.075, '0.07 ms'],
  [1.25, '1.3 ms'],
  [340.2, '340 ms'],
])('%d milliseconds are %s', (value, text) => {
  expect(ms(value)).toBe(text);
});

test.each([
  [12, '12s'],
  [200, '3m20s'],
  [3600, '60m'],
  [18_720, '5h12m'],
  [100_000, '27h'],
  [1_300_000, '15d'],
])('%d seconds are %s', (seconds, text) => {
  expect(span(seconds)).toBe(text);
});

test('an age is counted to the moment of the answer', () => {
  expect(age('2026-01-01T00:00:08.000Z', '2026-01-01T00:00:10.500Z')).toBe('2s');
});
