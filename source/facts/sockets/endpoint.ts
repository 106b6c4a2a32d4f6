import {ipv4, ipv6} from './address.ts';
import type {Columns, Draft} from './columns.ts';

const SPACE = 0x20;
const PERCENT = 0x25;
const STAR = 0x2a;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** `v6only` of a row until the line says it: nothing to tell, a `*`, or a `[::]`. */
export const UNSAID = 2;
export const UNSAID_STAR = 3;
export const UNSAID_ANY6 = 4;

/**
 * Reads `ADDRESS[%device]:PORT` at `pos` into row `row`; answers the position after it, or -1. Of the local side also
 * the device, the family, and into `v6only` one of the marks above.
 */
export function endpoint(
  bytes: Buffer,
  pos: number,
  draft: Draft,
  columns: Columns,
  row: number,
  local: boolean,
): number {
  const words = local ? columns.local : columns.remote;
  const at = row * 4;
  const c = bytes[pos]!;
  let family = 6;
  let stop: number;
  if (c === STAR) {
    stop = pos + 1;
  } else if (c === OPEN) {
    stop = ipv6(bytes, pos + 1, bytes.length, words, at);
    if (stop >= 0 && bytes[stop] === CLOSE) stop++;
    else if (stop < 0 || bytes[stop] !== PERCENT) return -1;
  } else {
    stop = ipv4(bytes, pos, words, at);
    if (stop >= 0 && (bytes[stop] === COLON || bytes[stop] === PERCENT)) family = 4;
    else stop = unbracketed(bytes, pos, words, at);
    if (stop < 0) return -1;
  }
  if (bytes[stop] === PERCENT) {
    const from = ++stop;
    while (bytes[stop]! > SPACE && bytes[stop] !== COLON && bytes[stop] !== CLOSE) stop++;
    if (local) columns.device[row] = draft.words.ofBytes(bytes, from, stop);
    if (bytes[stop] === CLOSE) stop++;
  }
  if (local) {
    columns.family[row] = family;
    if (family === 6) {
      const any = words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
      columns.v6only[row] = c === STAR ? UNSAID_STAR : c === OPEN && any ? UNSAID_ANY6 : UNSAID;
    }
  }
  if (bytes[stop] !== COLON) return -1;
  return port(bytes, stop + 1, local ? columns.localPort : columns.remotePort, row);
}

/** Old versions print `:::22` and `::ffff:10.0.0.1:22`: what follows the last colon is the port. */
function unbracketed(bytes: Buffer, pos: number, words: Uint32Array, at: number): number {
  let colon = -1;
  let percent = -1;
  for (let i = pos; bytes[i]! > SPACE; i++) {
    if (bytes[i] === COLON) colon = i;
    else if (bytes[i] === PERCENT && percent < 0) percent = i;
  }
  const stop = percent < 0 ? colon : percent;
  return stop >= 0 && ipv6(bytes, pos, stop, words, at) === stop ? stop : -1;
}

function port(bytes: Buffer, pos: number, column: Uint16Array, row: number): number {
  if (bytes[pos] === STAR) {
    column[row] = 0;
    return pos + 1;
  }
  const start = pos;
  let value = 0;
  for (let digit = bytes[pos]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++pos]! - ZERO) {
    value = (Math.imul(value, 10) + digit) | 0;
  }
  column[row] = value;
  return pos === start || pos - start > 5 || value > 0xffff ? -1 : pos;
}
