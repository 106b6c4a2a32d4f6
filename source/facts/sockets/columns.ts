import {NO_UID, type SocketTable} from '../sockets.ts';
import {createWords, type Words} from './intern.ts';

/** The writable side of a `SocketTable`: room for `capacity` rows, of which `count` are filled. */
export type Columns = {-readonly [K in ColumnName]: SocketTable[K]} & {capacity: number; count: number};

type ColumnName = (typeof LAYOUT)[number]['name'];

/** Widest first, so that every column is aligned in the one buffer that holds them all. `each` is elements a row. */
const LAYOUT = [
  {name: 'local', type: Uint32Array, each: 4},
  {name: 'remote', type: Uint32Array, each: 4},
  {name: 'recvQ', type: Uint32Array, each: 1},
  {name: 'sendQ', type: Uint32Array, each: 1},
  {name: 'inode', type: Uint32Array, each: 1},
  {name: 'uid', type: Uint32Array, each: 1},
  {name: 'rtt', type: Float32Array, each: 1},
  {name: 'retrans', type: Uint32Array, each: 1},
  {name: 'from', type: Uint32Array, each: 1},
  {name: 'to', type: Uint32Array, each: 1},
  {name: 'localPort', type: Uint16Array, each: 1},
  {name: 'remotePort', type: Uint16Array, each: 1},
  {name: 'netnsIndex', type: Uint16Array, each: 1},
  {name: 'congestion', type: Uint16Array, each: 1},
  {name: 'device', type: Uint16Array, each: 1},
  {name: 'protocol', type: Uint8Array, each: 1},
  {name: 'family', type: Uint8Array, each: 1},
  {name: 'state', type: Uint8Array, each: 1},
  {name: 'v6only', type: Uint8Array, each: 1},
] as const;

/** Bytes that one socket takes. */
export const ROW_BYTES = LAYOUT.reduce((sum, {type, each}) => sum + type.BYTES_PER_ELEMENT * each, 0);

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

/** Every field of row `i` as a socket has it of which nothing is known. */
export function clearRow(columns: Columns, i: number): void {
  const at = i * 4;
  columns.local.fill(0, at, at + 4);
  columns.remote.fill(0, at, at + 4);
  for (const {name, each} of LAYOUT) if (each === 1) columns[name][i] = 0;
  columns.uid[i] = NO_UID;
  columns.rtt[i] = Number.NaN;
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
  for (const {name, each} of LAYOUT) {
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

/** The finished table. What room is left over is given back when it is more than a twentieth. */
export function finish(draft: Draft): SocketTable {
  const {count, capacity} = draft.columns;
  const columns = capacity > count * 1.05 + 64 ? copy(draft.columns, count, count) : draft.columns;
  const table: Record<string, unknown> = {count, netns: draft.netns, words: draft.words.list()};
  for (const {name, each} of LAYOUT) table[name] = columns[name].subarray(0, count * each);
  return table as unknown as SocketTable;
}

function allocate(capacity: number): Columns {
  const buffer = new SharedArrayBuffer(capacity * ROW_BYTES);
  const columns: Record<string, unknown> = {capacity, count: 0};
  let offset = 0;
  for (const {name, type: Column, each} of LAYOUT) {
    columns[name] = new (Column as Uint32ArrayConstructor)(buffer, offset, capacity * each);
    offset += capacity * each * Column.BYTES_PER_ELEMENT;
  }
  return columns as unknown as Columns;
}

function copy(old: Columns, count: number, capacity: number): Columns {
  const columns = allocate(capacity);
  for (const {name, each} of LAYOUT) columns[name].set(old[name].subarray(0, count * each));
  columns.count = count;
  return columns;
}
