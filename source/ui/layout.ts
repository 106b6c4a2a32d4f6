import type {Cell, Column, Table} from '../views/view.ts';
import type {Sort} from './items.ts';
import {clean, pad, shorten, width} from './text.ts';

/** Cells between two columns. */
export const GAP = 2;

/** A column that is shown: which one it is, and its width in terminal cells. */
export type Placed = {readonly index: number; readonly width: number};

export type Fitted = {
  readonly placed: readonly Placed[];
  /** Titles of the columns that did not fit. */
  readonly dropped: readonly string[];
  /** How many columns stand in the table after the last one that is shown: what scrolling sideways brings. */
  readonly beyond: number;
};

/** No more rows than this are measured of a table beyond those on screen. */
const SAMPLE = 300;

/** Numbers of rows that stand for the table when its columns are measured: all of a small one, spread over a large. */
export function sampleRows(table: Table): number[] {
  const step = Math.max(1, Math.ceil(table.count / SAMPLE));
  return Array.from({length: Math.ceil(table.count / step)}, (_, n) => n * step);
}

/**
 * Width that each column would like: its head and its widest value in `rows`, by column key; no less than `before`,
 * what it was.
 */
export function naturalWidths(
  table: Table,
  heads: readonly string[],
  rows: readonly number[],
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const widths = table.columns.map((column, i) => Math.max(width(heads[i] ?? ''), before[column.key] ?? 0));
  for (const i of rows) {
    table.row(i).cells.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(clean(cell.text)));
    });
  }
  return Object.fromEntries(table.columns.map((column, i) => [column.key, widths[i] ?? 0]));
}

/** Natural widths of a table in its last generations, the newest last. */
export type Widths = readonly Readonly<Record<string, number>>[];

/** So many generations a column has to be narrower before it gets narrower: nothing jumps while numbers change. */
export const HELD = 5;

/** The widest of the last generations, by column key: what was wide long ago takes no room from others. */
export function heldWidths(widths: Widths): Record<string, number> {
  const held: Record<string, number> = {};
  for (const one of widths) {
    for (const [key, cells] of Object.entries(one)) held[key] = Math.max(held[key] ?? 0, cells);
  }
  return held;
}

/** Titles of the columns; the one that is sorted by carries its direction. */
export function headsOf(columns: readonly Column[], sort: Sort | undefined): string[] {
  return columns.map(column =>
    sort?.column === column.key
      ? `${clean(column.title)}${sort.descending ? '▼' : '▲'}`
      : clean(column.title),
  );
}

/** A left-aligned column up to this wide is read as a whole (an address with its port, a state, a node's name). */
const WHOLE = 24;
/** From this priority on, a column is shown only where it takes nothing from the others. */
const EXTRA = 2;

/** What a person asked of the columns, beyond what the table says of them. */
export type Wishes = {
  /** Keys of columns that must be seen: the rows are ordered or chosen by them. */
  readonly needed?: ReadonlySet<string>;
  /** Keys of columns whose values are never cut, see `addressColumns`. */
  readonly whole?: ReadonlySet<string>;
  /**
   * How many columns after the first are scrolled out at the left; absent: the columns that matter most are chosen.
   */
  readonly skip?: number;
};

/**
 * Chooses the columns that fit into `available` cells, and their widths.
 *
 * A right-aligned column holds numbers and is shown whole or not at all, since half a number is a wrong number; so is
 * a column of addresses. Any other may shrink to its `min`, but first the columns of priority 2 and above go, one by
 * one, as long as they would make others shrink: a few columns that can be read are better than many that cannot.
 * Then, while the narrowest forms do not fit, the highest priority goes (the rightmost among equals). Those that are
 * needed are the last to go. What is left over goes to the columns in order of priority up to what they
 * would like; what nobody needs stays empty at the right.
 *
 * Scrolled sideways, the first column stays and those after it come as they stand in the table, as many as fit.
 */
