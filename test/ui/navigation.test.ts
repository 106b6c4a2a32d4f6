import {expect, test} from 'vitest';
import type {Question} from '../../source/questions/question.ts';
import {
  facetIndex,
  moveCursor,
  navigate,
  type Place,
  settle,
  shown,
  startAt,
} from '../../source/ui/navigation.ts';

const OVERVIEW: Question = {name: 'overview', words: []};
const NODE: Question = {name: 'node', words: ['worker-1']};
const POD: Question = {name: 'pod', words: ['shop/web-1']};

const names = (navigation: ReturnType<typeof startAt>) =>
  navigation.stack.map(screen => screen.question.name);

function list(ids: readonly string[]) {
  return {count: ids.length, selectable: true, id: (i: number) => ids[i]!};
}
const letters = (text: string) => list([...text]);
const at = (index: number, top: number, id?: string): Place => ({
  index,
  top,
  filter: '',
  ...(id ? {id} : {}),
});

test('Enter pushes, Escape pops, and forward returns to what was left', () => {
  let navigation = startAt(OVERVIEW);
  for (const question of [NODE, POD]) navigation = navigate(navigation, {type: 'open', question});
  expect(names(navigation)).toEqual(['overview', 'node', 'pod']);
  const back = navigate(navigate(navigation, {type: 'back'}), {type: 'back'});
  expect(names(back)).toEqual(['overview']);
  const forward = navigate(back, {type: 'forward'});
  expect(names(forward)).toEqual(['overview', 'node']);
  expect(names(navigate(forward, {type: 'forward'}))).toEqual(['overview', 'node', 'pod']);
  expect(navigate(forward, {type: 'open', question: OVERVIEW}).ahead).toEqual([]);
});

test('going back on the first screen, and opening what is open, change nothing', () => {
  const navigation = startAt(OVERVIEW);
  expect(navigate(navigation, {type: 'back'})).toBe(navigation);
  expect(navigate(navigation, {type: 'forward'})).toBe(navigation);
  expect(navigate(navigation, {type: 'open', question: {name: 'overview', words: []}})).toBe(navigation);
});

test('each facet has its own place, and Tab goes round', () => {
  const view = {
    title: '',
    summary: [],
    gaps: [],
    facets: ['a', 'b'].map(key => ({key, title: key, body: {type: 'lines', lines: []} as const})),
  };
  let navigation = startAt(OVERVIEW);
  navigation = {...navigation, stack: [{...shown(navigation), view}]};
  navigation = navigate(navigation, {type: 'place', place: at(4, 2)});
  navigation = navigate(navigation, {type: 'facet', by: 1});
  expect(facetIndex(shown(navigation))).toBe(1);
  navigation = navigate(navigation, {type: 'facet', by: 1});
  expect(facetIndex(shown(navigation))).toBe(0);
  expect(shown(navigation).places['a']).toEqual(at(4, 2));
});

test.each([
  ['down', at(0, 0), {by: 1}, at(1, 0, 'b')],
  ['down at the lower edge scrolls', at(2, 0), {by: 1}, at(3, 1, 'd')],
  ['down on the last line stays', at(7, 5), {by: 1}, at(7, 5, 'h')],
  ['up at the upper edge scrolls', at(3, 3), {by: -1}, at(2, 2, 'c')],
  ['up on the first line stays', at(0, 0), {by: -1}, at(0, 0, 'a')],
  ['a page down leaves one line in common', at(1, 0), {pages: 1}, at(3, 2, 'd')],
  ['a page up', at(6, 5), {pages: -1}, at(4, 3, 'e')],
  ['to the end', at(0, 0), {to: 'last'}, at(7, 5, 'h')],
  ['to the beginning', at(7, 5), {to: 'first'}, at(0, 0, 'a')],
] as const)('%s', (_, from, move, expected) => {
  expect(moveCursor(from, letters('abcdefgh'), 3, move)).toEqual(expected);
});

test('an empty list has its cursor nowhere', () => {
  expect(moveCursor(at(3, 2, 'd'), list([]), 3, {by: 1})).toEqual(at(0, 0));
  expect(settle(at(3, 2, 'd'), list([]), 3, true)).toEqual(at(0, 0));
});

test('a drawing is scrolled, not past its end', () => {
  const drawing = {...letters('abcdefgh'), selectable: false};
  expect(moveCursor(at(0, 0), drawing, 3, {by: 1})).toEqual(at(1, 1));
  expect(moveCursor(at(0, 0), drawing, 3, {to: 'last'})).toEqual(at(5, 5));
  expect(moveCursor(at(0, 0), drawing, 20, {by: 1})).toEqual(at(0, 0));
});

test.each([
  ['rows come in above: it keeps its line on screen', 'xyabcdefgh', at(5, 4, 'd')],
  ['rows go above', 'bcdefgh', at(2, 1, 'd')],
  ['rows come and go below', 'abcdxy', at(3, 2, 'd')],
  ['it is gone: the cursor stays where it was', 'abcefgh', at(3, 2, 'e')],
  ['the list got short', 'ab', at(1, 0, 'b')],
  ['it moved to the other end', 'dabcefgh', at(0, 0, 'd')],
])('the cursor stays on its thing when %s', (_, ids, expected) => {
  expect(settle(at(3, 2, 'd'), letters(ids), 3, true)).toEqual(expected);
});

test('a live row stays on its line even where that leaves lines empty; a filter brings the rows together', () => {
  const place = at(2, 0, 'c');
  expect(settle(place, letters('xyabc'), 6, true)).toEqual(at(4, 2, 'c'));
  expect(settle(place, letters('xyabc'), 6, false)).toEqual(at(4, 0, 'c'));
});
