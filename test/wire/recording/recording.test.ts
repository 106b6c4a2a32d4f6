import {readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, describe, expect, test} from 'vitest';
import {createRecorder, record} from '../../../source/wire/recorder.ts';
import {RecordingError} from '../../../source/wire/recording/format.ts';
import {openRecording, type Recording} from '../../../source/wire/recording/reader.ts';
import {apply, eventsOf, goneBy, nodeOf, type World} from '../../../source/wire/recording/world.ts';
import type {Source, SourceEvent} from '../../../source/wire/source.ts';
import {at, everywhere, options, reply, scratch, start, stories, swept, type Told, write} from './story.ts';

const here = scratch();
afterAll(here.done);

const all = (recording: Recording) => recording.between(at(-1), recording.to);
/** `Buffer` and `Uint8Array` are told apart by deep equality; bytes are bytes. */
const plain = (event: SourceEvent) =>
  event.type === 'reply' ? {...event, out: Buffer.from(event.out).toString('base64')} : event;

async function recorded(story: readonly Told[]): Promise<Recording> {
  const file = here.file();
  await write(file, story);
  return openRecording(file);
}

const isReply = (event: SourceEvent) => event.type === 'reply';

/** The state at `moment` by replaying everything from the beginning, without any segment. */
function replayed(story: readonly Told[], moment: number): World {
  const world: World = new Map();
  for (const {event, reads} of story) {
    if (Date.parse(event.at) > moment) break;
    const asked = event.type === 'swept' && reads.length > 0;
    apply(world, event, asked ? goneBy(nodeOf(world, event.node)) : []);
  }
  return world;
}

