import {expect, test} from 'vitest';
import type {NodeEvent} from '../source/wire/source.ts';
import {createWorld} from '../source/world.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const say = (state: NodeEvent['state'], second: number, more: Partial<NodeEvent> = {}) =>
  ({type: 'node', node: 'n', at: at(second), state, ...more}) as const;

test('a node has been as it is since when its source says, else since the event', () => {
  const world = createWorld(['n'], [], at(0));
  world.apply(say('lost', 9, {since: at(5)}));
  expect(world.statuses()[0]?.since).toBe(at(5));
  world.apply(say('back', 12));
  expect(world.statuses()[0]?.since).toBe(at(12));
});

test('a node that joins later is there from its first event on; before it, what is said of it is not', () => {
  const world = createWorld(['n'], [], at(0));
  world.apply({
    type: 'swept',
    node: 'other',
    swept: 1,
    at: at(1),
    uptime: 1,
    cpu: 0,
    wall: 0,
    bytes: 0,
    trips: 1,
  });
  expect(world.statuses().map(({id, sweep}) => [id, sweep])).toEqual([['n', 0]]);
  world.apply({...say('lost', 1), node: 'other'});
  expect(world.statuses().map(({id, state}) => [id, state])).toEqual([
    ['n', 'dialling'],
    ['other', 'lost'],
  ]);
});
