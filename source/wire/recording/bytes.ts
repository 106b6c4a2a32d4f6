/** Variable-length integers (LEB128, up to 2^53) and strings, written into a growing buffer and read back. */

export type ByteWriter = {
  unsigned(value: number): void;
  signed(value: number): void;
  bytes(value: Uint8Array): void;
  text(value: string): void;
  size(): number;
  /** What was written since the last `take`. */
  take(): Buffer;
};

/** Numbers are rounded and, where unsigned, negative ones become 0: the fields that use it have no such values. */
export function byteWriter(): ByteWriter {
  let buffer = Buffer.alloc(1 << 12);
  let used = 0;
  const room = (more: number) => {
    if (used + more <= buffer.length) return;
    const bigger = Buffer.alloc(Math.max(buffer.length * 2, used + more));
    buffer.copy(bigger, 0, 0, used);
    buffer = bigger;
  };
  const unsigned = (value: number) => {
    room(8);
    let rest = Math.min(clean(value), Number.MAX_SAFE_INTEGER);
    while (rest >= 128) {
      buffer[used++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[used++] = rest;
  };
  const bytes = (value: Uint8Array) => {
    unsigned(value.length);
    room(value.length);
    buffer.set(value, used);
    used += value.length;
  };
  return {
    unsigned,
    // Zigzag: the sign is the lowest bit, so that small differences stay one byte.
    signed: value => unsigned(value < 0 ? clean(-value) * 2 - 1 : clean(value) * 2),
    bytes,
    text: value => bytes(Buffer.from(value)),
    size: () => used,
    take: () => {
      const taken = Buffer.from(buffer.subarray(0, used));
      used = 0;
      // One huge sweep must not hold its buffer for the rest of the session.
      if (buffer.length > 1 << 20) buffer = Buffer.alloc(1 << 12);
      return taken;
    },
  };
}

const clean = (value: number) => (value > 0 ? Math.round(value) : 0);

export type ByteReader = {
  unsigned(): number;
  signed(): number;
  /** A view, not a copy. */
  bytes(): Buffer;
  text(): string;
  done(): boolean;
  /** Bytes not yet read. */
  left(): number;
};

/** Thrown by a `ByteReader` when the bytes end too early; `openRecording` makes a sentence of it. */
export class Overrun extends Error {}

export function byteReader(source: Buffer): ByteReader {
  let at = 0;
  const unsigned = () => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = source[at++];
      if (byte === undefined || scale > 2 ** 49) throw new Overrun('the bytes end within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  const bytes = () => {
    const length = unsigned();
    if (at + length > source.length) throw new Overrun('the bytes end within a field');
    const taken = source.subarray(at, at + length);
    at += length;
    return taken;
  };
  return {
    unsigned,
    signed: () => {
      const value = unsigned();
      return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    },
    bytes,
    text: () => bytes().toString('utf8'),
    done: () => at >= source.length,
    left: () => source.length - at,
  };
}
