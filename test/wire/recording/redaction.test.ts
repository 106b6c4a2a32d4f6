import {readFileSync} from 'node:fs';
import {constants, zstdDecompressSync} from 'node:zlib';
import {afterAll, expect, test} from 'vitest';
import {createRecorder} from '../../../source/wire/recorder.ts';
import {blockHeaderSize, decodeBlockHeader} from '../../../source/wire/recording/format.ts';
import {openRecording} from '../../../source/wire/recording/reader.ts';
import type {SourceEvent} from '../../../source/wire/source.ts';
import {at, options, reply, scratch, swept} from './story.ts';

const here = scratch();
afterAll(here.done);
const secret = 'hunter2-correct-horse';

/** The file's bytes as they are, and everything that decompresses out of them. */
function everything(file: string): string {
  const bytes = readFileSync(file);
  const texts = [bytes.toString('latin1')];
  let pieces: Buffer[] = [];
  for (let offset = bytes.indexOf('hopB'); ; ) {
    const header = decodeBlockHeader(bytes.subarray(offset, offset + blockHeaderSize));
    if (header === undefined) break;
    const from = offset + blockHeaderSize + header.summary;
    if (header.kind !== 'next') pieces = [];
    pieces.push(bytes.subarray(from, from + header.payload));
    texts.push(
      zstdDecompressSync(Buffer.concat(pieces), {finishFlush: constants.ZSTD_e_flush}).toString('latin1'),
    );
    offset = from + header.payload;
  }
  return texts.join('\n');
}

const story: SourceEvent[] = [
  reply('a', undefined, `1 /bin/app --token=${secret}`, {fact: 'processes'}),
  reply('a', undefined, 'fine', {fact: 'processes', err: `cannot read ${secret}`, at: at(5)}),
  reply('a', undefined, secret, {fact: 'a fact of tomorrow', at: at(10)}),
  reply('a', undefined, secret, {fact: 'sandboxes', at: at(15)}),
  swept('a', 1, 20),
  {type: 'node', node: 'a', at: at(30), state: 'dialling', step: `trying ${secret}`},
  {type: 'node', node: 'a', at: at(40), state: 'lost', cause: `a refused ${secret}.`},
  // Far enough for a second segment, which begins with the whole state.
  swept('a', 2, 40_000),
  swept('a', 3, 80_000),
];

const clean = (text: string) => text.replaceAll(secret, '***');

test('a secret is nowhere in the file, compressed or not, and what has no redactor is not written', async () => {
  const file = here.file();
  const recorder = createRecorder(file, {
    ...options,
    label: `ssh with ${secret}`,
    redact: (fact, out) => {
      if (fact === 'sandboxes') throw new Error('this redactor fails');
      return fact === 'processes' ? Buffer.from(clean(String(out))) : undefined;
    },
    redactText: clean,
  });
  for (const event of story) recorder.append(event);
  await recorder.close();
  const texts = everything(file);
  expect(texts).not.toContain(secret);
  expect(texts).not.toContain('a fact of tomorrow');
  expect(texts).not.toContain('sandboxes');
  // The search itself can find: what replaced the secret is there.
  expect(texts).toContain('--token=***');
  expect(texts).toContain('cannot read ***');
  expect(texts).toContain('a refused ***.');
  expect([...recorder.dropped()]).toEqual([
    ['a fact of tomorrow', 1],
    ['sandboxes', 1],
  ]);
  const recording = openRecording(file);
  expect(recording.label).toBe('ssh with ***');
  recording.close();
});

test('the same search finds the secret when nothing takes it out', async () => {
  const file = here.file();
  const recorder = createRecorder(file, options);
  for (const event of story) recorder.append(event);
  await recorder.close();
  expect(everything(file)).toContain(`--token=${secret}`);
});
