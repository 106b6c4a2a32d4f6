import {expect, test} from 'vitest';
import type {PlayerStatus, Status} from '../../source/session.ts';
import {headerLines} from '../../source/ui/header.ts';
import {lineWidth} from '../../source/ui/paint.ts';
import {STATUS} from './sample-views.ts';

const texts = (status: Status, columns: number) =>
  headerLines(status, columns).map(line => line.map(cell => cell.text).join(''));

const SOME_LOST: Status = {
  ...STATUS,
  source: 'ssh, three-nodes.hop',
  nodes: STATUS.nodes.map((node, i) => (i === 0 ? node : {...node, state: i === 1 ? 'lost' : 'dialling'})),
};
const PLAYER: PlayerStatus = {
  from: '2026-11-05T12:02:00.000Z',
  to: '2026-11-05T12:04:10.000Z',
  at: STATUS.now,
  speed: 1,
  playing: true,
  events: [
    {at: '2026-11-05T12:02:40.000Z', text: 'worker-1 was reached'},
    {at: '2026-11-05T12:03:40.000Z', text: 'worker-2 was lost'},
  ],
};

test.each([
  [80, ' hoptop  ssh, three-nodes.hop · 1 of 3 nodes reached, 1 lost       data 1 s old '],
  [60, ' ssh, three-nodes.hop · 1/3 reached, 1 lost    data 1 s old '],
])('in %i columns what matters less goes, and what is left does not touch', (columns, expected) => {
  expect(texts(SOME_LOST, columns)[0]).toBe(expected);
});

test('a way to a node that is in doubt stays on screen', () => {
  const warning =
    'WARNING: the host key of worker-1 HAS CHANGED\u001b[0m, and more that does not fit in here.';
  const nodes = STATUS.nodes.map((node, i) => (i < 2 ? {...node, warning} : node));
  const lines = headerLines({...STATUS, nodes}, 80);
  expect(lines.at(-1)).toMatchObject([{tone: 'bad'}]);
  expect(texts({...STATUS, nodes}, 80).at(-1)).toBe(
    ' ⚠ (and 1 more: n shows all) WARNING: the host key of worker-1 HAS CHANGED[0m, …',
  );
  expect(headerLines(STATUS, 80)).toHaveLength(1);
});

test('a source with a long name is cut before it touches what stands at the right', () => {
  const source = 'ssh, a-very-long-name-of-a-recording-from-the-cluster.hop';
  expect(texts({...SOME_LOST, source}, 60)[0]).toMatch(/… {2,}data 1 s old $/);
});

test.each([
  [80, / 12:02:40 worker-1 was reached $/],
  [70, / {2}×1 {2}worker-1 was reached $/],
  [60, / {2}×1 $/],
])('in %i columns an event is named whole or not at all', (columns, expected) => {
  const [, line = ''] = texts({...STATUS, player: PLAYER}, columns);
  expect(line).toMatch(expected);
  expect(line).not.toContain('…');
});

test('the line of a recording fills its row, and its bar keeps its length while events pass', () => {
  for (const columns of [60, 80, 120, 200]) {
    const bars = ['2026-11-05T12:02:10.000Z', STATUS.now, PLAYER.to].map(at => {
      const line = headerLines({...STATUS, player: {...PLAYER, at}}, columns)[1]!;
      expect(lineWidth(line)).toBeLessThanOrEqual(columns);
      return /[━─┴●]+/.exec(line.map(cell => cell.text).join(''))?.[0].length;
    });
    expect(new Set(bars).size).toBe(1);
    expect(bars[0]).toBeGreaterThanOrEqual(16);
  }
});
