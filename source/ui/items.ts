import type {Evidence} from '../facts/evidence.ts';
import type {Question} from '../questions/question.ts';
import type {Facet, Fields, Matrix, Table} from '../views/view.ts';
import {makeFilter} from './filter.ts';
import {clean, width, wrap} from './text.ts';

export type Sort = {readonly column: string; readonly descending: boolean};

/** What can be done with the line under the cursor. */
export type Item = {
  readonly opens?: Question;
  readonly other?: Question;
  readonly evidence?: readonly Evidence[];
  readonly subject?: string;
  readonly toward?: string;
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

/** One line of a list of fields: the first of a value carries its label. */
export type FieldLine = {
  readonly id: string;
  readonly field: number;
  readonly label: string;
  readonly text: string | undefined;
};

/** Begins with one of Unicode's box drawing characters. */
const DRAWN = /^\s*[\u2500-\u257f]/;

const NOTHING: Item = {};
type Arranged = {filter: string; sort: Sort | undefined; items: Items};
const lastOrder = new WeakMap<Table, Arranged>();
const lastLines = new WeakMap<Fields, {cells: number; lines: readonly FieldLine[]}>();

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
        item: i => body.fields[lines[i]!.field] ?? NOTHING,
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

/** Cells that the labels of a list of fields take. */
export function labelWidth(fields: Fields): number {
  return fields.fields.reduce((widest, field) => Math.max(widest, width(clean(field.label))), 0);
}

/**
 * A value that does not fit goes on in the next line instead of being cut: a list of fields is where a person reads
 * the whole of it. A line of a drawing is cut instead: what goes on below it would stand outside its guides. `text` is
 * undefined for a value on one line, whose own toned cells are drawn.
 */
export function fieldLines(fields: Fields, cells: number): readonly FieldLine[] {
  const last = lastLines.get(fields);
  if (last?.cells === cells) return last.lines;
  const room = Math.max(8, cells - labelWidth(fields) - 2);
  const times = new Map<string, number>();
  const lines = fields.fields.flatMap(({label, cells: value}, field): FieldLine[] => {
    const nth = times.get(label) ?? 0;
    times.set(label, nth + 1);
    const id = `${label} ${nth}`;
    const text = clean(value.map(cell => cell.text).join(''));
    if (width(text) <= room || DRAWN.test(text)) return [{id, field, label, text: undefined}];
    return wrap(text, room).map((part, i) => ({
      id: `${id} ${i}`,
      field,
      label: i === 0 ? label : '',
      text: part,
    }));
  });
  lastLines.set(fields, {cells, lines});
  return lines;
}
