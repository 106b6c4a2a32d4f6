import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  addressColumns,
  fitColumns,
  GAP,
  headsOf,
  heldWidths,
  naturalWidths,
  placeCells,
  sampleRows,
  type Wishes,
} from '../../source/ui/layout.ts';
import {width} from '../../source/ui/text.ts';
import {column, table} from './sample-views.ts';

const COLUMNS = [
  column('peer', {min: 9, priority: 0}),
  column('pod', {min: 8, priority: 1, grow: true}),
  column('rtt', {align: 'right', min: 3, priority: 2}),
  column('node', {min: 6, priority: 3}),
];
const NATURAL = {peer: 15, pod: 20, rtt: 8, node: 10};

test.each([
  [80, [15, 20, 8, 10], 'everything fits: what nobody needs stays empty at the right'],
  [50, [15, 11, 8, 10], 'the growing column gives way first'],
  [46, [15, 19, 8], 'a column of low priority goes before others are squeezed'],
  [32, [15, 15], 'then the next one'],
  [24, [14, 8], 'then the others shrink to what can be read'],
  [16, [15], 'then whole columns go down to priority 0'],
  [6, [6], 'which gives way when nothing else is left'],
])('in %i cells the widths are %j: %s', (cells, expected) => {
  const {placed} = fitColumns(COLUMNS, NATURAL, cells);
  expect(placed.map(one => one.width)).toEqual(expected);
});

test('what was dropped is named', () => {
  expect(fitColumns(COLUMNS, NATURAL, 32).dropped).toEqual(['RTT', 'NODE']);
});

test('a sentence gets what makes it readable from columns that matter less; half a value is not shown', () => {
  const columns = [
    column('say', {min: 10, priority: 1, grow: true, readable: 30}),
    column('rate', {min: 4, priority: 4}),
    column('packet', {min: 8, priority: 3, whole: true}),
  ];
  const natural = {say: 50, rate: 9, packet: 28};
  const at = (cells: number) =>
    fitColumns(columns, natural, cells).placed.map(({index, width}) => [index, width]);
  expect(at(80)).toEqual([
    [0, 39],
    [1, 9],
    [2, 28],
  ]);
  expect(at(70)).toEqual([
    [0, 40],
    [2, 28],
  ]);
  expect(at(59)).toEqual([[0, 50]]);
  expect(at(41)).toEqual([[0, 41]]);
});

test('a number is whole or not there, and no row is wider than the terminal', () => {
  const anyColumn = fc.record({
    align: fc.constantFrom('left', 'right'),
    priority: fc.integer({min: 0, max: 5}),
    min: fc.integer({min: 1, max: 20}),
    natural: fc.integer({min: 1, max: 40}),
    grow: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(anyColumn, {minLength: 1, maxLength: 8}),
      fc.integer({min: 58, max: 200}),
      (some, cells) => {
        const columns = some.map(({align, priority, min, grow}, i) =>
          // What is never dropped must fit as it is: a view that promises more than 58 cells of numbers is wrong.
          column(`c${i}`, {
            align,
            min,
            priority: i === 0 ? 0 : priority + 1,
            ...(grow ? {grow: true as const} : {}),
          }),
        );
        const natural = Object.fromEntries(some.map((one, i) => [`c${i}`, one.natural]));
        const {placed, dropped} = fitColumns(columns, natural, cells);
        expect(placed.length + dropped.length).toBe(columns.length);
        const total = placed.reduce((sum, one) => sum + one.width, 0) + GAP * (placed.length - 1);
        expect(total).toBeLessThanOrEqual(cells);
        for (const {index, width: wide} of placed) {
          if (columns[index]!.align === 'right') expect(wide).toBeGreaterThanOrEqual(natural[`c${index}`]!);
        }
      },
    ),
  );
});

