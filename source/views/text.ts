import {noteSign} from './marks.ts';
import type {Cell, Facet, Fields, Lines, Matrix, Table, View} from './view.ts';
import {widthOf} from './width.ts';

/**
 * A view as plain text, for `-o text`: every facet, every row and every column that says something in any of them,
 * aligned and never cut, and the gaps at the end. A view of one table is just that table, so that it can be piped on.
 */
export function viewText(view: View): string {
  const [first, ...more] = view.facets;
  const summary = view.summary.map(cell => cell.text).join('');
  const parts =
    first && more.length === 0 && first.body.type === 'table'
      ? [bodyText(first)]
      : [
          `${view.title}\n${summary}`,
          ...view.facets.map(facet => `${facet.title.toUpperCase()}\n${bodyText(facet)}`),
        ];
  if (view.gaps.length > 0) parts.push(`NOT SEEN\n${view.gaps.map(gap => `${gap}`).join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}

function bodyText({body}: Facet): string {
  if (body.type === 'table') return tableText(body);
  if (body.type === 'matrix') return matrixText(body);
  return body.type === 'fields' ? fieldsText(body) : linesText(body);
}

function tableText(table: Table): string {
  const {count, row, empty} = table;
  if (count === 0) return empty;
  const all = Array.from({length: count}, (_, i) => row(i).cells.map(cell => cell.text));
  const said = table.columns.map((_, at) => all.some(cells => cells[at] !== ''));
  const columns = table.columns.filter((_, at) => said[at]);
  const rows = all.map(cells => cells.filter((_, at) => said[at]));
  const titles = columns.map(column => column.title);
  const widths = columns.map((_, at) =>
    [titles, ...rows].reduce((most, cells) => Math.max(most, widthOf(cells[at] ?? '')), 0),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((text, at) => pad(text, widths[at]!, columns[at]!.align))
      .join('  ')
      .trimEnd();
  return [titles, ...rows].map(line).join('\n');
}

/** Two sides stand side by side: a file has no width that they must fit into. */
function fieldsText({fields, sides}: Fields): string {
  const width = Math.max(...fields.map(({label}) => widthOf(label)));
  const left = (cells: readonly Cell[]) => cells.map(cell => cell.text).join('');
  const half = Math.max(
    widthOf(sides?.[0] ?? ''),
    ...fields.filter(({beside}) => beside).map(({cells}) => widthOf(left(cells))),
  );
  const line = (label: string, first: string, second: string | undefined, note: string) => {
    const both = second === undefined ? first : `${pad(first, half, 'left')} ${note} ${second}`;
    return `${pad(label, width, 'left')}  ${both}`.trimEnd();
  };
  return [
    ...(sides ? [line('', sides[0], sides[1], ' ')] : []),
    ...fields.map(({label, cells, beside, note}) =>
      line(label, left(cells), beside && left(beside.cells), noteSign(note)),
    ),
  ].join('\n');
}

/** Columns are numbered as the rows are, with a space between them: a file has no width that they must fit into. */
function matrixText({names, cell, legend, empty}: Matrix): string {
  if (names.length === 0) return empty;
  const digits = `${names.length}`.length;
  const label = (i: number) => `${`${i + 1}`.padStart(digits)} ${names[i]!.text}`;
  const width = Math.max(...names.map((_, i) => widthOf(label(i))));
  const head = names.map((_, i) => `${i + 1}`.padStart(digits)).join(' ');
  const rows = names.map((_, row) => {
    const signs = names.map((_, column) => cell(row, column).sign.padStart(digits)).join(' ');
    return `${pad(label(row), width, 'left')}  ${signs}`;
  });
  return [
    `${' '.repeat(width)}  ${head}`,
    ...rows,
    '',
    ...legend.map(({sign, text}) => `${sign}  ${text}`),
  ].join('\n');
}

function linesText({lines}: Lines): string {
  return lines
    .map(cells =>
      cells
        .map(cell => cell.text)
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? `${space}${text}` : `${text}${space}`;
}
