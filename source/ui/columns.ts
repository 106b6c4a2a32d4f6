import type {Table} from '../views/view.ts';
import {filteredColumns} from './filter.ts';
import {
  addressColumns,
  type Fitted,
  fitColumns,
  headsOf,
  heldWidths,
  naturalWidths,
  sampleRows,
} from './layout.ts';
import {placeOf, shown} from './navigation.ts';
import {facetShown, rowsOnScreen, type Ui} from './state.ts';

/** The columns of the table that is shown: those that matter most, or where they were scrolled to. */
export function columnsShown(ui: Ui, table: Table): Fitted {
  return columnsFrom(ui, table, placeOf(shown(ui.navigation)).skip);
}

function columnsFrom(ui: Ui, table: Table, skip: number | undefined): Fitted {
  const screen = shown(ui.navigation);
  const {sort, filter} = placeOf(screen);
  const heads = headsOf(table.columns, sort);
  const widths = naturalWidths(
    table,
    heads,
    rowsOnScreen(ui),
    heldWidths(screen.widths[facetShown(ui)!.key] ?? []),
  );
  const needed = new Set(filteredColumns(filter, table));
  if (sort) needed.add(sort.column);
  const wishes = {needed, whole: addressesOf(table), ...(skip === undefined ? {} : {skip})};
  return fitColumns(table.columns, widths, ui.columns - 2, wishes);
}

/**
 * Where scrolling sideways leads from here; undefined when there is nothing more that way. First come the columns that
 * matter most (`skip` undefined), then all of them from the left, one screen of them after the other.
 */
export function columnsAside(
  ui: Ui,
  table: Table,
  direction: 1 | -1,
): {readonly skip: number | undefined} | undefined {
  const at = placeOf(shown(ui.navigation)).skip;
  const pages = pagesOf(ui, table);
  const here = at === undefined ? 0 : pages.findLastIndex(skip => skip !== undefined && skip <= at);
  const next = here + direction;
  return next >= 0 && next < pages.length ? {skip: pages[next]} : undefined;
}

function pagesOf(ui: Ui, table: Table): readonly (number | undefined)[] {
  const pages: (number | undefined)[] = [undefined];
  let fitted = columnsFrom(ui, table, undefined);
  if (fitted.dropped.length === 0) return pages;
  // Where the columns that matter most are the leftmost ones anyway, the first screen of all columns is the same.
  let skip = fitted.placed.every(({index}, n) => index === n) ? fitted.placed.length - 1 : 0;
  for (;;) {
    pages.push(skip);
    fitted = columnsFrom(ui, table, skip);
    if (fitted.beyond <= 0) return pages;
    skip = Math.max(skip + 1, table.columns.length - 1 - fitted.beyond);
  }
}

const addresses = new WeakMap<Table, ReadonlySet<string>>();

/** Looked up once a generation: a frame must not ask for more rows than it shows. */
function addressesOf(table: Table): ReadonlySet<string> {
  const known = addresses.get(table) ?? addressColumns(table, sampleRows(table));
  addresses.set(table, known);
  return known;
}
