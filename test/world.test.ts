import {describe, expect, test} from 'vitest';
import type {NodeEvent} from '../source/wire/source.ts';
import {createWorld} from '../source/world.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const say = (state: NodeEvent['state'], second: number, more: Partial<NodeEvent> = {}) =>
  ({type: 'node', node: 'n', at: at(second), state, ...more}) as const;

describe('since when a node is as it is', () => {
  test.each([
    [
      'steps of one dial are one wait',
      [say('dialling', 1, {step: 'a'}), say('dialling', 4, {step: 'b'})],
      at(0),
    ],
    ['ready counts from being ready', [say('dialling', 1), say('ready', 5)], at(5)],
    [
      'dialled again and again, lost since the first time',
      [say('ready', 1), say('lost', 5), say('dialling', 6), say('lost', 9)],
      at(5),
    ],
    ['back is a new state', [say('ready', 1), say('lost', 5), say('dialling', 6), say('back', 9)], at(9)],
  ])('%s', (_, events, since) => {
    const world = createWorld(['n'], [], at(0));
    for (const event of events) world.apply(event);
    expect(world.statuses()[0]?.since).toBe(since);
  });
});

test('an event of a node that nobody asked for changes nothing', () => {
  const world = createWorld(['n'], [], at(0));
  world.apply({...say('lost', 1), node: 'other'});
  expect(world.statuses()).toHaveLength(1);
  expect(world.statuses()[0]?.state).toBe('dialling');
});
