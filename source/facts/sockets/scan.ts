/** Small steps over bytes that end with a newline, which is where each of them stops at the latest. */

const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;

/** Bytes, and the same bytes to be read four at a time. */
export type Bytes = {
  readonly bytes: Buffer;
  readonly view: DataView /** Where the last four begin. */;
  readonly last: number;
};

export function bytesOf(bytes: Buffer): Bytes {
  return {bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), last: bytes.length - 4};
}

/** Four letters as the number that `fourAt` answers for them. */
export function four(letters: string): number {
  return Buffer.from(letters, 'latin1').readInt32LE();
}

/** The four bytes at `pos` as one number; 0 where fewer are left. */
export function fourAt({view, last}: Bytes, pos: number): number {
  return pos <= last ? view.getInt32(pos, true) : 0;
}

/** Columns are padded with long runs of spaces, which are a good part of all bytes. */
export function afterSpaces({bytes, view, last}: Bytes, pos: number): number {
  if (bytes[pos] !== SPACE) return pos;
  while (pos <= last && view.getInt32(pos, true) === 0x20202020) pos += 4;
  while (bytes[pos] === SPACE) pos++;
  return pos;
}

/** A number of at most ten digits; answers the position after it, or -1. */
export function digits(bytes: Buffer, pos: number, column: Uint32Array, row: number): number {
  const start = pos;
  let value = 0;
  for (let digit = bytes[pos]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++pos]! - ZERO) {
    value = (Math.imul(value, 10) + digit) | 0;
  }
  if (pos === start || pos - start > 10) return -1;
  column[row] = value;
  return pos;
}

/**
 * `0.044`, `8.345`, `1e+06`, as printf's %g writes them. Answers the position after it; without a digit
 * the column stays as it is.
 */
export function decimal(bytes: Buffer, pos: number, column: Float32Array, row: number): number {
  const start = pos;
  let value = 0;
  let scale = 0;
  for (let c = bytes[pos]!; ; c = bytes[++pos]!) {
    const digit = c - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      if (scale > 0) scale *= 10;
    } else if (c === DOT && scale === 0) scale = 1;
    else break;
  }
  if (pos === start) return pos;
  if (scale > 1) value /= scale;
  if (bytes[pos] === 0x65) {
    const negative = bytes[pos + 1] === DASH;
    let power = 0;
    for (pos += 2; bytes[pos]! >= ZERO && bytes[pos]! <= 0x39; pos++) power = power * 10 + bytes[pos]! - ZERO;
    value *= 10 ** (negative ? -power : power);
  }
  column[row] = value;
  return pos;
}

/** The total of `cur/total`. */
export function total(bytes: Buffer, pos: number, column: Uint32Array, row: number): void {
  while (bytes[pos]! >= ZERO && bytes[pos]! <= 0x39) pos++;
  if (bytes[pos] === SLASH) digits(bytes, pos + 1, column, row);
}

export function startsWith(bytes: Uint8Array, pos: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[pos + i] !== word[i]) return false;
  return true;
}
