import {ipv4, ipv6} from '../sockets/address.ts';
import {
  type ConntrackColumns,
  type ConntrackDraft,
  clearConntrackRow,
  FLAG,
  growConntrack,
  NO_TIMEOUT,
  TRACKED_STATES,
} from './table.ts';

/** What was not understood in one answer: how many lines, and where the first of them is. */
export type Misread = {lines: number; from: number; to: number};

const LF = 10;
const SPACE = 32;
const EQUALS = 61;
const BRACKET = 91;

const STATES = new Map<string, number>(TRACKED_STATES.map((name, code) => [name, code]));
const OTHER_STATE = STATES.get('OTHER')!;

/** Names of protocols as the kernel prints them before their number, which is all that is needed of them. */
const WORD = /^[a-z0-9-]+$/;

/**
 * Appends the entries in `bytes[from, to)` to the draft's columns as namespace `netnsIndex`. Samples (Linux 6.18;
 * conntrack-tools 1.4.7 prints the same with `-o extended`, without `zone=` where it is 0, and IPv6 shortened;
 * without `-o extended` the first two words are missing):
 * ```
 * ipv4     2 tcp      6 431998 ESTABLISHED src=10.244.1.5 dst=10.96.114.20 sport=36586 dport=7070 src=10.244.1.2 dst=10.244.1.5 sport=7070 dport=36586 [ASSURED] mark=0 zone=0 use=2
 * ipv4     2 unknown  2 582 src=10.244.1.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.244.1.1 mark=0 zone=0 use=2
 * ```
 * Source: `ct_seq_show` in net/netfilter/nf_conntrack_standalone.c. An offloaded flow has no seconds.
 */
export function scanConntrack(
  bytes: Buffer,
  from: number,
  to: number,
  draft: ConntrackDraft,
  netnsIndex: number,
): Misread {
  const misread: Misread = {lines: 0, from: -1, to: -1};
  for (let start = from; start < to; ) {
    let end = bytes.indexOf(LF, start);
    if (end < 0 || end > to) end = to;
    if (end > start) {
      if (draft.columns.count === draft.columns.capacity) growConntrack(draft);
      const {columns} = draft;
      if (scanLine(bytes, start, end, columns)) {
        columns.netnsIndex[columns.count] = netnsIndex;
        columns.from[columns.count] = start;
        columns.to[columns.count] = end;
        columns.count += 1;
      } else {
        clearConntrackRow(columns, columns.count);
        misread.lines += 1;
        if (misread.from < 0) [misread.from, misread.to] = [start, end];
      }
    }
    start = end + 1;
  }
  return misread;
}

function scanLine(bytes: Buffer, start: number, end: number, columns: ConntrackColumns): boolean {
  const row = columns.count;
  let pos = start;
  let head = 0;
  let direction = 0;
  let family = 0;
  let timeout = NO_TIMEOUT;
  const seen = [0, 0];
  while (pos < end) {
    while (pos < end && bytes[pos] === SPACE) pos += 1;
    if (pos >= end) break;
    let stop = pos;
    let equals = -1;
    while (stop < end && bytes[stop] !== SPACE) {
      if (equals < 0 && bytes[stop] === EQUALS) equals = stop;
      stop += 1;
    }
    if (bytes[pos] === BRACKET) flag(bytes, pos, stop, columns, row);
    else if (equals < 0) {
      // Before the tuples: family and its number, protocol and its number, seconds, state.
      const word = bytes.toString('latin1', pos, stop);
      const isFamily = head === 0 && (word === 'ipv4' || word === 'ipv6');
      if (isFamily) head = 1;
      else if (head === 1) head = 2;
      else if (head === 0 || head === 2) {
        if (!WORD.test(word)) return false;
        head = 3;
      } else if (head === 3) {
        const number = decimal(bytes, pos, stop);
        if (number < 0 || number > 255) return false;
        columns.protocol[row] = number;
        head = 4;
      } else if (seen[0] === 0) {
        const number = decimal(bytes, pos, stop);
        if (number >= 0) timeout = number;
        else columns.state[row] = STATES.get(word) ?? OTHER_STATE;
      } else return false;
    } else if (head < 4) return false;
    else {
      const name = bytes.toString('latin1', pos, equals);
      if (name === 'src') {
        if (seen[0]! > 0) direction = 1;
        const of = direction === 0 ? columns.source : columns.replySource;
        const found = address(bytes, equals + 1, stop, of, row * 4);
        if (found === 0 || (family !== 0 && found !== family)) return false;
        family = found;
        seen[direction]! |= 1;
      } else if (name === 'dst') {
        const of = direction === 0 ? columns.destination : columns.replyDestination;
        if (address(bytes, equals + 1, stop, of, row * 4) !== family) return false;
        seen[direction]! |= 2;
      } else if (!field(name, decimal(bytes, equals + 1, stop), direction, columns, row)) return false;
    }
    pos = stop;
  }
  if (seen[0] !== 3 || seen[1] !== 3) return false;
  columns.family[row] = family;
  columns.timeout[row] = timeout;
  if (isTranslated(columns, row)) columns.flags[row]! |= FLAG.translated;
  return true;
}

