import type {Cell, Column, Row, Table, Tone} from './view.ts';

/** A column with what it shows of a thing. `sort` makes it sortable. */
export type ColumnOf<T> = Omit<Column, 'sortable'> & {
  readonly cell: (item: T) => Cell | string;
  readonly sort?: (item: T) => string | number | undefined;
};

export type TableSpec<T> = {
  readonly columns: readonly ColumnOf<T>[];
  readonly count: number;
  readonly at: (i: number) => T;
  readonly row: (item: T) => Omit<Row, 'cells'>;
  readonly empty: string;
  /** Where sorting would otherwise make an object of each of a million things. */
  readonly sortKey?: (i: number, column: string) => string | number | undefined;
};

/** A windowed table: nothing is made but the rows that are asked for. */
export function tableOf<T>({columns, count, at, row, empty, sortKey}: TableSpec<T>): Table {
  const byKey = new Map(columns.map(column => [column.key, column]));
  return {
    type: 'table',
    columns: columns.map(({cell: _, sort, ...column}) => ({
      ...column,
      // As kubectl, ss and netstat -n readers expect it: headings in capitals, whatever table they stand over.
      title: column.title.toUpperCase(),
      ...(sort ? {sortable: true as const} : {}),
    })),
    count,
    row(i) {
      const item = at(i);
      const cells = columns.map(column => {
        const cell = column.cell(item);
        return typeof cell === 'string' ? {text: cell} : cell;
      });
      return {...row(item), cells};
    },
    sortKey: sortKey ?? ((i, column) => byKey.get(column)?.sort?.(at(i))),
    empty,
  };
}

/** The same over a list that is there already. */
export function listTable<T>(items: readonly T[], spec: Omit<TableSpec<T>, 'count' | 'at'>): Table {
  return tableOf({...spec, count: items.length, at: i => items[i]!});
}

/** A column that shows and sorts by one text. */
export function words<T>(
  key: string,
  title: string,
  priority: number,
  min: number,
  text: (item: T) => string | undefined,
  more: {readonly tone?: (item: T) => Tone} & Pick<Column, 'max' | 'grow' | 'readable' | 'whole'> = {},
): ColumnOf<T> {
  const {tone, ...width} = more;
  return {
    key,
    title,
    align: 'left',
    priority,
    min,
    ...width,
    cell: item => (tone ? {text: text(item) ?? '', tone: tone(item)} : (text(item) ?? '')),
    sort: text,
  };
}

/** A column of numbers: sorted by value, shown by `show`. */
export function figures<T>(
  key: string,
  title: string,
  priority: number,
  min: number,
  value: (item: T) => number | undefined,
  more: {readonly show?: (value: number) => string; readonly tone?: (item: T) => Tone} = {},
): ColumnOf<T> {
  const {show = String, tone} = more;
  return {
    key,
    title,
    align: 'right',
    priority,
    min,
    cell: item => {
      const number = value(item);
      const text = number === undefined ? '' : show(number);
      return tone ? {text, tone: tone(item)} : text;
    },
    sort: value,
  };
}

/** The same table without some columns: where a page is about one node or pod, the column that names it says nothing. */
export function without(table: Table, ...keys: readonly string[]): Table {
  const kept = table.columns.flatMap(({key}, at) => (keys.includes(key) ? [] : [at]));
  return {
    ...table,
    columns: kept.map(at => table.columns[at]!),
    row(i) {
      const row = table.row(i);
      return {...row, cells: kept.map(at => row.cells[at]!)};
    },
  };
}
