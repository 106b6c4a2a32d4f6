/** Appends entries to a `.hop` file: gathers them into blocks, compresses each as a piece of its segment's stream. */
import {closeSync, ftruncateSync, openSync, unlinkSync, writeSync} from 'node:fs';
import {dirname} from 'node:path';
import {constants, createZstdCompress, zstdCompressSync} from 'node:zlib';
import {encodeBlock, encodeFileHeader, encodeTrailer, type Metadata, RecordingError} from './format.ts';
import {createEncoder, type Encoder, type Entry} from './records.ts';
import {encodeIndex, encodeSummary, type IndexedBlock, type Summary, summarise} from './summary.ts';
import type {World} from './world.ts';

/** A block is written when it spans this long: what a crash or a cut can take. */
export const blockSpan = 2000;
/** Or when it holds this much. */
const blockBytes = 1 << 20;
/** A segment ends, and the next begins with the whole state, after this long or this much more than its state. */
const segmentSpan = 30_000;
const segmentBytes = 16 << 20;
/** Covers a segment, so that its last sweep can still refer to its first. */
const windowLog = 24;
/** More than this waiting for the disk means that it cannot follow. */
const maxQueued = 256 << 20;

export type Writer = {
  /** `world` is the state before the entry; it is written where a segment begins. */
  append(entry: Entry, world: World): void;
  /** Writes what has been gathered. Resolves, never rejects, when it is in the file. */
  flush(): Promise<void>;
  bytes(): number;
  /** Completes the file with its index. */
  close(): Promise<void>;
};

type Segment = {readonly encoder: Encoder; readonly started: number; readonly limit: number; size: number};
type Gathering = {readonly from: number; to: number; readonly summary: Summary};

/**
 * Creates `file` (mode 0600; it must not exist). Throws `RecordingError`, and then leaves no file. Later failures go to
 * `failed` as a sentence, once; nothing is written after that. `queue` is how many bytes may wait for the disk.
 */
export function createWriter(
  file: string,
  metadata: Metadata,
  failed: (sentence: string) => void,
  queue = maxQueued,
): Writer {
  const fd = create(file);
  const index: IndexedBlock[] = [];
  let written = 0;
  let queued = 0;
  let broken = false;
  let closed = false;
  let segment: Segment | undefined;
  let block: Gathering | undefined;
  let work: Promise<void> = Promise.resolve();
  let stream: Compressor | undefined;
  /** Nodes that were swept once: until then, a block ends with each, so that a short file that is cut answers too. */
  const begun = new Set<string>();

  const fail = (error: unknown) => {
    if (broken) return;
    broken = true;
    stream?.end();
    try {
      // Half a block would read as a cut; without it the file is whole up to here.
      ftruncateSync(fd, written);
    } catch {}
    failed(`Recording to ${file} stopped: ${reason(error)}. What was written before can be played.`);
  };
  const write = (bytes: Buffer) => {
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, written + done);
    written += bytes.length;
  };
  const put = async (raw: Buffer, first: boolean, level: number, done: Gathering) => {
    if (broken) return;
    if (first) {
      stream?.end();
      stream = createCompressor(level);
    }
    const payload = await stream!.piece(raw);
    // The queue can overflow meanwhile: the stream was ended then, and its piece is none.
    if (broken) return;
    const kind = first ? ('key' as const) : ('next' as const);
    const header = {kind, raw: raw.length, from: done.from, to: done.to};
    const summary = encodeSummary(done.summary);
    const offset = written;
    write(encodeBlock(header, summary, payload));
    index.push({...header, offset, size: written - offset, summary: done.summary});
  };
  const flush = () => {
    if (segment === undefined || block === undefined) return work;
    const raw = segment.encoder.take();
    const first = segment.size === 0;
    const done = block;
    const level = levelFor(raw.length);
    segment.size += raw.length;
    queued += raw.length;
    if (queued > queue) fail(new Error('the disk is too slow for what is being read'));
    work = work.then(() => put(raw, first, level, done)).catch(fail);
    work = work.finally(() => {
      queued -= raw.length;
    });
    if (segment.size > segment.limit || done.to - segment.started >= segmentSpan) segment = undefined;
    block = undefined;
    return work;
  };

  try {
    write(encodeFileHeader(metadata));
  } catch (error) {
    discard(fd, file);
    throw new RecordingError(`${file} cannot be written: ${reason(error)}. Name a file elsewhere.`, {
      cause: error,
    });
  }
  return {
    append: (entry, world) => {
      if (broken || closed) return;
      if (segment === undefined) {
        const encoder = createEncoder();
        encoder.base(world);
        segment = {encoder, started: entry.time, limit: encoder.size() * 2 + segmentBytes, size: 0};
      }
      block ??= {from: entry.time, to: entry.time, summary: {moments: [], events: []}};
      block.to = entry.time;
      summarise(block.summary, entry);
      segment.encoder.entry(entry);
      const {event} = entry;
      const begins = event.type === 'swept' && !begun.has(event.node);
      if (begins) begun.add(event.node);
      if (begins || segment.encoder.size() >= blockBytes || block.to - block.from >= blockSpan) void flush();
    },
    flush,
    bytes: () => written,
    close: async () => {
      if (closed) return work;
      closed = true;
      await flush();
      stream?.end();
      try {
        if (!broken) {
          const raw = encodeIndex(index);
          const header = {kind: 'index' as const, raw: raw.length, from: 0, to: 0};
          const at = written;
          write(encodeBlock(header, Buffer.alloc(0), zstdCompressSync(raw)));
          write(encodeTrailer(at));
        }
      } catch (error) {
        fail(error);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Most of what a recording holds is small and worth the time (some 10 ms per sweep); a huge cluster is not. */
const levelFor = (raw: number) => (raw < 4 << 20 ? 12 : 6);

type Compressor = {piece(raw: Buffer): Promise<Buffer>; end(): void};

/** One zstd frame given out in pieces, each of which makes all bytes so far decodable. */
function createCompressor(level: number): Compressor {
  const zstd = createZstdCompress({
    // Nothing reads while a piece is being made, so its output must find room whatever its size.
    readableHighWaterMark: maxQueued,
    params: {[constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowLog},
  } as Parameters<typeof createZstdCompress>[0]);
  return {
    piece: raw =>
      new Promise((resolve, reject) => {
        zstd.once('error', reject);
        zstd.write(raw);
        zstd.flush(constants.ZSTD_e_flush, () => {
          zstd.off('error', reject);
          const parts: Buffer[] = [];
          for (let part = zstd.read(); part !== null; part = zstd.read()) parts.push(part);
          resolve(Buffer.concat(parts));
        });
      }),
    end: () => zstd.destroy(),
  };
}

function create(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const sentence =
      code === 'EEXIST'
        ? `${file} exists already, and hoptop does not overwrite it. Name another file, or remove it first.`
        : code === 'ENOENT'
          ? `${file} cannot be created: there is no directory ${dirname(file)}. Make it first.`
          : `${file} cannot be created: ${reason(error)}. Name a file elsewhere.`;
    throw new RecordingError(sentence, {cause: error});
  }
}

/** A file without its header is no recording, and would stand in the way of the next try. */
function discard(fd: number, file: string): void {
  closeSync(fd);
  try {
    unlinkSync(file);
  } catch {}
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EDQUOT') return 'the disk quota is used up';
  if (code === 'EACCES' || code === 'EPERM') return 'writing there is not allowed';
  if (code === 'EROFS') return 'the file system is read-only';
  if (code === 'EFBIG') return 'the file has reached the largest size allowed';
  return error instanceof Error ? error.message : String(error);
}