/** Writes one `name=value` of a tuple or of the entry; false when a number that matters is none. */
function field(name: string, value: number, direction: number, columns: ConntrackColumns, row: number) {
  switch (name) {
    case 'sport':
      if (value < 0 || value > 0xffff) return false;
      (direction === 0 ? columns.sourcePort : columns.replySourcePort)[row] = value;
      return true;
    case 'id': {
      // Of an echo; `conntrack -o id` puts the entry's own id behind everything, of whatever protocol.
      const of = direction === 0 ? columns.sourcePort : columns.replySourcePort;
      if (isIcmp(columns, row) && of[row] === 0 && value <= 0xffff) of[row] = value;
      return true;
    }
    case 'dport':
      if (value < 0 || value > 0xffff) return false;
      (direction === 0 ? columns.destinationPort : columns.replyDestinationPort)[row] = value;
      return true;
    case 'type':
      (direction === 0 ? columns.destinationPort : columns.replyDestinationPort)[row]! |= (value & 255) << 8;
      return true;
    case 'code':
      (direction === 0 ? columns.destinationPort : columns.replyDestinationPort)[row]! |= value & 255;
      return true;
    case 'mark':
      columns.mark[row] = Math.max(0, value);
      return true;
    case 'zone':
    case 'zone-orig':
      columns.zone[row] = Math.max(0, value);
      return true;
    // packets, bytes, secctx, use, zone-reply, delta-time, labels, srckey, dstkey: nothing depends on them.
    default:
      return true;
  }
}

function flag(bytes: Buffer, from: number, to: number, columns: ConntrackColumns, row: number): void {
  const word = bytes.toString('latin1', from, to);
  if (word === '[UNREPLIED]') columns.flags[row]! |= FLAG.unreplied;
  else if (word === '[ASSURED]') columns.flags[row]! |= FLAG.assured;
  else if (word === '[OFFLOAD]' || word === '[HW_OFFLOAD]') columns.flags[row]! |= FLAG.offload;
}

/** 4 or 6, or 0 when it is no address. */
function address(bytes: Buffer, from: number, to: number, words: Uint32Array, at: number): 0 | 4 | 6 {
  if (bytes.subarray(from, to).includes(0x3a)) return ipv6(bytes, from, to, words, at) === to ? 6 : 0;
  return ipv4(bytes, from, words, at) === to ? 4 : 0;
}

/** A decimal number of at most ten digits, or -1. */
function decimal(bytes: Buffer, from: number, to: number): number {
  if (to === from || to - from > 10) return -1;
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Is the reply something else than the original turned round? */
function isTranslated(columns: ConntrackColumns, row: number): boolean {
  const {source, destination, replySource, replyDestination} = columns;
  for (let i = row * 4; i < row * 4 + 4; i += 1) {
    if (source[i] !== replyDestination[i] || destination[i] !== replySource[i]) return true;
  }
  // Type and id of ICMP are no ports: an echo's reply has another type.
  if (isIcmp(columns, row)) return false;
  return (
    columns.sourcePort[row] !== columns.replyDestinationPort[row] ||
    columns.destinationPort[row] !== columns.replySourcePort[row]
  );
}

function isIcmp({protocol}: ConntrackColumns, row: number): boolean {
  return protocol[row] === 1 || protocol[row] === 58;
}
