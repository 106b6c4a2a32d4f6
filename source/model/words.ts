import ipaddr from 'ipaddr.js';

/** An address as `SocketTable` stores it: four 32-bit words, IPv4 as v4-mapped. */
export type Words = readonly [number, number, number, number];

const MAPPED = 0xffff;

/** Undefined when the text is no address. A zone (`fe80::1%eth0`) is left out. */
export function wordsOf(address: string): Words | undefined {
  const bare = address.split('%', 1)[0]!;
  if (!ipaddr.isValid(bare)) return undefined;
  const parsed = ipaddr.parse(bare);
  if (parsed.kind() === 'ipv4') return [0, 0, MAPPED, word(parsed.toByteArray(), 0)];
  const bytes = parsed.toByteArray();
  return [word(bytes, 0), word(bytes, 4), word(bytes, 8), word(bytes, 12)];
}

function word(bytes: readonly number[], at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Canonical text of row `row` of an address column; a wildcard as `0.0.0.0` or `::` by the socket's family. */
export function addressText(column: Uint32Array, row: number, family: number): string {
  const at = row * 4;
  const last = column[at + 3]!;
  if (column[at] === 0 && column[at + 1] === 0) {
    if (column[at + 2] === MAPPED) return dotted(last);
    if (column[at + 2] === 0 && last === 0) return family === 6 ? '::' : '0.0.0.0';
  }
  const parts: number[] = [];
  for (let i = 0; i < 4; i += 1) parts.push(column[at + i]! >>> 16, column[at + i]! & 0xffff);
  return new ipaddr.IPv6(parts).toRFC5952String();
}

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** 127.0.0.0/8 and ::1: never leaves its namespace. */
export function isLoopback(column: Uint32Array, row: number): boolean {
  return isLoopbackAt(column, row * 4);
}

/** The same of the address whose first word is at `at`. */
export function isLoopbackAt(words: Uint32Array, at: number): boolean {
  if (words[at] !== 0 || words[at + 1] !== 0) return false;
  if (words[at + 2] === MAPPED) return words[at + 3]! >>> 24 === 127;
  return words[at + 2] === 0 && words[at + 3] === 1;
}

/** The same for text. */
export function isLoopbackText(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** fe80::/10 and 169.254.0.0/16: means something on one link only. */
export function isLinkLocalText(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address) || address.startsWith('169.254.');
}

/** `10.0.0.1:80`, `[fe80::1]:80`; port 0 as `*`. */
export function endpointText(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`;
}

/** Time of day as an ISO 8601 moment has it. */
export function timeOfDay(at: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(at)?.[1] ?? at;
}