describe('a recording', () => {
  test('gives back every event as it was', async () => {
    await fc.assert(
      fc.asyncProperty(stories, async story => {
        const recording = await recorded(story);
        expect(all(recording).map(plain)).toEqual(story.map(({event}) => plain(event)));
        expect(recording.cut).toBeUndefined();
        expect(recording.damage()).toEqual([]);
        recording.close();
      }),
      {numRuns: 60},
    );
  });

  test('shows the same state after a seek as after playing up to there', async () => {
    await fc.assert(
      fc.asyncProperty(
        stories,
        fc.array(fc.integer({min: -10, max: 120_000}), {minLength: 5}),
        async (story, times) => {
          const recording = await recorded(story);
          for (const time of times) {
            const seeked = eventsOf(recording.read(at(time))).map(plain);
            expect(seeked).toEqual(eventsOf(replayed(story, start + time)).map(plain));
          }
          recording.close();
        },
      ),
      {numRuns: 60},
    );
  });

  test('knows its sweeps and its node events without decompressing anything', async () => {
    const recording = await recorded([
      {event: {type: 'node', node: 'a', at: at(0), state: 'ready'}, reads: []},
      {event: swept('a', 1, 500), reads: []},
      {event: swept('b', 1, 700), reads: []},
      {event: swept('a', 2, 2500), reads: []},
      {
        event: {type: 'node', node: 'b', at: at(2600), state: 'lost', cause: 'b closed the connection.'},
        reads: [],
      },
      {event: swept('a', 3, 4500), reads: []},
      {event: {type: 'node', node: 'b', at: at(5000), state: 'back'}, reads: []},
    ]);
    expect(recording.moments.map(({node, sweep}) => node + sweep)).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(recording.rounds).toEqual([at(700), at(2500), at(4500)]);
    expect(recording.events.map(event => event.text)).toEqual([
      'a was reached',
      'b was lost: b closed the connection.',
      'b is back',
    ]);
    expect([recording.from, recording.to]).toEqual([at(0), at(5000)]);
    expect(recording.label).toBe('a test');
    recording.close();
  });

  test('keeps nodes apart whose namespaces have the same inode', async () => {
    const recording = await recorded([
      {event: reply('a', '4026532001', 'of a'), reads: []},
      {event: reply('b', '4026532001', 'of b'), reads: []},
      {event: swept('a', 1, 10), reads: [everywhere('a')]},
      {event: swept('b', 1, 20), reads: [everywhere('b')]},
    ]);
    const world = recording.read(at(20));
    const texts = [...world].map(([node, {replies}]) => [
      node,
      ...[...replies.values()].map(r => String(r.out)),
    ]);
    expect(texts).toEqual([
      ['a', 'of a'],
      ['b', 'of b'],
    ]);
    recording.close();
  });

  test('drops a namespace that was asked and is silent, and only that', async () => {
    const second = (netns: string, text: string) => reply('a', netns, text, {sweep: 2, at: at(2000)});
    const first: Told[] = [
      {event: reply('a', '1', 'one'), reads: []},
      {event: reply('a', '2', 'two'), reads: []},
      {event: reply('a', undefined, 'node'), reads: []},
      {event: swept('a', 1, 100), reads: [everywhere('a')]},
      {event: second('1', 'one again'), reads: []},
    ];
    const standing = async (last: Told) => {
      // The last of these is in another segment, which begins with the state as it was by then.
      const later = [swept('a', 3, 40_000), swept('a', 4, 41_000)].map(event => ({event, reads: []}));
      const recording = await recorded([...first, last, ...later]);
      const [soon, late] = [9000, 50_000].map(ms => eventsOf(recording.read(at(ms))).filter(isReply));
      expect(late).toEqual(soon);
      const replies = late ?? [];
      recording.close();
      return replies.map(({out}) => String(out)).sort();
    };
    expect(await standing({event: swept('a', 2, 2100), reads: [everywhere('a')]})).toEqual([
      'node',
      'one again',
    ]);
    const some = {...everywhere('a'), scope: {netns: ['1']}};
    expect(await standing({event: swept('a', 2, 2100), reads: [some]})).toEqual(['node', 'one again', 'two']);
  });

  test('holds replies of a sweep under way back from the state until it is complete', async () => {
    const recording = await recorded([
      {event: reply('a', '1', 'old'), reads: []},
      {event: swept('a', 1, 100), reads: []},
      {event: reply('a', '1', 'new', {sweep: 2, at: at(2000)}), reads: []},
      {event: swept('a', 2, 2100), reads: []},
    ]);
    const standing = (ms: number) =>
      [...recording.read(at(ms)).get('a')!.replies.values()].map(r => String(r.out));
    expect([standing(100), standing(2050), standing(2100)]).toEqual([['old'], ['old'], ['new']]);
    expect(
      recording
        .read(at(2050))
        .get('a')
        ?.pending.map(r => String(r.out)),
    ).toEqual(['new']);
    recording.close();
  });

  test('of nothing opens, and is empty', async () => {
    const recording = await recorded([]);
    expect([recording.moments, recording.from, recording.to]).toEqual([[], at(0), at(0)]);
    expect(recording.read(at(0)).size).toBe(0);
    recording.close();
  });

  test('written by the first version of the format is still read', () => {
    const recording = openRecording(join(import.meta.dirname, 'traffic.hop'));
    expect([recording.nodes, recording.moments.length, recording.rounds.length]).toEqual([
      ['a', 'b'],
      40,
      20,
    ]);
    const world = recording.read(recording.to);
    expect([...world.values()].map(({replies, swept: last}) => [replies.size, last?.swept])).toEqual([
      [18, 20],
      [18, 20],
    ]);
    expect(String(world.get('a')?.replies.get('sockets 4026532001')?.out)).toMatch(
      /^tcp +LISTEN .*0\.0\.0\.0:8080/,
    );
    recording.close();
  });
});

