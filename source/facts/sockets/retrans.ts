import {startsWith, total} from './scan.ts';

const SLASH = 0x2f;
const ZERO = 0x30;
const TOKEN = Buffer.from(' retrans:');

/** Where the next slash is, once it was looked for: so no byte is searched twice, whatever a node sends. */
export type Slash = {at: number};

/**
 * The total of ` retrans:cur/total` between `from` and `to`, into row `row`; nothing when there is none. Found by its
 * slash: behind `rtt` there is hardly another one, and the engine finds a single byte many times faster than a word.
 */
export function retrans(
  bytes: Buffer,
  slash: Slash,
  from: number,
  to: number,
  column: Uint32Array,
  row: number,
): void {
  for (let at = from; ; at = slash.at + 1) {
    if (slash.at < at) {
      const found = bytes.indexOf(SLASH, at);
      slash.at = found < 0 ? bytes.length : found;
    }
    if (slash.at >= to) return;
    let digit = slash.at - 1;
    while (bytes[digit]! >= ZERO && bytes[digit]! <= 0x39) digit--;
    const start = digit + 1 - TOKEN.length;
    if (start >= from && startsWith(bytes, start, TOKEN)) {
      total(bytes, digit + 1, column, row);
      return;
    }
  }
}
