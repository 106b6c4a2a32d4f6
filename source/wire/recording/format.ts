/**
 * The outermost shape of a `.hop` file: the file header, block headers and the trailer. FORMAT.md describes it byte
 * by byte. Everything here is pure: bytes in, values out.
 */
import {crc32} from 'node:zlib';

/** A recording that cannot be read or written, said in a sentence. */
export class RecordingError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'RecordingError';
  }
}

/** A reader refuses a newer major version, and skips what a newer minor version added. */
export const formatVersion = {major: 1, minor: 0} as const;

/** Opens with a byte above 127 and holds both line ends, so that a transfer in text mode is noticed (as in PNG). */
export const magic = Buffer.from('\x89HOP\r\n\x1a\n', 'latin1');
/** magic, major and minor (u16 each), length of the metadata (u32), its CRC-32 (u32). */
export const preambleSize = magic.length + 12;
export const blockHeaderSize = 40;
export const trailerSize = 16;
/** Bounds what a forged or damaged length can make us allocate. */
export const maxMetadata = 1 << 20;
export const maxSegment = 1 << 30;

export type Metadata = {
  /** Version of the hoptop that wrote it. */
  readonly hoptop: string;
  /** ISO 8601, by the recording machine's clock, which all times in the file are by. */
  readonly created: string;
  /** Minutes to add to UTC for the recording machine's local time. */
  readonly utcOffset: number;
  /** What was recorded, e.g. `ssh`, `lab flannel-vxlan`. */
  readonly label: string;
  /** Ids of the nodes, in the order they were given. */
  readonly nodes: readonly string[];
};

export type BlockKind = 'key' | 'next' | 'index';
const kinds: readonly BlockKind[] = ['key', 'next', 'index'];

export type BlockHeader = {
  readonly kind: BlockKind;
  /** Bytes of the uncompressed summary that follows the header. */
  readonly summary: number;
  /** Bytes of the compressed payload that follows the summary. */
  readonly payload: number;
  /** Bytes of the payload once decompressed. */
  readonly raw: number;
  /** First and last moment on the recording's time line in it, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** CRC-32 of summary and payload. */
  readonly check: number;
};

const marker = Buffer.from('hopB', 'latin1');
const trailerMarker = Buffer.from('hopE', 'latin1');

export function encodeFileHeader(metadata: Metadata): Buffer {
  const text = Buffer.from(`${JSON.stringify(metadata)}\n`);
  const head = Buffer.alloc(preambleSize);
  magic.copy(head);
  head.writeUInt16LE(formatVersion.major, 8);
  head.writeUInt16LE(formatVersion.minor, 10);
  head.writeUInt32LE(text.length, 12);
  head.writeUInt32LE(crc32(text), 16);
  return Buffer.concat([head, text]);
}

export type Preamble = {readonly metadata: number; readonly check: number};

/** Reads the fixed first bytes. `file` is only for the sentence. */
export function decodePreamble(bytes: Buffer, file: string): Preamble {
  if (bytes.length === 0) throw new RecordingError(`${file} is empty: nothing was recorded into it.`);
  const known = Math.min(bytes.length, magic.length);
  if (!bytes.subarray(0, known).equals(magic.subarray(0, known)))
    throw new RecordingError(
      `${file} is not a hoptop recording. Recordings are made with "hoptop record FILE" and usually end in .hop.`,
    );
  if (bytes.length < preambleSize)
    throw new RecordingError(`${file} is cut within its first bytes: nothing can be played.`);
  const major = bytes.readUInt16LE(8);
  if (major !== formatVersion.major)
    throw new RecordingError(
      `${file} is a recording of format ${major}; this hoptop reads format ${formatVersion.major}. Play it with a ${major > formatVersion.major ? 'newer' : 'different'} hoptop.`,
    );
  const metadata = bytes.readUInt32LE(12);
  if (metadata > maxMetadata) throw new RecordingError(`${file} is damaged: its header makes no sense.`);
  return {metadata, check: bytes.readUInt32LE(16)};
}

export function decodeMetadata(bytes: Buffer, preamble: Preamble, file: string): Metadata {
  if (bytes.length < preamble.metadata)
    throw new RecordingError(`${file} is cut within its header: nothing can be played.`);
  if (crc32(bytes) !== preamble.check)
    throw new RecordingError(`${file} is damaged: the checksum of its header does not match.`);
  const value: unknown = parseJson(bytes);
  if (!isMetadata(value)) throw new RecordingError(`${file} is damaged: its header is not understood.`);
  return value;
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== 'object' || value === null) return false;
  const {hoptop, created, utcOffset, label, nodes} = value as Record<keyof Metadata, unknown>;
  return (
    typeof hoptop === 'string' &&
    typeof created === 'string' &&
    typeof utcOffset === 'number' &&
    typeof label === 'string' &&
    Array.isArray(nodes) &&
    nodes.every(node => typeof node === 'string')
  );
}

/** A whole block: header, summary, payload. */
export function encodeBlock(
  block: Pick<BlockHeader, 'kind' | 'raw' | 'from' | 'to'>,
  summary: Buffer,
  payload: Buffer,
): Buffer {
  const head = Buffer.alloc(blockHeaderSize);
  marker.copy(head);
  head.writeUInt8(kinds.indexOf(block.kind), 4);
  head.writeUIntLE(summary.length, 5, 3);
  head.writeUInt32LE(payload.length, 8);
  head.writeUInt32LE(block.raw, 12);
  head.writeBigUInt64LE(BigInt(block.from), 16);
  head.writeBigUInt64LE(BigInt(block.to), 24);
  head.writeUInt32LE(crc32(payload, crc32(summary)), 32);
  head.writeUInt32LE(crc32(head.subarray(0, 36)), 36);
  return Buffer.concat([head, summary, payload]);
}

/** Undefined when the bytes are not a whole, undamaged header. */
export function decodeBlockHeader(head: Buffer): BlockHeader | undefined {
  if (head.length < blockHeaderSize || !head.subarray(0, 4).equals(marker)) return undefined;
  if (crc32(head.subarray(0, 36)) !== head.readUInt32LE(36)) return undefined;
  const kind = kinds[head.readUInt8(4)];
  if (kind === undefined) return undefined;
  return {
    kind,
    summary: head.readUIntLE(5, 3),
    payload: head.readUInt32LE(8),
    raw: head.readUInt32LE(12),
    from: Number(head.readBigUInt64LE(16)),
    to: Number(head.readBigUInt64LE(24)),
    check: head.readUInt32LE(32),
  };
}

/** True when summary and payload (one after the other in `body`) are what the header was written for. */
export function isWhole(header: BlockHeader, body: Buffer): boolean {
  return body.length === header.summary + header.payload && crc32(body) === header.check;
}

/** The file's last bytes, written at close: where the index block begins. */
export function encodeTrailer(index: number): Buffer {
  const bytes = Buffer.alloc(trailerSize);
  trailerMarker.copy(bytes);
  bytes.writeBigUInt64LE(BigInt(index), 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

export function decodeTrailer(bytes: Buffer): number | undefined {
  if (bytes.length !== trailerSize || !bytes.subarray(0, 4).equals(trailerMarker)) return undefined;
  if (crc32(bytes.subarray(0, 12)) !== bytes.readUInt32LE(12)) return undefined;
  return Number(bytes.readBigUInt64LE(4));
}
