import {expect, test} from 'vitest';
import {ask} from '../../source/questions/catalogue.ts';
import {QUESTION_NAMES} from '../../source/questions/question.ts';
import {toView} from '../../source/views/catalogue.ts';
import {gapSentences} from '../../source/views/gaps.ts';
import {viewText} from '../../source/views/text.ts';
import type {View} from '../../source/views/view.ts';
import {graphOf} from '../model/world.ts';
import {labGraph} from '../questions/lab.ts';
import {shop} from './shop.ts';

const WORDS: Record<string, readonly string[]> = {
  node: ['n1'],
  pod: ['web-1'],
  link: ['n1/veth7'],
  process: ['n1:51'],
  peers: ['web-1'],
  path: ['web-1', 'db-0'],
  connection: ['10.2.1.5:40000-10.2.2.9:5432'],
};

function views(): View[] {
  return QUESTION_NAMES.map(name => {
    const found = ask(shop(), {name, words: WORDS[name] ?? []});
    if ('missing' in found) throw new Error(found.missing);
    return toView(found);
  });
}

test('no text of a node reaches a cell as it came', () => {
  const hostile = 'x\u001b[31m\u202eevil\u0007\n';
  const graph = graphOf({
    a: {
      hostname: hostile,
      host: '1',
      netns: {
        1: {
          links: [{ifindex: 2, name: hostile, kind: hostile}],
          addresses: [],
          routes: [`10.0.0.0/8 dev ${hostile}`],
        },
      },
      processes: {1: ['1', hostile]},
      sandboxes: [{id: 'f'.repeat(64), pod: hostile, namespace: hostile}],
      sockets: [{netns: '1', local: '0.0.0.0:80', pids: [1]}],
      gaps: [{node: 'a', fact: 'network', reason: hostile}],
    },
  });
  const [pod] = graph.pods;
  const words: Record<string, string[]> = {
    node: [hostile],
    pod: [pod!.key],
    process: [`${hostile}:1`],
    peers: [pod!.key],
  };
  for (const name of QUESTION_NAMES) {
    const found = ask(graph, {name, words: words[name] ?? []});
    if ('missing' in found) continue;
    const text = viewText(toView(found));
    expect(text.replaceAll('\n', ''), name).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
});

test('every row has a cell for every column, an id of its own, and a key to sort by', async () => {
  const lab = ask(await labGraph(), {name: 'sockets', words: []});
  const all = [...views(), ...('missing' in lab ? [] : [toView(lab)])];
  for (const {title, facets} of all) {
    for (const {body, key} of facets) {
      if (body.type !== 'table') continue;
      const rows = Array.from({length: body.count}, (_, i) => body.row(i));
      expect(new Set(rows.map(row => row.id)).size, `${title} ${key}`).toBe(rows.length);
      for (const [i, row] of rows.entries()) {
        expect(row.cells).toHaveLength(body.columns.length);
        for (const column of body.columns) {
          if (!column.sortable) continue;
          expect(['string', 'number', 'undefined']).toContain(typeof body.sortKey(i, column.key));
        }
      }
    }
  }
});

test('at 80 columns what is never dropped has room', () => {
  for (const {title, facets} of views()) {
    for (const {body, key} of facets) {
      if (body.type !== 'table') continue;
      const least = body.columns
        .filter(column => column.priority === 0)
        .reduce((sum, column) => sum + column.min + 1, 0);
      expect(least, `${title} ${key}`).toBeLessThanOrEqual(80);
    }
  }
});

test('what is missing alike in many namespaces is said once', () => {
  const gap = (netns: string) => ({
    node: 'a',
    fact: 'sockets',
    netns,
    reason: `ss was refused in ${netns}.`,
    reveal: 'Ask as root.',
  });
  expect(
    gapSentences([gap('11'), {node: 'b', fact: 'node', reason: 'b is gone'}, gap('12'), gap('13')]),
  ).toEqual([
    'a, namespace 11 and 2 more namespaces: sockets: ss was refused in 11. To see it: Ask as root.',
    'b is gone',
  ]);
});

test('a count that may be short for want of a right is not shown as zero', () => {
  const spec = {
    host: '1',
    processes: {7: ['1', 'sshd']},
    sandboxes: [{id: 'f'.repeat(64), pod: 'web'}],
  } as const;
  const gaps = [{node: 'a', fact: 'owners', reason: 'Permission denied'}];
  const cells = (graph: ReturnType<typeof graphOf>) => {
    const found = ask(graph, {name: 'processes', words: []});
    if ('missing' in found) throw new Error(found.missing);
    const {body} = toView(found).facets[0]!;
    return body.type === 'table'
      ? body.row(0).cells[body.columns.findIndex(({key}) => key === 'established')]!.text
      : '';
  };
  expect(cells(graphOf({a: spec}))).toBe('0');
  expect(cells(graphOf({a: {...spec, gaps}}))).toBe('');
});
