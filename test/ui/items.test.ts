import {expect, test} from 'vitest';
import {fieldLines} from '../../source/ui/fields.ts';
import {itemsOf, type Sort} from '../../source/ui/items.ts';
import {column, table} from './sample-views.ts';

const ROWS = [
  ['shop/web-1', 'ESTAB', '12'],
  ['shop/web-2', 'SYN-SENT', '3'],
  ['shop/결제-0', 'ESTAB', '-'],
  ['infra/dns', 'UNCONN', '100'],
] as const;
const columns = [column('pod'), column('state'), column('rtt', {align: 'right'})];
const facet = {
  key: 'x',
  title: 'x',
  body: table(
    columns,
    ROWS.map(cells => ({id: cells[0], cells: cells.map(text => ({text}))})),
  ),
};

function ids(filter: string, sort?: Sort): string[] {
  const items = itemsOf(facet, filter, sort, 78);
  return Array.from({length: items.count}, (_, i) => items.id(i));
}

test.each([
  ['', ['shop/web-1', 'shop/web-2', 'shop/결제-0', 'infra/dns']],
  ['WEB', ['shop/web-1', 'shop/web-2']],
  ['web estab', ['shop/web-1']],
  ['결제', ['shop/결제-0']],
  ['state=estab', ['shop/web-1', 'shop/결제-0']],
  ['state!=estab', ['shop/web-2', 'infra/dns']],
  ['pod=shop/*-1', ['shop/web-1']],
  ['rtt>10', ['shop/web-1', 'infra/dns']],
  ['rtt<10 shop', ['shop/web-2']],
  ['rtt>', ['shop/web-1', 'shop/web-2', 'shop/결제-0', 'infra/dns']],
  ['nothing=here', []],
  ['(', []],
])('the filter %j leaves %j', (filter, expected) => {
  expect(ids(filter)).toEqual(expected);
});

test('numbers are sorted as numbers, and what is unknown comes last in either direction', () => {
  expect(ids('', {column: 'rtt', descending: true})).toEqual([
    'infra/dns',
    'shop/web-1',
    'shop/web-2',
    'shop/결제-0',
  ]);
  expect(ids('', {column: 'rtt', descending: false})).toEqual([
    'shop/web-2',
    'shop/web-1',
    'infra/dns',
    'shop/결제-0',
  ]);
});

test('without filter and sort no row is asked for', () => {
  const items = itemsOf(
    {
      ...facet,
      body: {
        ...facet.body,
        count: 1_000_000,
        row: () => {
          throw new Error('a row was asked for');
        },
      },
    },
    '',
    undefined,
    78,
  );
  expect(items.count).toBe(1_000_000);
  expect(items.at(999_999)).toBe(999_999);
});

test('a value too long for its line goes on in the next ones, which open the same', () => {
  const fields = {
    type: 'fields',
    fields: [
      {label: 'pid', cells: [{text: '1'}]},
      {
        label: 'command',
        cells: [{text: 'kubelet --one --two --three'}],
        opens: {name: 'process', words: ['n:1']},
      },
    ],
  } as const;
  expect(fieldLines(fields, 24).map(({label, cells}) => [label, cells[0]!.text])).toEqual([
    ['pid', '1'],
    ['command', 'kubelet --one'],
    ['', '--two --three'],
  ]);
  expect(itemsOf({key: 'f', title: 'f', body: fields}, '', undefined, 24).item(2).opens?.name).toBe(
    'process',
  );
});

test('a line of a drawing is never broken: what goes on would stand outside its guides', () => {
  const texts = [
    '┌─ shop/web-1',
    '├─ eth0  veth 10.244.2.6/24 mtu 1450 UP',
    '│    proven: index 2 points to 9',
    'an ordinary long value',
  ];
  const fields = {type: 'fields', fields: texts.map(text => ({label: '', cells: [{text}]}))} as const;
  expect(fieldLines(fields, 20).map(({field, cells}) => [field, cells[0]!.text])).toEqual([
    [0, texts[0]],
    [1, texts[1]],
    [2, texts[2]],
    [3, 'an ordinary long'],
    [3, 'value'],
  ]);
});
