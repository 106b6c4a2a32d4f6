import {columnCutter} from '../columns.ts';
import {createWords, type Words} from './intern.ts';
import type {SocketTable} from './table.ts';

/** The columns of a table, and how many elements each has for a row. */
const EACH = {
  local: 4,
  remote: 4,
  recvQ: 1,
  sendQ: 1,
  inode: 1,
  uid: 1,
  rtt: 1,
  retrans: 1,
  from: 1,
  to: 1,
  localPort: 1,
  remotePort: 1,
  netnsIndex: 1,
  congestion: 1,
  device: 1,
  protocol: 1,
  family: 1,
  state: 1,
  v6only: 1,
} as const;
type ColumnName = keyof typeof EACH;
const NAMES = Object.keys(EACH) as ColumnName[];

/** The writable side of a `SocketTable`: room for `capacity` rows, of which `count` are filled. */
export type Columns = Pick<SocketTable, ColumnName> & {capacity: number; count: number};

/** Bytes that one socket takes. */
export const ROW_BYTES = 16 + 16 + 8 * 4 + 5 * 2 + 4;

/** A table being filled. Growing it replaces its columns: take them from here after every call that may grow it. */
export type Draft = {
  columns: Columns;
  readonly netns: string[];
  readonly words: Words;
};

export function createDraft(capacity: number): Draft {
  return {columns: allocate(capacity), netns: [], words: createWords()};
}

/** Makes room for at least one more row. */
export function grow(draft: Draft): void {
  const {count, capacity} = draft.columns;
  draft.columns = copy(draft.columns, count, Math.ceil(capacity * 1.5) + 64);
}

/** Makes row `i` all zero again, as a new row is, after a line that turned out to be none. */
export function clearRow(columns: Columns, i: number): void {
  for (const name of NAMES) columns[name].fill(0, i * EACH[name], (i + 1) * EACH[name]);
}

/** Appends the rows that `table` has of namespace `netns`, e.g. from an earlier sweep. Says how many. */
export function appendKept(draft: Draft, netns: string, table: SocketTable): number {
  const index = table.netns.indexOf(netns);
  const start = index < 0 ? -1 : table.netnsIndex.indexOf(index);
  const end = start < 0 ? -1 : table.netnsIndex.lastIndexOf(index) + 1;
  const mine = draft.netns.push(netns) - 1;
  if (start < 0) return 0;
  const rows = end - start;
  const first = draft.columns.count;
  if (first + rows > draft.columns.capacity) draft.columns = copy(draft.columns, first, first + rows);
  const columns = draft.columns;
  for (const name of NAMES) {
    const each = EACH[name];
    columns[name].set(table[name].subarray(start * each, end * each), first * each);
  }
  columns.netnsIndex.fill(mine, first, first + rows);
  const moved = Uint16Array.from(table.words, word => draft.words.indexOf(word));
  for (let i = first; i < first + rows; i++) {
    columns.congestion[i] = moved[columns.congestion[i]!]!;
    columns.device[i] = moved[columns.device[i]!]!;
  }
  columns.count = first + rows;
  return rows;
}

/**
 * Appends one row of another table, whose byte range begins `shift` bytes further on. Answers where it is now. For what
 * a person pastes, not for a million.
 */
export function appendRow(
  draft: Draft,
  table: SocketTable,
  row: number,
  netnsIndex: number,
  shift: number,
): number {
  if (draft.columns.count === draft.columns.capacity) grow(draft);
  const {columns} = draft;
  const at = columns.count++;
  for (const name of NAMES) {
    const each = EACH[name];
    columns[name].set(table[name].subarray(row * each, (row + 1) * each), at * each);
  }
  columns.netnsIndex[at] = netnsIndex;
  columns.from[at] = table.from[row]! + shift;
  columns.to[at] = table.to[row]! + shift;
  columns.congestion[at] = draft.words.indexOf(table.words[table.congestion[row]!]!);
  columns.device[at] = draft.words.indexOf(table.words[table.device[row]!]!);
  return at;
}

/** The finished table. What room is left over is given back when it is more than a twentieth. */
export function finish(draft: Draft): SocketTable {
  const {count, capacity} = draft.columns;
  const columns = capacity > count * 1.05 + 64 ? copy(draft.columns, count, count) : draft.columns;
  const part = <Name extends ColumnName>(name: Name) =>
    columns[name].subarray(0, count * EACH[name]) as SocketTable[Name];
  return {
    count,
    netns: draft.netns,
    words: draft.words.list(),
    local: part('local'),
    remote: part('remote'),
    recvQ: part('recvQ'),
    sendQ: part('sendQ'),
    inode: part('inode'),
    uid: part('uid'),
    rtt: part('rtt'),
    retrans: part('retrans'),
    from: part('from'),
    to: part('to'),
    localPort: part('localPort'),
    remotePort: part('remotePort'),
    netnsIndex: part('netnsIndex'),
    congestion: part('congestion'),
    device: part('device'),
    protocol: part('protocol'),
    family: part('family'),
    state: part('state'),
    v6only: part('v6only'),
  };
}

function allocate(capacity: number): Columns {
  const take = columnCutter(capacity, ROW_BYTES);
  // A literal: an object filled name by name would be a hash table, and every access a look-up. Widest come first,
  // so that each column is aligned in the one buffer.
  return {
    capacity,
    count: 0,
    local: take(Uint32Array, 4),
    remote: take(Uint32Array, 4),
    recvQ: take(Uint32Array),
    sendQ: take(Uint32Array),
    inode: take(Uint32Array),
    uid: take(Uint32Array),
    rtt: take(Float32Array),
    retrans: take(Uint32Array),
    from: take(Uint32Array),
    to: take(Uint32Array),
    localPort: take(Uint16Array),
    remotePort: take(Uint16Array),
    netnsIndex: take(Uint16Array),
    congestion: take(Uint16Array),
    device: take(Uint16Array),
    protocol: take(Uint8Array),
    family: take(Uint8Array),
    state: take(Uint8Array),
    v6only: take(Uint8Array),
  };
}

function copy(old: Columns, count: number, capacity: number): Columns {
  const columns = allocate(capacity);
  for (const name of NAMES) columns[name].set(old[name].subarray(0, count * EACH[name]));
  columns.count = count;
  return columns;
}
