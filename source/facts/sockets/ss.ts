/**
 * A scanner for `ss -tunaieH`, with or without `-O` (one line a socket). It walks over the bytes once and writes into
 * columns; no string or object is made for a line. Layout: ss(8) and iproute2 misc/ss.c (`inet_show_sock`,
 * `tcp_stats_print`, `sock_details_print`); seen with iproute2 6.1 on Linux 6.18.
 *
 *     tcp ESTAB 0 0 127.0.0.1:2379 127.0.0.1:59398 timer:(keepalive,2.920ms,0) ino:395426 sk:1137 cgroup:/a <->
 *     <tab> ts sack bbr wscale:10,10 rto:212 rtt:8.345/14.075 … retrans:0/2 …
 *
 * Lines are padded with spaces. With `-O` the second line follows the first after a space.
 */

import {type Columns, clearRow, type Draft, grow} from './columns.ts';
import {endpoint, UNSAID, UNSAID_ANY6, UNSAID_STAR} from './endpoint.ts';
import {retrans, type Slash} from './retrans.ts';
import {afterSpaces, type Bytes, bytesOf, decimal, digits, four, fourAt, startsWith, total} from './scan.ts';
import {NO_UID, STATES} from './table.ts';

/** What a scan did not understand: how many lines, and where the first of them is. */
export type Misread = {lines: number; from: number; to: number};

const NEWLINE = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DASH = 0x2d;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const LESS = 0x3c;
const A = 0x41;
const B = 0x42;
const C = 0x43;
const E = 0x45;
const F = 0x46;
const L = 0x4c;
const S = 0x53;
const T = 0x54;
const U = 0x55;
const t_ = 0x74;
const u_ = 0x75;

const text = (word: string) => Uint8Array.from(word, letter => letter.charCodeAt(0));
const STATE_TEXT = STATES.map(text);
const TCP = four('tcp ');
const UDP = four('udp ');
const ESTA = four('ESTA');
const INO = four('ino:');
const UID = four('uid:');
const RTT = four('rtt:');
const CGRO = four('cgro');
const V6ON = four('v6on');
const USER = four('user');
const RETR = four('retr');
const CGROUP = text('cgroup:');
const V6ONLY = text('v6only:');
const USERS = text('users:((');
const RETRANS = text('retrans:');
const SKMEM = text('skmem:');
const ULP = text('tcp-ulp-');
/** Bare words that stand before the name of the congestion control (`tcp_stats_print`). */
const FLAGS = ['ts', 'sack', 'ecn', 'ecnseen', 'fastopen'].map(text);
/** What ss says on standard error, which captures made with 2>&1 hold, the prompt of a capture, and a header. */
const NOISE = ['Failed to find cgroup2 mount', 'Failed to open cgroup2 by ID', '$ ', 'Netid '].map(text);

const BATCH = 256;

/** What a scan carries from row to row. */
type Scan = Bytes & {
  readonly draft: Draft;
  readonly netnsIndex: number;
  readonly misread: Misread;
  readonly slash: Slash;
  name: Uint8Array;
  nameIndex: number;
};

/**
 * Appends the sockets in `bytes`, which must end with a newline, to the draft as sockets of namespace `netnsIndex`.
 * Every loop below ends at a newline at the latest, which is why none of them compares with the length.
 */
export function scanSs(bytes: Buffer, draft: Draft, netnsIndex: number): Misread {
  const misread = {lines: 0, from: 0, to: 0};
  const scan: Scan = {
    ...bytesOf(bytes),
    draft,
    netnsIndex,
    misread,
    slash: {at: -1},
    name: new Uint8Array(0),
    nameIndex: 0,
  };
  let pos = 0;
  while (pos < bytes.length) {
    if (draft.columns.count === draft.columns.capacity) grow(draft);
    pos = scanRows(scan, draft.columns, pos);
  }
  return misread;
}

/**
 * Reads lines until the end, or `BATCH` rows, or until the columns are full; answers where the next line to read
 * begins. Short calls let the engine compile what it has seen whole; one long loop is compiled half-seen.
 */
