import type {Evidence} from '../facts/evidence.ts';
import type {Question} from '../questions/question.ts';

/**
 * Colours by meaning; the screen alone turns them into colours. `cursor` is the screen's own: what the cursor is on,
 * where that is less than a line.
 */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad' | 'accent' | 'changed' | 'cursor';

export type Cell = {readonly text: string; readonly tone?: Tone};

export type Column = {
  readonly key: string;
  readonly title: string;
  readonly align: 'left' | 'right';
  /** 0 is never dropped; the highest numbers go first when the terminal is narrow. Whole columns go. */
  readonly priority: number;
  /** Narrowest useful width, in terminal cells. */
  readonly min: number;
  /** Widest useful width; absent: as wide as its content. */
  readonly max?: number;
  /** May take what is left over. */
  readonly grow?: true;
  /** Cells that tell what its sentences are about: as long as they have fewer, columns that matter less go. */
  readonly readable?: number;
  /** Half a value is a wrong one: shown whole, as numbers are, or not at all. */
  readonly whole?: true;
  /** Sorting by it makes sense; `sort(i)` below gives its key. */
  readonly sortable?: true;
};

export type Row = {
  /** Stays with the same thing from one generation to the next, so that the cursor stays on it. */
  readonly id: string;
  /** One cell a column, in the columns' order. */
  readonly cells: readonly Cell[];
  /** What Enter opens. */
  readonly opens?: Question;
  /** What `o` opens: the other end. */
  readonly other?: Question;
  /** Where the row comes from: shown by `e`. */
  readonly evidence?: readonly Evidence[];
  /** What `m` marks, as `hoptop path` takes it; absent: told by what the row opens. */
  readonly subject?: string;
  /** The other end, where the row has two: `p` shows the path between them, with these words after it. */
  readonly toward?: string;
  readonly onPort?: readonly string[];
};

/** Windowed: `row` is called only for what is on screen. */
export type Table = {
  readonly type: 'table';
  readonly columns: readonly Column[];
  readonly count: number;
  row(i: number): Row;
  /** Key to sort row i by in the column with this key: text or a number, undefined sorts last. */
  sortKey(i: number, column: string): string | number | undefined;
  /** Said in place of rows when there are none, with the next step. */
  readonly empty: string;
};

/** What one side of a line shows and leads to. */
export type Side = {
  readonly cells: readonly Cell[];
  readonly opens?: Question;
  readonly other?: Question;
  readonly evidence?: readonly Evidence[];
  readonly subject?: string;
  readonly toward?: string;
  readonly onPort?: readonly string[];
};

/**
 * Labelled values, one a line; `opens` makes a line selectable. With `sides` some have a second value, `beside`: the
 * two stand side by side where there is room, else all of the first side come before all of the second.
 */
export type Fields = {
  readonly type: 'fields';
  /** Heads of the two sides. */
  readonly sides?: readonly [string, string];
  readonly fields: readonly (Side & {
    readonly label: string;
    readonly beside?: Side;
    /** What to look at first: the two differ where they should not, or what is here stalls the connection. */
    readonly note?: 'differs' | 'stalls';
  })[];
};

/**
 * The same things against each other: one sign a cell, so that fifty of them fit into eighty columns. Windowed like a
 * table. The first cell of a row is its name, on which the cursor starts.
 */
export type Matrix = {
  readonly type: 'matrix';
  /** The things, in order: each is a row and a column, numbered from 1. */
  readonly names: readonly {
    readonly text: string;
    readonly tone?: Tone;
    readonly opens?: Question;
    readonly subject?: string;
    readonly says: string;
  }[];
  cell(row: number, column: number): MatrixCell;
  /** What the signs mean, those that matter most first; none that no cell has. */
  readonly legend: readonly {readonly sign: string; readonly text: string; readonly tone?: Tone}[];
  readonly empty: string;
};

export type MatrixCell = {
  /** One terminal cell wide, and readable without its tone. */
  readonly sign: string;
  readonly tone?: Tone;
  /** The same as a sentence. */
  readonly says: string;
  readonly opens?: Question;
  readonly other?: Question;
  readonly evidence?: readonly Evidence[];
  readonly subject?: string;
  readonly toward?: string;
  readonly onPort?: readonly string[];
};

/** Lines of toned text, shown as they are (drawings, evidence). */
export type Lines = {readonly type: 'lines'; readonly lines: readonly (readonly Cell[])[]};

/** One part of a screen; Tab moves between the facets of a view. */
export type Facet = {
  readonly key: string;
  readonly title: string;
  readonly body: Table | Fields | Matrix | Lines;
};

export type View = {
  /** For the breadcrumb: short, e.g. `pod shop/web-1`. */
  readonly title: string;
  /** One line under the breadcrumb: what matters most here. */
  readonly summary: readonly Cell[];
  readonly facets: readonly Facet[];
  /** What could not be seen, as sentences; shown, never hidden. */
  readonly gaps: readonly string[];
};
