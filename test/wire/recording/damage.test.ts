import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, describe, expect, test} from 'vitest';
import {blockHeaderSize, decodeBlockHeader, RecordingError} from '../../../source/wire/recording/format.ts';
import {openRecording} from '../../../source/wire/recording/reader.ts';
import {createWriter} from '../../../source/wire/recording/writer.ts';
import type {SourceEvent} from '../../../source/wire/source.ts';
import {at, reply, scratch, swept, type Told, write} from './story.ts';

const here = scratch();
afterAll(here.done);

/** A minute and more, so that there are several segments of several blocks; no two events at the same time. */
const story: Told[] = Array.from({length: 36}, (_, index) => index + 1).flatMap(sweep => {
  const ms = sweep * 2000;
  const when = (after: number) => ({sweep, at: at(ms + after)});
  return [
    reply('a', '4026532001', `a socket with ${sweep} bytes sent`, when(1)),
    reply('b', '4026532001', 'what never changes', when(2)),
    swept('a', sweep, ms + 3),
    swept('b', sweep, ms + 4),
  ].map(event => ({event, reads: []}));
});
const brief = (event: SourceEvent) =>
  `${event.at} ${event.type} ${event.node} ${event.type === 'reply' ? event.out : ''}`;
const told = story.map(({event}) => brief(event));

const file = here.file();
await write(file, story);
const whole = readFileSync(file);

/** Where each block ends, and the last moment in it, by the headers alone. */
const blocks: {end: number; to: number; kind: string}[] = [];
for (let offset = whole.indexOf('hopB'); offset >= 0 && offset < whole.length; ) {
  const header = decodeBlockHeader(whole.subarray(offset, offset + blockHeaderSize));
  if (header === undefined) break;
  offset += blockHeaderSize + header.summary + header.payload;
  blocks.push({end: offset, to: header.to, kind: header.kind});
}

/** Everything that can be played of these bytes, or the sentence that says why nothing can. */
function played(
  bytes: Uint8Array,
): {events: string[]; cut: string | undefined; damage: readonly string[]} | string {
  const copy = join(here.directory, 'copy.hop');
  writeFileSync(copy, bytes);
  try {
    const recording = openRecording(copy);
    try {
      const events = recording.between(at(-1), recording.to).map(brief);
      for (const moment of recording.moments) recording.read(moment.at);
      return {events, cut: recording.cut, damage: recording.damage()};
    } finally {
      recording.close();
    }
  } catch (error) {
    if (error instanceof RecordingError) return error.message;
    throw error;
  }
}

describe('a recording that was cut', () => {
  test('has several segments to cut', () => {
    const kinds = blocks.map(({kind}) => kind);
    expect(kinds.filter(kind => kind === 'key').length).toBeGreaterThanOrEqual(3);
    expect(kinds.filter(kind => kind === 'next').length).toBeGreaterThan(10);
    expect(kinds.at(-1)).toBe('index');
    expect(played(whole)).toEqual({events: told, cut: undefined, damage: []});
  });

  test('at any byte plays exactly the whole blocks before, and says so', () => {
    const dense = [...blocks.flatMap(({end}) => [end - 1, end, end + 1]), whole.length - 1];
    const metadata = Array.from({length: blocks[0]!.end}, (_, index) => index);
    const sampled = Array.from({length: Math.floor(whole.length / 13)}, (_, index) => index * 13);
    for (const length of new Set([...metadata, ...dense, ...sampled])) {
      if (length >= whole.length) continue;
      const result = played(whole.subarray(0, length));
      if (typeof result === 'string') {
        expect(length).toBeLessThan(whole.indexOf('hopB'));
        expect(result).toMatch(/is (empty|cut|not)/);
        continue;
      }
      const last = blocks.filter(({end, kind}) => end <= length && kind !== 'index').at(-1);
      const expected = story.filter(({event}) => last !== undefined && Date.parse(event.at) <= last.to);
      expect(result.events).toEqual(told.slice(0, expected.length));
      expect(result.cut).toMatch(/^The recording (is cut|was not closed)/);
    }
  });

  test('within a block says how much is missing', () => {
    const [before, cut] = [blocks[9]!, blocks[10]!];
    const result = played(whole.subarray(0, cut.end - 1));
    const seconds = ((cut.to - before.to) / 1000).toFixed(1);
    expect(result).toMatchObject({
      cut: `The recording is cut: the last ${seconds} s before the cut are missing; it ends at ${new Date(before.to).toISOString()}.`,
    });
  });
});