function scanRows(scan: Scan, columns: Columns, pos: number): number {
  const {bytes, netnsIndex} = scan;
  const end = bytes.length;
  const first = columns.count;
  const full = Math.min(columns.capacity, first + BATCH);
  let row = first;
  // The row that a second line belongs to; -1: none was begun; -2: that of a line which was not understood.
  let current = -1;
  while (pos < end) {
    const from = pos;
    const c = bytes[pos]!;
    if (c === NEWLINE) {
      pos++;
      continue;
    }
    if ((c === SPACE || c === TAB) && current >= 0) {
      const eol = extras(scan, columns, current, pos, true);
      columns.to[current] = eol;
      pos = eol + 1;
      continue;
    }
    if (c === t_ || c === u_) {
      if (row === full) break;
      pos = head(scan, columns, row, from);
      if (pos >= 0) {
        const eol = extras(scan, columns, row, pos, false);
        settle(columns, row);
        columns.from[row] = from;
        columns.to[row] = eol;
        current = row++;
        pos = eol + 1;
        continue;
      }
      clearRow(columns, row);
    }
    pos = bytes.indexOf(NEWLINE, from) + 1;
    if (isNoise(bytes, from)) continue;
    if ((c === SPACE || c === TAB) && (current === -2 || isBlank(bytes, from))) continue;
    const {misread} = scan;
    if (misread.lines++ === 0) {
      misread.from = from;
      misread.to = pos - 1;
    }
    current = -2;
  }
  columns.netnsIndex.fill(netnsIndex, first, row);
  columns.count = row;
  return pos;
}

/** What follows from what the line did not say. */
function settle(columns: Columns, row: number): void {
  // ss prints no uid for root's sockets; those without an inode belong to nobody any more.
  if (columns.inode[row] === 0 && columns.uid[row] === 0) columns.uid[row] = NO_UID;
  const unsaid = columns.v6only[row]!;
  if (unsaid < UNSAID) return;
  columns.v6only[row] = unsaid === UNSAID_ANY6 ? 1 : 0;
  // Once `*` was IPv4's wildcard (iproute2 4); IPv6 sockets that have an inode say v6only.
  if (unsaid === UNSAID_STAR && columns.inode[row] !== 0) columns.family[row] = 4;
}

/** `tcp ESTAB 0 0 LOCAL:PORT REMOTE:PORT`; answers the position after it, or -1. */
function head(scan: Scan, columns: Columns, row: number, pos: number): number {
  const {bytes, draft} = scan;
  const protocol = fourAt(scan, pos);
  if (protocol === UDP) columns.protocol[row] = 1;
  else if (protocol !== TCP) return -1;
  pos = afterSpaces(scan, pos + 4);
  if (fourAt(scan, pos) === ESTA && bytes[pos + 4] === B && bytes[pos + 5] === SPACE) {
    columns.state[row] = 1;
    pos += 5;
  } else {
    const state = otherStateAt(bytes, pos);
    if (state < 0) return -1;
    columns.state[row] = state;
    while (bytes[pos]! > SPACE) pos++;
  }
  pos = queue(bytes, afterSpaces(scan, pos), columns.recvQ, row);
  if (pos < 0 || bytes[pos] !== SPACE) return -1;
  pos = queue(bytes, afterSpaces(scan, pos), columns.sendQ, row);
  if (pos < 0 || bytes[pos] !== SPACE) return -1;
  pos = endpoint(bytes, afterSpaces(scan, pos), draft, columns, row, true);
  if (pos < 0 || bytes[pos] !== SPACE) return -1;
  pos = endpoint(bytes, afterSpaces(scan, pos), draft, columns, row, false);
  if (pos < 0 || bytes[pos]! > SPACE) return -1;
  columns.rtt[row] = Number.NaN;
  return pos;
}

/** Most queues are empty, and so are the columns of a new row. */
function queue(bytes: Buffer, pos: number, column: Uint32Array, row: number): number {
  return bytes[pos] === ZERO && bytes[pos + 1] === SPACE ? pos + 1 : digits(bytes, pos, column, row);
}