test('cells are as wide as their columns, whatever script they are in', () => {
  const columns = [column('name', {min: 8}), column('n', {align: 'right', min: 3})];
  const placed = [
    {index: 0, width: 9},
    {index: 1, width: 4},
  ];
  const lines = ['shop/web', '결제-서비스-0', 'カート🛒', '👩‍👩‍👧'].map(text =>
    placeCells(columns, placed, [{text}, {text: '12'}])
      .map(cell => cell.text)
      .join(''),
  );
  expect(lines).toEqual(['shop/web     12', '결제-…-0     12', 'カート🛒     12', '👩‍👩‍👧           12']);
  for (const line of lines) expect(width(line)).toBe(15);
});

test('a column gets narrower only when its values have been narrower for a while', () => {
  const of = (text: string) => table([column('state')], [{id: 'a', cells: [{text}]}]);
  const wide = naturalWidths(of('reading mounts'), ['STATE'], [0]);
  const narrow = naturalWidths(of('ready'), ['STATE'], [0]);
  expect([wide, narrow]).toEqual([{state: 14}, {state: 5}]);
  expect(heldWidths([narrow, wide, narrow, narrow])).toEqual({state: 14});
  expect(heldWidths([narrow, narrow])).toEqual({state: 5});
});

test('a large table is measured by a sample of bounded size', () => {
  const rows = sampleRows({...table([column('x')], []), count: 1_000_000});
  expect(rows.length).toBeLessThanOrEqual(300);
  expect(rows.at(-1)).toBeLessThan(1_000_000);
});

test('the head of the sorted column carries its direction', () => {
  expect(headsOf([column('rtt'), column('pod')], {column: 'rtt', descending: true})).toEqual(['RTT▼', 'POD']);
});

const names = (wishes: Wishes, cells: number) =>
  fitColumns(COLUMNS, NATURAL, cells, wishes).placed.map(({index}) => COLUMNS[index]!.key);

test('what is sorted or filtered by is seen, and another column goes for it', () => {
  expect(names({}, 32)).toEqual(['peer', 'pod']);
  expect(names({needed: new Set(['rtt'])}, 32)).toEqual(['peer', 'pod', 'rtt']);
  expect(names({needed: new Set(['node'])}, 24)).toEqual(['peer', 'node']);
  expect(names({needed: new Set(['rtt', 'node'])}, 20)).toEqual(['rtt', 'node']);
});

test('scrolled sideways, the first column stays and the others come as they stand', () => {
  expect(names({skip: 0}, 46)).toEqual(['peer', 'pod', 'rtt']);
  expect(names({skip: 1}, 46)).toEqual(['peer', 'rtt', 'node']);
  expect(fitColumns(COLUMNS, NATURAL, 46, {skip: 0}).beyond).toBe(1);
  expect(fitColumns(COLUMNS, NATURAL, 46, {skip: 1}).beyond).toBe(0);
});

test('addresses are whole or not there, even where text could be squeezed', () => {
  const columns = ['local', 'remote'].map(key => column(key, {min: 9}));
  const widths = {local: 17, remote: 41};
  const whole = new Set(['local', 'remote']);
  expect(fitColumns(columns, widths, 40).placed).toHaveLength(2);
  expect(fitColumns(columns, widths, 40, {whole}).placed).toEqual([{index: 0, width: 17}]);
  expect(fitColumns(columns, widths, 60, {whole}).placed.map(one => one.width)).toEqual([17, 41]);
});

test('a column of addresses is known by what stands in it', () => {
  const rows = [
    ['10.0.0.1:80', '[fe80::1%eth0]:53', '10.244.0.0/24', 'shop/web-1', '*:*', '17'],
    ['-', 'fe80::1', '0.0.0.0:*', '10.0.0.9', '', 'a'],
    ['', '::', '-', 'shop/db:0', '', 'b'],
  ].map((cells, i) => ({id: `${i}`, cells: cells.map(text => ({text}))}));
  const columns = ['a', 'b', 'c', 'd', 'e', 'f'].map(key => column(key));
  expect([...addressColumns(table(columns, rows), [0, 1, 2])]).toEqual(['a', 'b', 'c', 'e']);
});
