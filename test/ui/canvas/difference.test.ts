import xterm from '@xterm/headless';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {type Row, rowOf} from '../../../source/ui/canvas/cells.ts';
import {difference} from '../../../source/ui/canvas/difference.ts';
import {piecesOf} from '../../../source/ui/canvas/sgr.ts';
import {createSurface} from '../../../source/ui/canvas/surface.ts';

const COLUMNS = 24;
const ROWS = 4;

const piece = fc.record({
  text: fc.oneof(
    fc.string({unit: fc.constantFrom('a', 'b', ' ', '0', '│', '…'), maxLength: 14}),
    fc.string({unit: fc.constantFrom('한', '글', 'カ', 'x', ' ', 'é', 'e\u0301'), maxLength: 10}),
    fc.constant(' '.repeat(12)),
  ),
  code: fc.constantFrom('', '1', '36', '7', '1;31', '2'),
});
const screen = fc.array(
  fc.array(piece, {maxLength: 4}).map(pieces => rowOf(pieces, COLUMNS)),
  {minLength: ROWS, maxLength: ROWS},
);

const terminal = () => new xterm.Terminal({cols: COLUMNS, rows: ROWS, allowProposedApi: true});

/** What an emulator shows, a cell as its characters and whether it is bold, faint, inverse, and which colour it has. */
async function shown(term: xterm.Terminal): Promise<string[][]> {
  await new Promise<void>(done => term.write('', done));
  return Array.from({length: ROWS}, (_, y) =>
    Array.from({length: COLUMNS}, (_, x) => {
      const cell = term.buffer.active.getLine(y)!.getCell(x)!;
      const glyph = cell.getWidth() === 0 ? '' : cell.getChars() || ' ';
      const attributes = [
        cell.isBold() ? 'bold' : '',
        cell.isDim() ? 'faint' : '',
        cell.isInverse() ? 'inverse' : '',
        cell.isFgPalette() ? cell.getFgColor() : '',
      ];
      return `${glyph}/${attributes}`;
    }),
  );
}

const expected = (rows: readonly Row[]) =>
  rows.map(({glyphs, codes}) =>
    glyphs.map((glyph, x) => {
      const on = codes[x]!.split(';');
      const colour = on.find(one => one.startsWith('3'));
      return `${glyph.normalize()}/${[
        on.includes('1') ? 'bold' : '',
        on.includes('2') ? 'faint' : '',
        on.includes('7') ? 'inverse' : '',
        colour ? Number(colour) - 30 : '',
      ]}`;
    }),
  );

test('an emulator shows every screen of a sequence cell for cell', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(screen, {minLength: 1, maxLength: 4}), async screens => {
      const term = terminal();
      let was: readonly Row[] | undefined;
      for (const rows of screens) {
        term.write(difference(was, rows));
        was = rows;
        const seen = (await shown(term)).map(row => row.map(cell => cell.normalize()));
        expect(seen).toEqual(expected(rows));
      }
    }),
    {numRuns: 150},
  );
});

test('what did not change is not written, and a changed digit is little more than itself', () => {
  const row = (text: string, code = '') => rowOf([{text, code}], 200);
  const was = [row('pod shop/web-0   12 sockets'), row('pod shop/web-1   13 sockets')];
  expect(difference(was, [...was])).toBe('');
  expect(
    difference(
      was,
      was.map(({glyphs, codes}) => ({glyphs: [...glyphs], codes: [...codes]})),
    ),
  ).toBe('');
  expect(difference(was, [was[0]!, row('pod shop/web-1   14 sockets')])).toBe('\u001b[2;19H4');
  expect(difference(was, [was[0]!, row('pod')])).toBe('\u001b[2;5H\u001b[K');
});

test('a grapheme that terminals measure differently moves nothing beside it', async () => {
  const term = terminal();
  term.write(difference(undefined, [rowOf([{text: '👨‍👩‍👧ab🛒c', code: ''}], COLUMNS), ...rest]));
  const [first] = await shown(term);
  expect(first!.slice(2, 4)).toEqual(['a/,,,', 'b/,,,']);
  expect(first![6]).toBe('c/,,,');
});

const rest = Array.from({length: ROWS - 1}, () => rowOf([], COLUMNS));

test('a wide character that does not fit whole leaves a blank; a mark belongs to what it stands on', () => {
  expect(rowOf([{text: '한글', code: '1'}], 3).glyphs).toEqual(['한', '', ' ']);
  expect(rowOf([{text: 'e\u0301x', code: ''}], 3).glyphs).toEqual(['e\u0301', 'x', ' ']);
  expect(
    rowOf(
      [
        {text: 'e', code: ''},
        {text: '\u0301x', code: ''},
      ],
      3,
    ).glyphs,
  ).toEqual(['e\u0301', 'x', ' ']);
});

test('SGR as Ink writes it becomes pieces', () => {
  expect(piecesOf('a\u001b[1m\u001b[36mb\u001b[39mc\u001b[22md')).toEqual([
    {text: 'a', code: ''},
    {text: 'b', code: '1;36'},
    {text: 'c', code: '1'},
    {text: 'd', code: ''},
  ]);
});

test('frames that a slow terminal has no time for are dropped, and the last one is shown', async () => {
  const taken: string[] = [];
  let ready: (error?: Error | null) => void = () => {};
  const surface = createSurface((text, done) => {
    taken.push(text);
    ready = done;
  });
  const frame = (text: string) => [rowOf([{text, code: ''}], 20)];
  for (let i = 0; i < 100; i++) surface.show(frame(`frame ${i}`));
  expect(taken).toHaveLength(1);
  ready();
  expect(taken).toHaveLength(2);
  expect(taken[1]).toContain('99');
  const closed = surface.close();
  ready();
  await closed;
  surface.show(frame('after the end'));
  expect(taken).toHaveLength(2);
});