/** Everything behind the addresses, of either line; answers where the line ends. */
function extras(scan: Scan, columns: Columns, row: number, pos: number, second: boolean): number {
  const {bytes} = scan;
  let info = second;
  let cgroup = false;
  // The congestion control is the last bare word before the first `name:value`.
  let naming = true;
  let wordFrom = 0;
  let wordTo = 0;
  for (;;) {
    pos = afterSpaces(scan, pos);
    let c = bytes[pos]!;
    while (c <= SPACE && c !== NEWLINE) c = bytes[++pos]!;
    if (c === NEWLINE) break;
    const word = fourAt(scan, pos);
    if (info) {
      if (word === RTT) {
        if (naming) columns.congestion[row] = nameIn(scan, wordFrom, wordTo);
        pos = decimal(bytes, pos + 4, columns.rtt, row);
        // In the long tail only retransmissions are of interest; they are shown where there are any.
        const eol = bytes.indexOf(NEWLINE, pos);
        retrans(bytes, scan.slash, bytes[pos] === SLASH ? pos + 1 : pos, eol, columns.retrans, row);
        return eol;
      }
      if (word === RETR && startsWith(bytes, pos, RETRANS)) total(bytes, pos + 8, columns.retrans, row);
    } else {
      if ((c === LESS || c === DASH) && bytes[pos + 1] === DASH) {
        info = true;
        cgroup = false;
        pos += 3;
        continue;
      }
      if (word === V6ON && startsWith(bytes, pos, V6ONLY)) {
        columns.v6only[row] = bytes[pos + 7] === ZERO + 1 ? 1 : 0;
      } else if (cgroup) {
        // A cgroup's name may hold spaces; it ends where the arrow is.
      } else if (word === INO) {
        digits(bytes, pos + 4, columns.inode, row);
        while (bytes[pos]! > SPACE) pos++;
        continue;
      } else if (word === UID) {
        digits(bytes, pos + 4, columns.uid, row);
        while (bytes[pos]! > SPACE) pos++;
        continue;
      } else if (word === USER && startsWith(bytes, pos, USERS)) {
        pos = afterUsers(bytes, pos + 8);
        continue;
      } else if (word === CGRO && startsWith(bytes, pos, CGROUP)) {
        cgroup = true;
      }
    }
    const from = pos;
    for (c = bytes[pos]!; c > SPACE && c !== COLON; c = bytes[++pos]!);
    const bare = c !== COLON;
    for (; c > SPACE; c = bytes[++pos]!);
    if (!naming || cgroup || (bare && startsWith(bytes, from, ULP))) continue;
    if (bare) {
      info = true;
      wordFrom = from;
      wordTo = pos;
    } else if (info && !startsWith(bytes, from, SKMEM)) {
      columns.congestion[row] = nameIn(scan, wordFrom, wordTo);
      naming = false;
    }
  }
  if (naming && wordTo > wordFrom) columns.congestion[row] = nameIn(scan, wordFrom, wordTo);
  return pos;
}

/**
 * Behind `users:((` the names of processes stand in quotes and may hold anything; the list ends with `,fd=N))`.
 * Without that end the rest of the line is unusable.
 */
function afterUsers(bytes: Buffer, pos: number): number {
  for (; bytes[pos] !== NEWLINE; pos++) {
    if (bytes[pos] !== 0x3d || bytes[pos - 1] !== 0x64 || bytes[pos - 2] !== 0x66) continue;
    let stop = pos + 1;
    while (bytes[stop]! >= ZERO && bytes[stop]! <= 0x39) stop++;
    if (stop > pos + 1 && bytes[stop] === 0x29 && bytes[stop + 1] === 0x29) return stop + 2;
  }
  return pos;
}

/** Index of the congestion control's name in `bytes[from, to)`, most often that of the row before. */
function nameIn(scan: Scan, from: number, to: number): number {
  const {bytes, name} = scan;
  if (name.length === to - from && startsWith(bytes, from, name)) return scan.nameIndex;
  if (FLAGS.some(flag => flag.length === to - from && startsWith(bytes, from, flag))) return 0;
  scan.name = new Uint8Array(bytes.subarray(from, to));
  scan.nameIndex = scan.draft.words.ofBytes(bytes, from, to);
  return scan.nameIndex;
}

function otherStateAt(bytes: Buffer, pos: number): number {
  let state = -1;
  switch (bytes[pos]) {
    case L:
      state = bytes[pos + 1] === A ? 9 : 10;
      break;
    case U:
      state = bytes[pos + 2] === C ? 7 : 0;
      break;
    case T:
      state = 6;
      break;
    case S:
      state = bytes[pos + 4] === S ? 2 : 3;
      break;
    case F:
      state = bytes[pos + 9] === ZERO + 1 ? 4 : 5;
      break;
    case C:
      state = bytes[pos + 4] === E ? (bytes[pos + 5] === DASH ? 8 : 12) : 11;
      break;
  }
  if (state >= 0) {
    const word = STATE_TEXT[state]!;
    if (startsWith(bytes, pos, word) && bytes[pos + word.length] === SPACE) return state;
  }
  // A state that a newer ss knows (BOUND-INACTIVE) is a state all the same.
  let stop = pos;
  for (let c = bytes[stop]!; (c >= A && c <= 0x5a) || c === DASH || c === ZERO + 1; c = bytes[++stop]!);
  return stop > pos && bytes[stop] === SPACE ? 0 : -1;
}

function isNoise(bytes: Uint8Array, from: number): boolean {
  return NOISE.some(noise => startsWith(bytes, from, noise));
}

function isBlank(bytes: Uint8Array, pos: number): boolean {
  while (bytes[pos]! <= SPACE && bytes[pos] !== NEWLINE) pos++;
  return bytes[pos] === NEWLINE;
}
