import {expect, test} from 'vitest';
import type {Question} from '../../source/questions/question.ts';
import {dispatch} from '../../source/ui/dispatch.ts';
import {startUi, type Ui, update} from '../../source/ui/state.ts';
import {pathAsked, pathEnds} from '../../source/ui/subject.ts';
import type {Row, View} from '../../source/views/view.ts';
import {fakeSession} from './fake-session.ts';
import {column, STATUS, script, table} from './sample-views.ts';
import {story} from './story.ts';

/** A screen of `question` with the cursor on one row. */
function on(row: Partial<Row>, question: Question = {name: 'overview', words: []}, mark?: string): Ui {
  const view: View = {
    title: 'a screen',
    summary: [],
    gaps: [],
    facets: [
      {key: 'rows', title: 'Rows', body: table([column('a')], [{id: '1', cells: [{text: 'x'}], ...row}])},
    ],
  };
  const ready = update(update(startUi(question, 80, 24), {type: 'status', status: STATUS}), {
    type: 'answered',
    question,
    view,
  });
  return update(ready, {type: 'mark', words: mark});
}
const opens = (name: Question['name'], ...words: string[]): Partial<Row> => ({opens: {name, words}});

test.each([
  ['a pod', opens('pod', 'shop/web-1'), 'shop/web-1'],
  ['a node', opens('node', 'worker-1'), 'worker-1'],
  ['a process', opens('process', 'worker-1:51'), 'worker-1:51'],
  ['a pod’s link', opens('link', 'shop/web-1:eth0'), 'shop/web-1'],
  ['a node’s link', opens('link', 'worker-1/cni0'), 'worker-1'],
  ['a link of a namespace', opens('link', 'worker-1/4026531840:eth0'), 'worker-1/4026531840'],
  ['a connection seen in a pod', opens('connection', '10.0.0.1:40000-10.0.0.2:80@shop/web-1'), 'shop/web-1'],
  ['a connection', opens('connection', '10.0.0.1:40000-10.0.0.2:80'), '10.0.0.1'],
  ['a connection of IPv6', opens('connection', '[fd00::1]:40000-[fd00::2]:80'), 'fd00::1'],
  ['what says itself what it is', {...opens('mesh', '4240', 'a'), subject: '10.0.2.251'}, '10.0.2.251'],
])('m marks %s', (_, row, words) => {
  expect(pathEnds(on(row)).here).toBe(words);
});

test('a line that is nothing by itself stands for what the screen is about', () => {
  expect(pathEnds(on({}, {name: 'pod', words: ['shop/web-1']})).here).toBe('shop/web-1');
  expect(pathEnds(on({}, {name: 'routes', words: []})).here).toBeUndefined();
});

test('p without a mark shows the way between the ends of a connection, to its port', () => {
  expect(pathAsked(on(opens('connection', '10.0.0.1:40000-10.0.0.2:80@shop/web-1')))).toEqual({
    name: 'path',
    words: ['shop/web-1', '10.0.0.2', '--port', '80'],
  });
  expect(pathAsked(on(opens('connection', 'udp:10.0.0.1:40000-10.0.0.2:53')))).toEqual({
    name: 'path',
    words: ['10.0.0.1', '10.0.0.2', '--port', '53', '--proto', 'udp'],
  });
  expect(pathAsked(on({subject: 'node-7', toward: 'node-12', onPort: ['--port', '4240']}))).toEqual({
    name: 'path',
    words: ['node-7', 'node-12', '--port', '4240'],
  });
});

test('p and m say why they do nothing', () => {
  expect(pathAsked(on(opens('pod', 'shop/web-1')))).toMatch(/^Nothing is marked: /);
  expect(pathAsked(on(opens('pod', 'shop/web-1'), undefined, 'shop/web-1'))).toMatch(
    /^This is shop\/web-1 itself/,
  );
  expect(pathAsked(on({}, undefined, 'shop/web-1'))).toBe('What the cursor is on is no end of a path.');
  const notice = dispatch(on({}), 'm')[0];
  expect(notice).toMatchObject({event: {text: 'What the cursor is on is no end of a path.'}});
});

test('a person marks a pod, goes elsewhere, and asks for the path', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24, {name: 'node', words: ['worker-1']});
  await ui.shows('[Pods 30]');
  await ui.press('j', 'm');
  await ui.shows('A is shop/web-1: p shows the path from it to what the cursor is on.');
  await ui.press('p');
  expect(await ui.shows('This is shop/web-1 itself')).toMatch(/node worker-1 +A shop\/web-1$/m);
  await ui.press('m');
  expect(await ui.frame()).not.toContain('A shop/web-1');
  await ui.press('m', 'j', 'j', 'p');
  await ui.shows(/› path shop\/web-1 'shop\/カート🛒 ?-1' +A shop\/web-1$/m);
  expect(session.watched()).toEqual(["path shop/web-1 'shop/カート🛒-1'"]);
  await ui.press('Esc');
  ui.resize(60, 20);
  expect(await ui.shows(/^ node worker-1 +A shop\/web-1$/m)).not.toContain('› path');
  await ui.press('q');
  expect(await ui.ended).toBe(0);
});
