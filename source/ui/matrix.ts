import type {Matrix, MatrixCell} from '../views/view.ts';
import type {BodyLine} from './body.ts';
import type {Place} from './navigation.ts';
import {cut, fill, type Line, lineWidth} from './paint.ts';
import {clean, pad, shorten, width} from './text.ts';

/** Widest name of a row; longer ones are shortened in their middle. */
const NAME = 24;
/** Most terminal cells from one column to the next: with more, the eye loses the row. */
const STEP = 4;

/** How a matrix is laid out in so many cells: all columns where they fit, else a window of them. */
type Layout = {
  readonly digits: number;
  readonly name: number;
  readonly step: number;
  /** Lines that the numbers of the columns take: written downwards where they do not fit side by side. */
  readonly heads: number;
  readonly fits: number;
};

function layoutOf({names}: Matrix, columns: number): Layout {
  const digits = `${names.length}`.length;
  const longest = Math.max(0, ...names.map(({text}) => width(clean(text))));
  const name = Math.min(longest, NAME, Math.max(8, Math.floor(columns / 3)));
  // The mark of the cursor, the row's number and name, and two spaces.
  const room = columns - 1 - digits - 1 - name - 2;
  const step = Math.max(1, Math.min(STEP, Math.floor(room / Math.max(1, names.length))));
  return {
    digits,
    name,
    step,
    heads: step > digits ? 1 : digits,
    fits: Math.max(1, Math.min(names.length, Math.floor(room / step))),
  };
}

/** Lines that are not rows: the numbers of the columns, what is under the cursor, and what the signs mean. */
export function aroundMatrix(matrix: Matrix, columns: number): number {
  return layoutOf(matrix, columns).heads + 1 + legendLines(matrix, columns).length;
}

/** The window of a matrix that the cursor is in, exactly `height` lines: rows, then what is under the cursor, and the legend. */
export function matrixLines(matrix: Matrix, place: Place, columns: number, height: number): BodyLine[] {
  const {names} = matrix;
  if (names.length === 0) return [{line: []}, {line: [{text: `  ${matrix.empty}`}]}];
  const layout = layoutOf(matrix, columns);
  const legend = legendLines(matrix, columns);
  const rows = Math.max(1, height - layout.heads - 1 - legend.length);
  const first = firstColumn(layout, names.length, place.column);
  const shown = Array.from({length: layout.fits}, (_, i) => first + i);
  const lines = [...headLines(layout, shown, place.column, first, names.length)];
  const last = Math.min(names.length, place.top + rows);
  for (let row = place.top; row < last; row += 1) {
    lines.push(rowLine(matrix, layout, shown, row, place));
  }
  while (lines.length < layout.heads + rows) lines.push([]);
  const found = place.column === undefined ? names[place.index] : cellAt(matrix, place);
  lines.push(found ? [{text: ` ${clean(found.says)}`, tone: 'strong'}] : []);
  return [...lines, ...legend].map(line => ({line: cut(line, columns)}));
}

function cellAt(matrix: Matrix, {index, column = 0}: Place): MatrixCell {
  return matrix.cell(index, Math.min(column, matrix.names.length - 1));
}

/** The window moves by whole pages of columns, so that the eye finds them again. */
function firstColumn({fits}: Layout, count: number, column = 0): number {
  if (fits >= count) return 0;
  return Math.max(0, Math.min(count - fits, Math.floor(Math.min(column, count - 1) / fits) * fits));
}

function headLines(
  {digits, name, step, heads}: Layout,
  shown: readonly number[],
  column: number | undefined,
  first: number,
  count: number,
): Line[] {
  const more = first > 0 || first + shown.length < count;
  const note = more ? `${first + 1}–${first + shown.length} of ${count}` : '';
  return Array.from({length: heads}, (_, line): Line => {
    const label = pad(line === 0 ? note : '', digits + 1 + name + 2);
    return [
      {text: ` ${label}`, tone: 'dim'},
      ...shown.map(at => {
        const number = `${at + 1}`.padStart(digits);
        const text = heads === 1 ? number.trim().padStart(step) : number[line]!.padStart(step);
        return {text, tone: at === column ? ('strong' as const) : ('dim' as const)};
      }),
    ];
  });
}

function rowLine(matrix: Matrix, layout: Layout, shown: readonly number[], row: number, place: Place): Line {
  const {digits, name, step} = layout;
  const {text, tone} = matrix.names[row]!;
  const here = row === place.index;
  const label = `${`${row + 1}`.padStart(digits)} ${pad(shorten(clean(text), name), name)}`;
  return [
    {text: here ? '>' : ' '},
    {text: label, tone: here ? (place.column === undefined ? 'cursor' : 'strong') : (tone ?? 'plain')},
    {text: '  '},
    ...shown.flatMap((at): Line => {
      const {sign, tone: own} = matrix.cell(row, at);
      const cursor = here && at === Math.min(place.column ?? -1, matrix.names.length - 1);
      return [{text: ' '.repeat(step - 1)}, {text: sign, tone: cursor ? 'cursor' : (own ?? 'plain')}];
    }),
  ];
}

/** As many signs a line as fit; two lines at most, since the last ones matter least. */
function legendLines({legend}: Matrix, columns: number): Line[] {
  const lines: Line[] = [];
  for (const {sign, text, tone} of legend) {
    const entry: Line = [
      {text: ` ${sign}`, tone: tone ?? 'plain'},
      {text: ` ${text} `, tone: 'dim'},
    ];
    const current = lines.at(-1);
    if (current && lineWidth([...current, ...entry]) <= columns)
      lines[lines.length - 1] = [...current, ...entry];
    else if (lines.length < 2) lines.push(entry);
  }
  return lines.map(line => fill(line, columns));
}