describe('a recording that was damaged', () => {
  test('never shows what was not recorded, whatever bytes changed', () => {
    const known = new Set(told);
    const hits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({min: 1, max: 255})), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(hits, changes => {
        const bytes = Buffer.from(whole);
        for (const [offset, mask] of changes) bytes[offset]! ^= mask;
        const result = played(bytes);
        if (typeof result === 'string') return;
        expect(result.events.filter(event => !known.has(event))).toEqual([]);
        if (result.events.length < told.length)
          expect(`${result.cut} ${result.damage}`).toMatch(/damaged|cut/);
      }),
      {numRuns: 300},
    );
  });

  test('loses the rest of one segment, not the segments after it', () => {
    const second = blocks.findIndex(({kind}, index) => index > 0 && kind === 'key');
    const bytes = Buffer.from(whole);
    bytes[blocks[second]!.end - 5]! ^= 255;
    const result = played(bytes) as Exclude<ReturnType<typeof played>, string>;
    expect(result.damage).toHaveLength(1);
    expect(result.damage[0]).toMatch(/^The recording is damaged: \d+\.\d s from .* on cannot be read\.$/);
    expect([result.events[0], result.events.at(-1)]).toEqual([told[0], told.at(-1)]);
    expect(result.events.length).toBeLessThan(told.length);
  });

  test('is any bytes behind a good beginning', () => {
    const head = whole.subarray(0, whole.indexOf('hopB'));
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), rest => {
        const result = played(Buffer.concat([head, rest]));
        expect(result).toMatchObject({events: []});
      }),
      {numRuns: 100},
    );
  });
});

test('a full disk stops the recording once, in a sentence, and what was written plays', () => {
  const target = here.file();
  const child = join(import.meta.dirname, 'full-disk.ts');
  // 64 blocks of 512 bytes (dash) or 1 KiB (bash): the kernel refuses to let the file grow further.
  const said = execFileSync(
    'sh',
    ['-c', 'ulimit -f 64; exec "$0" "$1" "$2"', process.execPath, child, target],
    {
      encoding: 'utf8',
    },
  );
  const lines = said.trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe(
    `Recording to ${target} stopped: the file has reached the largest size allowed. What was written before can be played.`,
  );
  expect(lines[1]).toBe('the session went on');
  const recording = openRecording(target);
  expect(recording.moments.length).toBeGreaterThan(0);
  expect(recording.read(recording.to).get('a')?.swept?.swept).toBe(recording.moments.at(-1)?.sweep);
  recording.close();
});

test('where not even the header fits, recording is refused in a sentence, and no file is left', () => {
  const target = here.file();
  const child = join(import.meta.dirname, 'full-disk.ts');
  const run = spawnSync('sh', ['-c', 'ulimit -f 0; exec "$0" "$1" "$2"', process.execPath, child, target], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(1);
  expect(run.stdout).toBe('');
  expect(run.stderr).toContain(
    `RecordingError: ${target} cannot be written: the file has reached the largest size allowed. Name a file elsewhere.`,
  );
  expect(existsSync(target)).toBe(false);
});

test('what was being compressed when the disk fell behind is not written', async () => {
  const target = here.file();
  const sentences: string[] = [];
  const metadata = {hoptop: '0', created: at(0), utcOffset: 0, label: '', nodes: ['a']};
  const writer = createWriter(target, metadata, sentence => sentences.push(sentence), 100_000);
  const header = readFileSync(target);
  const entry = (ms: number, out: string) => ({
    time: Date.parse(at(ms)),
    event: reply('a', '1', out, {sweep: 1, at: at(ms)}),
    gone: [],
  });
  writer.append(entry(0, 'x'.repeat(90_000)), new Map());
  void writer.flush();
  // The first block is with the compressor from the next microtask on; it answers in a later turn.
  await Promise.resolve();
  writer.append(entry(1, 'y'.repeat(90_000)), new Map());
  await writer.flush();
  await writer.close();
  expect(sentences).toEqual([
    `Recording to ${target} stopped: the disk is too slow for what is being read. What was written before can be played.`,
  ]);
  expect(readFileSync(target)).toEqual(header);
});
