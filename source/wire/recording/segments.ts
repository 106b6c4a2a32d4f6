/** Decompresses segments, and keeps the few that were used last. */
import {constants, zstdDecompressSync} from 'node:zlib';
import {readAt} from './contents.ts';
import {blockHeaderSize, decodeBlockHeader, isWhole, maxSegment} from './format.ts';
import {createDecoder, type Entry} from './records.ts';
import type {IndexedBlock} from './summary.ts';
import type {World} from './world.ts';

export type Segment = {
  /** The state it begins with. Not to be changed: see `copyOf`. */
  readonly base: World;
  readonly entries: readonly Entry[];
  /** The moment up to which its blocks could be read, when not all could. */
  readonly brokenFrom?: number;
};

/** A key block and the blocks that continue its stream. */
export type SegmentBlocks = readonly IndexedBlock[];

export function segmentsOf(blocks: readonly IndexedBlock[]): SegmentBlocks[] {
  const segments: IndexedBlock[][] = [];
  for (const block of blocks) {
    if (block.kind === 'key') segments.push([block]);
    else segments.at(-1)?.push(block);
  }
  return segments;
}

/** Decoded bytes to keep; the segment in use is kept whatever its size. */
const keptBytes = 96 << 20;

/** `get` answers undefined when not even the segment's key block is whole. */
export function segmentCache(fd: number, segments: readonly SegmentBlocks[]) {
  const kept = new Map<number, {segment: Segment | undefined; size: number}>();
  let total = 0;
  return {
    get: (number: number): Segment | undefined => {
      const known = kept.get(number);
      if (known !== undefined) {
        kept.delete(number);
        kept.set(number, known);
        return known.segment;
      }
      const blocks = segments[number] ?? [];
      const segment = decode(fd, blocks);
      const size = blocks.reduce((sum, block) => sum + block.raw, 0);
      kept.set(number, {segment, size});
      total += size;
      for (const [oldest, {size: freed}] of kept) {
        if (total <= keptBytes || oldest === number) break;
        kept.delete(oldest);
        total -= freed;
      }
      return segment;
    },
  };
}

/** Everything up to the first block that is not whole. */
function decode(fd: number, blocks: SegmentBlocks): Segment | undefined {
  const payloads: Buffer[] = [];
  const whole: IndexedBlock[] = [];
  for (const block of blocks) {
    const bytes = readAt(fd, block.offset, block.size);
    const header = decodeBlockHeader(bytes.subarray(0, blockHeaderSize));
    const body = bytes.subarray(blockHeaderSize);
    if (header === undefined || header.raw !== block.raw || !isWhole(header, body)) break;
    payloads.push(body.subarray(header.summary));
    whole.push(block);
  }
  const first = whole[0];
  if (first === undefined) return undefined;
  const raw = decompress(payloads, whole);
  if (raw === undefined) return undefined;
  const base: World = new Map();
  const entries: Entry[] = [];
  const decoder = createDecoder();
  let at = 0;
  for (const block of whole) {
    try {
      for (const entry of decoder.block(raw.subarray(at, at + block.raw), block.from, base))
        entries.push(entry);
    } catch {
      return {base, entries, brokenFrom: block.from};
    }
    at += block.raw;
  }
  const broken = blocks[whole.length];
  return {base, entries, ...(broken === undefined ? {} : {brokenFrom: broken.from})};
}

function decompress(payloads: readonly Buffer[], blocks: SegmentBlocks): Buffer | undefined {
  const size = blocks.reduce((sum, block) => sum + block.raw, 0);
  if (size > maxSegment) return undefined;
  try {
    // The frame is never ended, so that every block but the last looks like a cut to zstd: e_flush accepts that.
    const options = {finishFlush: constants.ZSTD_e_flush, maxOutputLength: size + 1};
    const raw = zstdDecompressSync(Buffer.concat(payloads), options);
    return raw.length === size ? raw : undefined;
  } catch {
    return undefined;
  }
}
