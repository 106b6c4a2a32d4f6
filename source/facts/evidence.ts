/** Where a statement comes from: a piece of one reply. Byte offsets are into that reply's `out`. */
export type Evidence = {
  readonly node: string;
  readonly fact: string;
  readonly netns?: string;
  readonly sweep: number;
  readonly from: number;
  readonly to: number;
};

/** What could not be read or understood, why, and what would reveal it. Never an empty table in its place. */
export type Gap = {
  readonly node: string;
  readonly fact: string;
  readonly netns?: string;
  readonly reason: string;
  /** The next thing to try. */
  readonly reveal?: string;
};

/** A byte range of the reply that a row was parsed from. */
export type Span = {readonly from: number; readonly to: number};

/** What a parser makes of bytes: the rows it understood, and what it did not, as sentences. It never throws. */
export type Parsed<Row> = {readonly rows: readonly Row[]; readonly problems: readonly string[]};
