import {expect, test} from 'vitest';
import type {Dated, Snapshot} from '../../source/facts/snapshot.ts';
import {buildGraph} from '../../source/model/build.ts';
import {ask, questionFrom} from '../../source/questions/catalogue.ts';
import {toJson} from '../../source/questions/json.ts';
import {snapshotOf} from './world.ts';

const base = snapshotOf('a', {
  hostname: 'n1',
  host: '1',
  netns: {1: {}, 2: {}},
  processes: {7: ['1', 'init']},
  sweep: 9,
});
const older = <T>(dated: Dated<T>, sweep: number): Dated<T> => ({
  ...dated,
  sweep,
  at: '2026-01-01T00:00:02.000Z',
});
const graphWith = (change: Partial<Snapshot>) =>
  buildGraph(new Map([['a', {snapshot: {...base, ...change}, state: 'ready' as const}]]));
const reasons = (change: Partial<Snapshot>) => graphWith(change).gaps.map(({fact, reason}) => [fact, reason]);

test('facts of one sweep are no gap, also when a follow-up raised the snapshot’s number', () => {
  expect(reasons({})).toEqual([]);
  expect(reasons({sweep: 10})).toEqual([]);
});

test('what is read seldom may be older', () => {
  expect(reasons({sandboxes: older(base.sandboxes!, 1), identity: older(base.identity!, 1)})).toEqual([]);
});

test('what every sweep reads and is older than the rest is a gap that says of when it is', () => {
  const ago = (sweeps: string) => `as of 00:00:02, ${sweeps} ago: the last reading failed.`;
  expect(reasons({processes: older(base.processes!, 6), owners: older(base.owners!, 8)})).toEqual([
    ['owners', `On n1, which process holds which socket is ${ago('1 sweep')}`],
    ['processes', `On n1, its processes are ${ago('3 sweeps')}`],
  ]);
  expect(
    reasons({
      members: older(base.members!, 8),
      sockets: older(base.sockets!, 8),
      memberships: older(base.memberships!, 8),
    }),
  ).toEqual([
    ['namespaces', `On n1, which processes are in which network namespace is ${ago('1 sweep')}`],
    ['sockets', `On n1, its sockets are ${ago('1 sweep')}`],
    ['memberships', `On n1, which processes are in which container is ${ago('1 sweep')}`],
  ]);
});

test('counters are old when no namespace has newer ones; one that lost its processes keeps its last', () => {
  const counters = (sweep: number) => older({...base.members!, value: new Map()}, sweep);
  const netns = (one: number, two: number) =>
    new Map([
      ['1', {...base.netns.get('1')!, counters: counters(one)}],
      ['2', {...base.netns.get('2')!, counters: counters(two)}],
    ]);
  expect(reasons({netns: netns(9, 4)})).toEqual([]);
  expect(reasons({netns: netns(8, 4)}).map(([fact]) => fact)).toEqual(['counters']);
});

test('the answer that rests on it says so', () => {
  const graph = graphWith({processes: older(base.processes!, 8)});
  const gaps = (name: string) => {
    const found = ask(graph, questionFrom(name, []) as Parameters<typeof ask>[1]);
    return (toJson(found as never) as {gaps: {fact: string}[]}).gaps.map(({fact}) => fact);
  };
  expect(gaps('processes')).toEqual(['processes']);
  expect(gaps('routes')).toEqual([]);
});
