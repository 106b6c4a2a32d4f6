import type {Evidence} from '../facts/evidence.ts';
import type {Question} from '../questions/question.ts';
import type {Facet, Matrix, Table} from '../views/view.ts';
import {fieldLines, partOf} from './fields.ts';
import {makeFilter} from './filter.ts';

export type Sort = {readonly column: string; readonly descending: boolean};

/** What can be done with the line under the cursor. */
export type Item = {
  readonly opens?: Question;
  readonly other?: Question;
  readonly evidence?: readonly Evidence[];
  readonly subject?: string;
  readonly toward?: string;
  readonly onPort?: readonly string[];
};

/** A facet as the cursor sees it: how many lines there are, which is which, and what each offers. */
export type Items = {
  readonly count: number;
  /** How many there are without the filter. */
  readonly total: number;
  /** Lines of a drawing have no cursor: keys scroll them. */
  readonly selectable: boolean;
  id(i: number): string;
  /** What line i offers, at this place within it (`Place.column`). */
  item(i: number, column?: number): Item;
  /** Row of the table, or line of the body, that stands at place i. */
  at(i: number): number;
};

const NOTHING: Item = {};
type Arranged = {filter: string; sort: Sort | undefined; items: Items};
const lastOrder = new WeakMap<Table, Arranged>();

/** The lines of a facet after filtering and sorting. `cells` is the width that values of fields are wrapped to. */
export function itemsOf(facet: Facet, filter: string, sort: Sort | undefined, cells: number): Items {
  const {body} = facet;
  switch (body.type) {
    case 'table':
      return tableItems(body, filter, sort);
    case 'fields': {
      const lines = fieldLines(body, cells);
      return {
        count: lines.length,
        total: lines.length,
        selectable: true,
        id: i => lines[i]!.id,
        item: (i, column) => partOf(body, lines[i]!, column) ?? NOTHING,
        at: i => i,
      };
    }
    case 'matrix':
      return matrixItems(body);
    case 'lines':
      return {
        count: body.lines.length,
        total: body.lines.length,
        selectable: false,
        id: i => `${i}`,
        item: () => NOTHING,
        at: i => i,
      };
  }
}

function matrixItems({names, cell}: Matrix): Items {
  return {
    count: names.length,
    total: names.length,
    selectable: true,
    id: i => names[i]!.text,
    item: (i, column) => (column === undefined ? names[i]! : cell(i, Math.min(column, names.length - 1))),
    at: i => i,
  };
}

/** The last arrangement is kept, since every key and every frame asks for it again. */
function tableItems(table: Table, filter: string, sort: Sort | undefined): Items {
  const last = lastOrder.get(table);
  if (last && last.filter === filter && last.sort === sort) return last.items;
  const order = arrange(table, filter, sort);
  const at = order ? (i: number) => order[i]! : (i: number) => i;
  const items: Items = {
    count: order ? order.length : table.count,
    total: table.count,
    selectable: true,
    id: i => table.row(at(i)).id,
    item: i => table.row(at(i)),
    at,
  };
  lastOrder.set(table, {filter, sort, items});
  return items;
}

/** Row numbers in the order they are shown; undefined when that is the table's own order. */
function arrange(table: Table, filter: string, sort: Sort | undefined): readonly number[] | undefined {
  const keep = makeFilter(filter, table);
  if (!keep && !sort) return undefined;
  const order: number[] = [];
  for (let i = 0; i < table.count; i++) if (!keep || keep(i, table.row(i))) order.push(i);
  if (!sort) return order;
  const keys = new Map(order.map(i => [i, table.sortKey(i, sort.column)]));
  const sign = sort.descending ? -1 : 1;
  return order.sort((a, b) => compare(keys.get(a), keys.get(b), sign) || a - b);
}

/** Unknown is last in either direction. */
function compare(a: string | number | undefined, b: string | number | undefined, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  const [x, y] = [String(a), String(b)];
  return x === y ? 0 : sign * (x < y ? -1 : 1);
}
