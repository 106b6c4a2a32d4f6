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
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = word === 0 ? 0 : MAPPED;
  words[at + 3] = word;
  return pos;
}

/** Reads IPv6 at `pos`, ending before `end`; answers the position after it, or -1. */
export function ipv6(bytes: Uint8Array, pos: number, end: number, words: Uint32Array, at: number): number {
  let count = 0;
  let gap = -1;
  if (bytes[pos] === COLON) {
    if (bytes[pos + 1] !== COLON) return -1;
    gap = 0;
    pos += 2;
  }
  while (pos < end && count < 8) {
    const start = pos;
    let group = 0;
    while (pos < end && pos - start < 4) {
      const digit = hex(bytes[pos]!);
      if (digit < 0) break;
      group = (group << 4) | digit;
      pos++;
    }
    if (pos === start) break;
    if (bytes[pos] === DOT && pos < end) {
      if (count > 6) return -1;
      pos = ipv4(bytes, start, words, at);
      if (pos < 0 || pos > end) return -1;
      const tail = words[at + 3]!;
      groups[count++] = tail >>> 16;
      groups[count++] = tail & 0xffff;
      break;
    }
    groups[count++] = group;
    if (pos >= end || bytes[pos] !== COLON || count === 8) break;
    if (pos + 1 < end && bytes[pos + 1] === COLON) {
      if (gap >= 0) return -1;
      gap = count;
      pos += 2;
    } else {
      pos++;
      if (pos >= end || hex(bytes[pos]!) < 0) return -1;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return -1;
  if (gap >= 0) {
    const moved = count - gap;
    groups.copyWithin(8 - moved, gap, count);
    groups.fill(0, gap, 8 - moved);
  }
  for (let i = 0; i < 4; i++) words[at + i] = (groups[2 * i]! << 16) | groups[2 * i + 1]!;
  // ::ffff:0.0.0.0 is a wildcard too.
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED && words[at + 3] === 0)
    words[at + 2] = 0;
  return pos;
}

function hex(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  if (c >= 0x61 && c <= 0x66) return c - 0x57;
  if (c >= 0x41 && c <= 0x46) return c - 0x37;
  return -1;
}