export function fitColumns(
  columns: readonly Column[],
  natural: Readonly<Record<string, number>>,
  available: number,
  {needed = new Set(), whole = new Set(), skip}: Wishes = {},
): Fitted {
  const wanted = columns.map(column => {
    const like = Math.max(1, natural[column.key] ?? 0);
    return isWhole(column) ? like : Math.min(like, Math.max(column.max ?? like, column.min));
  });
  const least = columns.map((column, i) =>
    isWhole(column) ? wanted[i]! : Math.min(wanted[i]!, Math.max(column.min, width(column.title))),
  );
  const readable = columns.map((column, i) =>
    Math.max(least[i]!, Math.min(wanted[i]!, column.readable ?? (column.grow ? 0 : WHOLE))),
  );
  // The greatest goes first. Scrolled, the place in the table counts and not the importance.
  const rank = (i: number) => {
    if (needed.has(columns[i]!.key)) return -1;
    if (skip === undefined) return columns[i]!.priority;
    return i === 0 ? -2 : i + EXTRA;
  };
  let kept = columns.map((_, i) => i).filter(i => skip === undefined || i > skip || rank(i) < 0);
  const need = (widths: readonly number[]) =>
    kept.reduce((sum, i) => sum + widths[i]!, 0) + GAP * Math.max(0, kept.length - 1);
  const dropWhile = (widths: readonly number[], lowest: number) => {
    while (need(widths) > available && kept.length > 1) {
      const worst = kept.reduce((found, i) => (rank(i) < rank(found) ? found : i), kept[0]!);
      if (rank(worst) < lowest) return;
      kept = kept.filter(i => i !== worst);
    }
  };
  dropWhile(readable, EXTRA);
  // For a column that was asked for even one of priority 0 goes; else they give their text first, but not their numbers.
  dropWhile(least, needed.size > 0 ? 0 : 1);
  const smallest = columns.map((column, i) =>
    isWhole(column) ? wanted[i]! : Math.min(wanted[i]!, SQUEEZED),
  );
  dropWhile(smallest, -1);
  const start = need(readable) <= available ? readable : least;
  const widths = new Map(kept.map(i => [i, start[i]!]));
  // Even the columns that are left are too much: the widest text gives way, numbers stay whole.
  for (let over = need(start) - available; over > 0; over--) {
    const widest = kept
      .filter(i => !isWhole(columns[i]!) && widths.get(i)! > 1)
      .sort((a, b) => widths.get(b)! - widths.get(a)!)[0];
    if (widest === undefined) break;
    widths.set(widest, widths.get(widest)! - 1);
  }
  let left = available - GAP * Math.max(0, kept.length - 1);
  for (const cells of widths.values()) left -= cells;
  for (const i of [...kept].sort((a, b) => columns[a]!.priority - columns[b]!.priority)) {
    const more = Math.max(0, Math.min(left, wanted[i]! - widths.get(i)!));
    widths.set(i, widths.get(i)! + more);
    left -= more;
  }
  return {
    placed: kept.map(index => ({index, width: widths.get(index)!})),
    dropped: columns.filter((_, i) => !widths.has(i)).map(column => column.title),
    beyond: columns.length - 1 - Math.max(...kept.filter(i => rank(i) >= 0 || i === 0), skip ?? 0),
  };

  function isWhole({align, key, whole: always}: Column): boolean {
    return align === 'right' || always === true || whole.has(key);
  }
}

/** A text column squeezed below this says nothing any more. */
const SQUEEZED = 4;

/** An IP address, `*` or nothing for any, with or without zone, prefix length and port: `[::1]:53`, `0.0.0.0:*`. */
const ADDRESS = /^(\*|\[?[\da-f]*[.:][\da-f.:]*(%[\w.-]+)?\]?)(\/\d+)?(%[\w.-]+)?(:(\d+|\*))?$/i;

/** Keys of the columns that hold addresses: half an address is a wrong one, so they are whole or not there. */
export function addressColumns(table: Table, rows: readonly number[]): ReadonlySet<string> {
  const cells = rows.map(i => table.row(i).cells);
  const keys = table.columns.flatMap(({key, align}, i) => {
    const texts = cells.map(row => row[i]?.text ?? '').filter(text => text !== '' && text !== '-');
    const addresses = texts.filter(text => ADDRESS.test(text)).length;
    return align === 'left' && addresses > 0 && addresses * 2 > texts.length ? [key] : [];
  });
  return new Set(keys);
}

/** The cells of one row, each exactly as wide as its column, with the gaps between them. */
export function placeCells(
  columns: readonly Column[],
  placed: readonly Placed[],
  cells: readonly Cell[],
): Cell[] {
  const out: Cell[] = [];
  placed.forEach(({index, width: wide}, n) => {
    const cell = cells[index] ?? {text: ''};
    if (n > 0) out.push({text: ' '.repeat(GAP)});
    out.push({...cell, text: pad(shorten(clean(cell.text), wide), wide, columns[index]!.align)});
  });
  return out;
}
