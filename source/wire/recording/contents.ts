/** Finds the blocks of a `.hop` file: by the index at its end, or, when that is missing, from header to header. */
import {readSync} from 'node:fs';
import {zstdDecompressSync} from 'node:zlib';
import {
  blockHeaderSize,
  decodeBlockHeader,
  decodeMetadata,
  decodePreamble,
  decodeTrailer,
  isWhole,
  type Metadata,
  maxSegment,
  preambleSize,
  trailerSize,
} from './format.ts';
import {decodeIndex, decodeSummary, type IndexedBlock} from './summary.ts';

export type Contents = {
  readonly metadata: Metadata;
  readonly blocks: readonly IndexedBlock[];
  /** What is missing at the end, as a sentence. */
  readonly cut?: string;
};

/** Reads up to `length` bytes at `offset`: fewer when the file ends before. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const got = readSync(fd, bytes, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

/** Throws `RecordingError` when the file is not a recording that this version can read. */
export function readContents(fd: number, size: number, file: string): Contents {
  const preamble = decodePreamble(readAt(fd, 0, preambleSize), file);
  const metadata = decodeMetadata(readAt(fd, preambleSize, preamble.metadata), preamble, file);
  const start = preambleSize + preamble.metadata;
  const indexed = readIndex(fd, start, size);
  return {metadata, ...(indexed === undefined ? walk(fd, start, size) : {blocks: indexed})};
}

function readIndex(fd: number, start: number, size: number): IndexedBlock[] | undefined {
  const at = decodeTrailer(readAt(fd, Math.max(start, size - trailerSize), trailerSize));
  if (at === undefined || at < start || at > size) return undefined;
  const header = decodeBlockHeader(readAt(fd, at, blockHeaderSize));
  if (header?.kind !== 'index' || header.payload > size || header.summary > 0) return undefined;
  const body = readAt(fd, at + blockHeaderSize, header.payload);
  if (!isWhole(header, body)) return undefined;
  try {
    return decodeIndex(
      zstdDecompressSync(body, {maxOutputLength: Math.min(header.raw, maxSegment) + 1}),
      start,
      at,
    );
  } catch {
    return undefined;
  }
}

function walk(fd: number, start: number, size: number): Pick<Contents, 'blocks' | 'cut'> {
  const blocks: IndexedBlock[] = [];
  let offset = start;
  const cut = (sentence: string) => ({blocks, cut: sentence});
  for (;;) {
    const last = blocks.at(-1);
    const until = last === undefined ? 'nothing of it can be played' : `it ends at ${iso(last.to)}`;
    if (offset === size)
      return cut(
        `The recording was not closed: ${until}, and up to some seconds that followed were not written.`,
      );
    const header = decodeBlockHeader(readAt(fd, offset, blockHeaderSize));
    if (header === undefined)
      return cut(
        size - offset < blockHeaderSize
          ? `The recording is cut: ${until}; what followed is missing.`
          : `The recording is damaged at byte ${offset}: ${until}; what followed cannot be found.`,
      );
    const length = blockHeaderSize + header.summary + header.payload;
    if (header.kind === 'index') {
      // An index that is whole would have been found from the trailer: the end is missing, but nothing was played there.
      return cut(`The recording is cut after its last sweep: its index is missing, and nothing else.`);
    }
    if (offset + length > size) {
      const lost = (header.to - (last?.to ?? header.from)) / 1000;
      return cut(
        last === undefined
          ? 'The recording is cut within its first seconds: nothing of it can be played.'
          : `The recording is cut: the last ${lost.toFixed(1)} s before the cut are missing; ${until}.`,
      );
    }
    const summary = decodeSummary(readAt(fd, offset + blockHeaderSize, header.summary));
    const {kind, raw, from, to} = header;
    const empty = {moments: [], events: []};
    blocks.push({kind, raw, from, to, offset, size: length, summary: summary ?? empty});
    offset += length;
  }
}

const iso = (time: number) => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString();
};
