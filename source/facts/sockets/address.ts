/**
 * Addresses of `ss` and `netstat`, from bytes straight into the four words of a `SocketTable` row. IPv4 becomes
 * v4-mapped, except 0.0.0.0, which like every wildcard is all zero. Forms: inet_ntop(3), plus the `*`, brackets and
 * `%device` that ss puts around it (iproute2 misc/ss.c, `inet_addr_print`).
 */

const MAPPED = 0xffff;
const COLON = 0x3a;
const DOT = 0x2e;

const groups = new Uint16Array(8);

/** Reads IPv4 at `pos`; answers the position after it, or -1. `words[at..at+3]` are written only on success. */
export function ipv4(bytes: Uint8Array, pos: number, words: Uint32Array, at: number): number {
  let word = 0;
  for (let part = 0; ; part++) {
    let c = bytes[pos]! - 0x30;
    if (!(c >= 0 && c <= 9)) return -1;
    let octet = c;
    c = bytes[++pos]! - 0x30;
    if (c >= 0 && c <= 9) {
      octet = octet * 10 + c;
      c = bytes[++pos]! - 0x30;
      if (c >= 0 && c <= 9) {
        octet = octet * 10 + c;
        if (octet > 255) return -1;
        c = bytes[++pos]! - 0x30;
      }
    }
    word = (word << 8) | octet;
    if (part === 3) break;
    if (c !== DOT - 0x30) return -1;
    pos++;
  }
  if (word !== 0) {
    words[at + 2] = MAPPED;
    words[at + 3] = word;
  }
  return pos;
}

/** What a byte is in an IPv6 address: the value of a hexadecimal digit, or 16 for everything else. */
const HEX = new Uint8Array(256).fill(16);
for (let i = 0; i < 16; i++)
  HEX[i.toString(16).charCodeAt(0)] = HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;

/** Reads IPv6 at `pos`, ending before `end`; answers the position after it, or -1. */
export function ipv6(bytes: Uint8Array, pos: number, end: number, words: Uint32Array, at: number): number {
  let count = 0;
  let gap = -1;
  let start = pos;
  let group = 0;
  // After a single colon another group must follow.
  let open = true;
  if (bytes[pos] === COLON && bytes[pos + 1] === COLON && pos + 2 <= end) {
    gap = 0;
    open = false;
    pos += 2;
    start = pos;
  }
  while (pos < end) {
    const c = bytes[pos]!;
    const digit = HEX[c]!;
    if (digit < 16) {
      group = (group << 4) | digit;
      if (++pos - start > 4) return -1;
      continue;
    }
    if (c === DOT) {
      pos = dotted(bytes, start, end, words, at, count);
      if (pos < 0) return -1;
      count += 2;
      start = pos;
      open = false;
      break;
    }
    if (c !== COLON || pos === start) break;
    if (count === 8) return -1;
    groups[count++] = group;
    group = 0;
    open = bytes[++pos] !== COLON || pos >= end;
    if (!open) {
      if (gap >= 0) return -1;
      gap = count;
      pos++;
    }
    start = pos;
  }
  if (pos > start) {
    if (count === 8) return -1;
    groups[count++] = group;
  } else if (open) return -1;
  if (gap < 0 ? count !== 8 : count > 7) return -1;
  if (gap >= 0) {
    const shift = 8 - count;
    for (let i = count - 1; i >= gap; i--) groups[i + shift] = groups[i]!;
    for (let i = gap; i < gap + shift; i++) groups[i] = 0;
  }
  words[at] = (groups[0]! << 16) | groups[1]!;
  words[at + 1] = (groups[2]! << 16) | groups[3]!;
  words[at + 2] = (groups[4]! << 16) | groups[5]!;
  words[at + 3] = (groups[6]! << 16) | groups[7]!;
  // ::ffff:0.0.0.0 is a wildcard too.
  if (groups[5] === MAPPED && words[at + 3] === 0 && words[at] === 0 && words[at + 1] === 0)
    words[at + 2] = 0;
  return pos;
}

/** The last two groups written as IPv4. */
function dotted(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: Uint32Array,
  at: number,
  count: number,
): number {
  if (count > 6) return -1;
  words[at + 3] = 0;
  const pos = ipv4(bytes, start, words, at);
  if (pos < 0 || pos > end) return -1;
  groups[count] = words[at + 3]! >>> 16;
  groups[count + 1] = words[at + 3]! & 0xffff;
  return pos;
}
