import type {Fields, Lines, Table} from '../views/view.ts';
import {columnsShown} from './columns.ts';
import {drawField, fieldLines, labelWidth} from './fields.ts';
import {itemsOf} from './items.ts';
import {headsOf, placeCells} from './layout.ts';
import {matrixLines} from './matrix.ts';
import {placeOf, type Screen, shown} from './navigation.ts';
import {cut, fill, type Line} from './paint.ts';
import {bodyHeight, facetShown, listHeight, rowsOnScreen, type Ui} from './state.ts';
import {clean, wrap} from './text.ts';

/** One line of the body. `cursor`: it is the one that keys act on. */
export type BodyLine = {readonly line: Line; readonly cursor?: true};

export type Body = {
  readonly lines: readonly BodyLine[];
  /** Titles of columns that did not fit. */
  readonly dropped: readonly string[];
};

/** The facet that is shown, as the lines that are on screen: no more than `bodyHeight`, and no more rows are asked for. */
export function bodyOf(ui: Ui): Body {
  const body = facetShown(ui)?.body;
  const screen = shown(ui.navigation);
  switch (body?.type) {
    case 'table':
      return tableBody(ui, body, screen);
    case 'fields':
      return {lines: fieldsBody(ui, body, screen), dropped: []};
    case 'matrix':
      return {lines: matrixLines(body, placeOf(screen), ui.columns, bodyHeight(ui)), dropped: []};
    case 'lines':
      return {lines: linesBody(ui, body, screen), dropped: []};
    case undefined:
      return {lines: sentence('Nothing to show here.', ui), dropped: []};
  }
}

function tableBody(ui: Ui, table: Table, screen: Screen): Body {
  const place = placeOf(screen);
  const rows = rowsOnScreen(ui);
  const heads = headsOf(table.columns, place.sort);
  const {placed, dropped} = columnsShown(ui, table);
  const head = placeCells(
    table.columns,
    placed,
    heads.map(text => ({text, tone: 'strong'})),
  );
  const lines: BodyLine[] = [{line: fill([{text: ' '}, ...head], ui.columns)}];
  rows.forEach((i, n) => {
    const row = table.row(i);
    const cursor = place.top + n === place.index;
    const cells = marked(row.cells, screen.seen.get(row.id));
    const line = fill([{text: cursor ? '>' : ' '}, ...placeCells(table.columns, placed, cells)], ui.columns);
    lines.push(cursor ? {line, cursor} : {line});
  });
  if (rows.length > 0) return {lines, dropped};
  const why =
    table.count === 0
      ? table.empty
      : `None of the ${table.count} rows matches "${place.filter}". Esc clears the filter.`;
  return {lines: [...lines, ...sentence(why, ui)], dropped};
}

/** What differs from the last generation is marked; faint cells (ages and the like) change all the time and are not. */
function marked(cells: Line, before: readonly string[] | undefined): Line {
  if (!before) return cells;
  return cells.map((cell, i) =>
    cell.tone !== 'dim' && cell.tone !== 'bad' && cell.text !== before[i] ? {...cell, tone: 'changed'} : cell,
  );
}

function fieldsBody(ui: Ui, fields: Fields, screen: Screen): BodyLine[] {
  const place = placeOf(screen);
  const labels = labelWidth(fields);
  return fieldLines(fields, ui.columns - 2)
    .slice(place.top, place.top + listHeight(ui))
    .map((one, n) => {
      const cursor = place.top + n === place.index;
      const {line, whole} = drawField(one, labels, cursor ? {column: place.column} : undefined);
      const filled = fill(line, ui.columns);
      return cursor && whole ? {line: filled, cursor} : {line: filled};
    });
}

function linesBody(ui: Ui, {lines}: Lines, screen: Screen): BodyLine[] {
  const {top} = placeOf(screen);
  return lines
    .slice(top, top + bodyHeight(ui))
    .map(line => ({line: cut([{text: ' '}, ...line], ui.columns)}));
}

function sentence(text: string, ui: Ui): BodyLine[] {
  const lines = wrap(clean(text), ui.columns - 4).map((part): BodyLine => ({line: [{text: `  ${part}`}]}));
  return [{line: []}, ...lines].slice(0, listHeight(ui));
}

/** `12 of 40`, for the line above the body: which part of the list is on screen. */
export function position(ui: Ui): string {
  const facet = facetShown(ui);
  if (!facet) return '';
  const place = placeOf(shown(ui.navigation));
  const items = itemsOf(facet, place.filter, place.sort, ui.columns - 2);
  if (facet.body.type === 'fields' || items.count === 0) return '';
  if (facet.body.type === 'matrix') {
    return `${place.index + 1}${place.column === undefined ? '' : ` → ${place.column + 1}`}/${items.count}`;
  }
  if (facet.body.type === 'table') return `${place.index + 1}/${items.count}`;
  const height = listHeight(ui);
  if (items.count <= height) return '';
  return `${place.top + 1}–${Math.min(items.count, place.top + height)}/${items.count}`;
}
