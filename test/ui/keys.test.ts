import type {Key} from 'ink';
import {expect, test} from 'vitest';
import {nextSort, nextSpeed, recordingName} from '../../source/ui/choices.ts';
import {commandOf, questionOf} from '../../source/ui/command.ts';
import {dispatch} from '../../source/ui/dispatch.ts';
import {keyNames} from '../../source/ui/input.ts';
import {BINDINGS} from '../../source/ui/keys.ts';
import {type Overlay, startUi, type Ui, update} from '../../source/ui/state.ts';
import {column, overview, STATUS, table} from './sample-views.ts';

const START = {name: 'overview', words: []} as const;

function ui(): Ui {
  const ready = update(startUi(START, 80, 24), {type: 'status', status: STATUS});
  return update(ready, {type: 'answered', question: START, view: overview()});
}

const OVERLAYS: Record<string, Overlay | undefined> = {
  screen: undefined,
  reader: {kind: 'help', top: 0},
  palette: {kind: 'palette', text: '', selected: 0, completions: [], completed: undefined},
  filter: {kind: 'filter', text: '', before: ''},
  record: {kind: 'record', text: 'a.hop'},
};

test('no key is bound twice where it could mean two things', () => {
  for (const context of Object.keys(OVERLAYS)) {
    const keys = BINDINGS.filter(one => one.context === context || one.context === 'anywhere').flatMap(
      one => one.keys,
    );
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  }
});

test('every key is described in a sentence, and no two footer entries share a place', () => {
  for (const binding of BINDINGS) expect(binding.description).toMatch(/^[A-Z].*\.$/);
  for (const context of Object.keys(OVERLAYS)) {
    const ranks = BINDINGS.filter(one => one.context === context).flatMap(one => one.footer ?? []);
    expect(new Set(ranks).size).toBe(ranks.length);
  }
});

test('a key either does something or says why not', () => {
  for (const binding of BINDINGS) {
    const overlay = OVERLAYS[binding.context];
    for (const key of binding.keys) {
      const effects = dispatch(update(ui(), {type: 'overlay', overlay}), key);
      const said = effects.some(
        one => one.do === 'ui' && one.event.type === 'notice' && one.event.text !== undefined,
      );
      const done = effects.some(one => one.do !== 'ui' || one.event.type !== 'notice');
      expect([binding.context, key, said || done]).toEqual([binding.context, key, true]);
    }
  }
});

test('keys that type text are not bound while text is typed', () => {
  for (const context of ['palette', 'filter', 'record']) {
    const letters = BINDINGS.filter(one => one.context === context).flatMap(one =>
      one.keys.filter(k => k.length === 1),
    );
    expect(letters).toEqual([]);
  }
});

const NO_KEY = {} as Key;

test.each([
  ['jjj', NO_KEY, ['j', 'j', 'j']],
  ['', {downArrow: true} as Key, ['Down']],
  ['', {tab: true, shift: true} as Key, ['Shift-Tab']],
  ['c', {ctrl: true} as Key, ['Ctrl-C']],
  ['', {escape: true, meta: false} as Key, ['Esc']],
  ['', {escape: true, meta: true} as Key, ['Esc', 'Esc']],
  ['\r', {return: true} as Key, ['Enter']],
  ['/web\r', NO_KEY, ['/', 'w', 'e', 'b', 'Enter']],
  ['결👩‍👩‍👧', NO_KEY, ['결', '👩‍👩‍👧']],
  ['b', {meta: true} as Key, []],
  [' ', NO_KEY, ['Space']],
])('input %j is the keys %j', (input, key, expected) => {
  expect(keyNames(input, key)).toEqual(expected);
});

test('what is typed fast goes where it was meant, before completions have come', () => {
  let state = ui();
  const effects: unknown[] = [];
  for (const key of [':', 'n', 'o', 'd', 'e', 'Space', 'w', 'Enter']) {
    for (const effect of dispatch(state, key)) {
      if (effect.do === 'ui') state = update(state, effect.event);
      else effects.push(effect);
    }
  }
  expect(effects).toEqual([]);
  expect(state.navigation.stack.map(screen => commandOf(screen.question))).toEqual(['overview', 'node w']);
});

test.each([
  ['pod shop/web-1', {name: 'pod', words: ['shop/web-1']}],
  ['hoptop pods', {name: 'pods', words: []}],
  ["process 'n 1:2'", {name: 'process', words: ['n 1:2']}],
  ['nonsense', undefined],
  ['', undefined],
])('%j asks %j', (text, expected) => {
  expect(questionOf(text)).toEqual(expected);
});

test('a command is quoted so that a shell gives the words back', () => {
  const question = {name: 'pod', words: ["a b'c"]} as const;
  expect(commandOf(question)).toBe(`pod 'a b'\\''c'`);
  expect(commandOf({name: 'pod', words: ['shop/web-1']})).toBe('pod shop/web-1');
});

test('sorting goes through the columns that can be sorted, numbers from the largest, then stops', () => {
  const some = table([column('pod'), column('x', {title: 'X'}), column('rtt', {align: 'right'})], []);
  const {sortable: _, ...plain} = column('x');
  const view = {...some, columns: [some.columns[0]!, plain, some.columns[2]!]};
  const first = nextSort(view, undefined);
  expect(first).toEqual({column: 'pod', descending: false});
  const second = nextSort(view, first);
  expect(second).toEqual({column: 'rtt', descending: true});
  expect(nextSort(view, second)).toBeUndefined();
});

test('speeds go up and down and stay at the ends; a recording is named by its moment', () => {
  expect([nextSpeed(1, 1), nextSpeed(1, -1), nextSpeed(64, 1), nextSpeed(0.25, -1)]).toEqual([
    2, 0.5, 64, 0.25,
  ]);
  expect(recordingName('2026-11-05T12:03:04.123Z')).toBe('hoptop-20261105-120304.hop');
});