describe('a recorder', () => {
  test('passes on and appends what goes through the source that it wraps', async () => {
    const file = here.file();
    const recorder = createRecorder(file, options);
    const told: SourceEvent[] = [reply('a', '1', 'x'), swept('a', 1, 100)];
    const state = {type: 'node', node: 'a', at: at(0), state: 'ready'} as const;
    const source: Source = {
      nodes: ['a'],
      async *sweep() {
        yield* told;
      },
      async *events() {
        yield state;
      },
      close: async () => {},
    };
    const wrapped = record(source, recorder);
    const signal = new AbortController().signal;
    const seen: SourceEvent[] = [];
    for await (const event of wrapped.events(signal)) seen.push(event);
    for await (const event of wrapped.sweep([everywhere('a')], signal)) seen.push(event);
    await recorder.close();
    const recording = openRecording(file);
    expect(seen).toEqual([state, ...told]);
    expect(all(recording).map(plain)).toEqual(seen.map(plain));
    recording.close();
  });

  test('makes a file that only its owner can read, and never overwrites one', async () => {
    const file = here.file();
    await write(file, []);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file);
    expect(() => createRecorder(file, options)).toThrow(RecordingError);
    expect(() => createRecorder(file, options)).toThrow(`${file} exists already`);
    expect(readFileSync(file)).toEqual(before);
    expect(() => createRecorder(join(here.directory, 'none', 'x.hop'), options)).toThrow(
      'there is no directory',
    );
  });

  test('has written all but the last seconds before it is closed', async () => {
    const file = here.file();
    const recorder = createRecorder(file, options);
    for (let sweep = 1; sweep <= 10; sweep++) {
      recorder.append(reply('a', '1', `sweep ${sweep}`, {sweep, at: at(sweep * 1000)}));
      recorder.append(swept('a', sweep, sweep * 1000 + 100));
    }
    // Compression runs beside this thread; nothing but its end says that a block is in the file.
    while (!readFileSync(file).includes('"a",7')) await new Promise(resolve => setTimeout(resolve, 5));
    const recording = openRecording(file);
    expect(recording.moments.at(-1)?.sweep).toBeGreaterThanOrEqual(7);
    expect(recording.cut).toContain('was not closed: it ends at');
    recording.close();
    await recorder.close();
  });
});

test('what nothing follows is in the file all the same, some seconds later', async () => {
  const file = here.file();
  const recorder = createRecorder(file, options);
  recorder.append(swept('a', 1, 100));
  const empty = recorder.bytes();
  while (recorder.bytes() === empty) await new Promise(resolve => setTimeout(resolve, 50));
  const recording = openRecording(file);
  expect(recording.moments).toEqual([{at: at(100), node: 'a', sweep: 1}]);
  recording.close();
  await recorder.close();
});

describe('what is no recording is refused in a sentence', () => {
  const refused = (bytes: Uint8Array | string) => {
    const file = here.file();
    writeFileSync(file, bytes);
    try {
      openRecording(file);
    } catch (error) {
      expect(error).toBeInstanceOf(RecordingError);
      return (error as Error).message.replace(file, 'FILE');
    }
    throw new Error('it was opened');
  };

  test('another file, an empty one, a missing one, a directory', () => {
    expect(refused('PK\x03\x04 something else')).toMatch(/^FILE is not a hoptop recording/);
    expect(refused('')).toBe('FILE is empty: nothing was recorded into it.');
    expect(() => openRecording(join(here.directory, 'none.hop'))).toThrow('There is no file');
    expect(() => openRecording(here.directory)).toThrow('is not a file');
  });

  test('a newer major version', async () => {
    const file = here.file();
    await write(file, []);
    const bytes = readFileSync(file);
    bytes.writeUInt16LE(2, 8);
    expect(refused(bytes)).toBe(
      'FILE is a recording of format 2; this hoptop reads format 1. Play it with a newer hoptop.',
    );
    bytes.writeUInt16LE(1, 8);
    bytes.writeUInt16LE(9, 10);
    writeFileSync(file, bytes);
    openRecording(file).close();
  });
});
